"""Actions on the run: one function each, for keys, mouse, palette and key scripts."""

from __future__ import annotations

from typing import Final

from tapedeck.console.actions import speeds
from tapedeck.console.actions.context import RunContext
from tapedeck.console.actions.symbol_changes import SymbolCommand
from tapedeck.console.actions.time_expressions import (
    parse_time_expression,
    same_time,
    session_after,
    slots_of,
)
from tapedeck.engine.errors import EngineError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.symbol_changes import ChangeKind

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
    """Pause; on the screen, resume a paused run; in the past, play it or stop."""
    if run.past is not None:
        run.past.play_or_stop()
        return
    run.check_not_over()
    await run.pause()


def resume(run: RunContext, _argument: str) -> None:
    """Resume play; in the past, play it."""
    if run.past is not None:
        run.past.play()
        return
    run.check_not_over()
    run.resume()


async def step(run: RunContext, length: str) -> None:
    """Step by a length of trading time, into the next session if necessary; in the past, move the view."""
    past = run.past
    if past is None:
        run.check_not_over()
    slots = slots_in(length, run.system.prepare().base)
    if past is not None:
        past.forward(slots)
    else:
        await run.step(slots)


async def day_forward(run: RunContext, _argument: str) -> None:
    """Play to the same time of the next session, or to its close if it is shorter; show a played one."""
    if run.past is not None and run.past.is_earlier_day:
        run.past.day_forward()
        return
    run.check_not_over()
    await run.wait_for_moves()
    reference = run.reference_time()
    following = session_after(run.system.prepare().sessions, reference.session.trading_day)
    run.run_to(following, same_time(following, reference))


def next_session(run: RunContext, _argument: str) -> None:
    """Play to the open of the next session; show a played one."""
    if run.past is not None and run.past.is_earlier_day:
        run.past.next_session()
        return
    run.check_not_over()
    following = session_after(run.system.prepare().sessions, run.reference_time().session.trading_day)
    run.run_to(following, following.regular_open)


async def go_to(run: RunContext, text: str) -> None:
    """Go to the time of a time expression."""
    await run.wait_for_moves()
    await run.go_to(parse_time_expression(text, run.reference_time(), run.system.time))


def faster(run: RunContext, _argument: str) -> None:
    """Increase the speed by one step of the ladder."""
    step_up = speeds.faster if run.past is None else speeds.faster_past
    run.set_speed(step_up(run.speed))


def slower(run: RunContext, _argument: str) -> None:
    """Decrease the speed by one step of the ladder."""
    run.set_speed(speeds.slower(run.speed))


def speed(run: RunContext, text: str) -> None:
    """Set the speed: `60`, `x60` or `max`; in the past, the maximum goes to the present."""
    wanted = read_speed(text)
    if wanted == 0 and run.past is not None:
        run.past.show_present()
    else:
        run.set_speed(wanted)


def read_speed(text: str) -> float:
    """Return the speed of a text. Raises EngineError."""
    try:
        return speeds.read_speed(text)
    except ValueError as error:
        raise EngineError(str(error)) from None


def add_breakpoint(run: RunContext, condition: str) -> None:
    """Add a breakpoint."""
    run.add_breakpoint(condition)


def remove_breakpoint(run: RunContext, number: str) -> None:
    """Remove a breakpoint by its number."""
    if not number.isdecimal():
        raise EngineError(f"invalid breakpoint number {number!r}: use a number of the list of breakpoints")
    run.remove_breakpoint(int(number))


def add_symbol(run: RunContext, text: str) -> None:
    """Have a symbol join the session: its name, and `keep` if the following sessions begin with it, too."""
    run.change_symbols(SymbolCommand.read(ChangeKind.JOINED, text))


def remove_symbol(run: RunContext, text: str) -> None:
    """Have a symbol leave the session."""
    run.change_symbols(SymbolCommand.read(ChangeKind.LEFT, text))


async def bookmark(run: RunContext, text: str) -> None:
    """Add a bookmark with a note."""
    await run.bookmark(text)


def export_csv(run: RunContext, folder: str) -> None:
    """Export the run so far as CSV files."""
    run.export("csv", folder)


def export_json(run: RunContext, path: str) -> None:
    """Export the state as session.json."""
    run.export("json", path)


def export(run: RunContext, target: str) -> None:
    """Export the run so far: `csv` and a folder, or `json` and a file."""
    form, _, path = target.partition(" ")
    run.export(form, path.strip())


def view(run: RunContext, target: str) -> None:
    """Write a panel as data: its name, and the format if not CSV."""
    panel, _, form = target.partition(" ")
    run.view(panel, form.strip() or DEFAULT_FORMAT)


async def leave(run: RunContext, _argument: str) -> None:
    """End the run cleanly, and quit."""
    await run.quit()
