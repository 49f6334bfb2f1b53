"""Actions on the run: one function each, for keys, mouse, palette and key scripts."""

from __future__ import annotations

from typing import Final

from tapedeck.console.actions import speeds
from tapedeck.console.actions.context import RunContext
from tapedeck.console.actions.time_expressions import read_moment, same_time, session_after, slots_of
from tapedeck.engine.errors import EngineError
from tapedeck.engine.intervals import Interval

_LENGTHS_S: Final = {"minute": 60, "hour": 3600}
DEFAULT_FORMAT: Final = "csv"


def slots_in(length: str, base: Interval) -> int:
    """Return the slots in `slot`, `minute`, `hour` or a number of slots; EngineError for other words."""
    if length in ("", "slot"):
        return 1
    if length in _LENGTHS_S:
        return slots_of(_LENGTHS_S[length], base)
    if length.isdecimal() and int(length) > 0:
        return int(length)
    raise EngineError(f"invalid distance {length!r}: use slot, minute, hour, day or a number of slots")


async def pause(run: RunContext, _argument: str) -> None:
    """Pause; on the screen, or play on."""
    run.check_under_way()
    await run.pause()


def resume(run: RunContext, _argument: str) -> None:
    """Play on."""
    run.check_under_way()
    run.resume()


async def step(run: RunContext, length: str) -> None:
    """Play a length of trading time, into the next session if need be; in the past, look later."""
    past = run.past
    if past is None:
        run.check_under_way()
    slots = slots_in(length, run.system.prepare().base)
    if past is not None:
        past.forward(slots)
    else:
        await run.step(slots)


async def day_forward(run: RunContext, _argument: str) -> None:
    """Play to the same time of the next session, or to its close where it is shorter."""
    if run.past is not None:
        run.past.day_forward()
        return
    run.check_under_way()
    await run.settle()
    here = run.here()
    following = session_after(run.system.prepare().sessions, here.session.trading_day)
    run.run_to(following, same_time(following, here))


def next_session(run: RunContext, _argument: str) -> None:
    """Play to the open of the next session."""
    if run.past is not None:
        run.past.next_session()
        return
    run.check_under_way()
    following = session_after(run.system.prepare().sessions, run.here().session.trading_day)
    run.run_to(following, following.regular_open)


async def go_to(run: RunContext, text: str) -> None:
    """Go to the moment that a text names."""
    await run.settle()
    run.go_to(read_moment(text, run.here(), run.system.time))


def faster(run: RunContext, _argument: str) -> None:
    """Take the next speed up the ladder."""
    run.set_speed(speeds.faster(run.speed))


def slower(run: RunContext, _argument: str) -> None:
    """Take the next speed down the ladder."""
    run.set_speed(speeds.slower(run.speed))


def speed(run: RunContext, text: str) -> None:
    """Play at the speed that a text names: `60`, `x60` or `max`."""
    run.set_speed(read_speed(text))


def read_speed(text: str) -> float:
    """Return the speed that a text names. Raises EngineError."""
    try:
        return speeds.read_speed(text)
    except ValueError as error:
        raise EngineError(str(error)) from None


def add_breakpoint(run: RunContext, condition: str) -> None:
    """Pause where a condition becomes true."""
    run.add_breakpoint(condition)


def remove_breakpoint(run: RunContext, number: str) -> None:
    """Remove the breakpoint of a number."""
    if not number.isdecimal():
        raise EngineError(f"invalid breakpoint number {number!r}: use one of the list of breakpoints")
    run.remove_breakpoint(int(number))


async def bookmark(run: RunContext, text: str) -> None:
    """Mark the moment, with a note."""
    await run.bookmark(text)


def export_csv(run: RunContext, folder: str) -> None:
    """Write what was played as CSV files."""
    run.export("csv", folder)


def export_json(run: RunContext, path: str) -> None:
    """Write the state as session.json."""
    run.export("json", path)


def export(run: RunContext, target: str) -> None:
    """Write what was played: `csv` and a folder, or `json` and a file."""
    form, _, path = target.partition(" ")
    run.export(form, path.strip())


def view(run: RunContext, target: str) -> None:
    """Write a panel as data: its name and, if it is not CSV, the format."""
    panel, _, form = target.partition(" ")
    run.view(panel, form.strip() or DEFAULT_FORMAT)


async def leave(run: RunContext, _argument: str) -> None:
    """End the run in order, and leave."""
    await run.quit()
