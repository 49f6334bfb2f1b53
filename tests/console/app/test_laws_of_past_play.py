"""Laws of the past that plays: the values of the present, its stops, its pace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tapedeck.console.app.playback import Playback
from tapedeck.console.app.viewpoint import Position, SessionNotCachedError
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tests.support.console_runs import SYMBOLS, document
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier

DAYS: Final = ("2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02")
LENGTHS: Final = (26, 26, 14, 26)
"""Slots of the four sessions, which are cut short."""
STARTS: Final = (0, 26, 52, 66)
START: Final = 6
"""Slots before a start in mid-session."""
Place = tuple[date, int]


@dataclass
class Clock:
    """The wall's clock, set by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def config(**backtest: Any) -> SessionConfig:
    """Return a session file over four sessions of some minutes."""
    short = document(**backtest)
    data = short["session_data_config"]
    data["historical"] = {}
    data["sessions"] = {
        day: {"close": f"09:{30 + slots}" if slots < 30 else "10:00"}
        for day, slots in zip(DAYS, LENGTHS, strict=True)
    }
    data["indicators"] = {
        "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
        "ema_5m": {"type": "EMA", "interval": "5m", "timeperiod": 3},
        "vwap": {"type": "VWAP", "interval": "1m"},
    }
    return parse_session_config(short, "law of the past").config


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("past") / "bars.db") as opened:
        fill_store(opened, SYMBOLS, "2013-11-18", "2013-12-03", missing=0.1)
        yield opened


def shown(playback: Playback) -> tuple[Place, tuple[object, ...]]:
    """Return the place shown, and all that is shown of it."""
    view_state = playback.view_state()
    view = view_state.view
    assert view is not None
    quality = view.quality_grid()
    values = (
        view_state.clock_text,
        *(view.bars_grid(interval).tobytes() for interval in view.intervals),
        *(view.indicator_grid(name).tobytes() for name in view.indicator_names()),
        b"" if quality is None else quality.tobytes(),
        *(view.day_figure(name).tobytes() for name in DAY_FIGURES),
        view.missing_counts().tobytes(),
        # The end of a session is noted after its close was shown.
        tuple(
            (event.text, event.frontier)
            for event in playback.events_until(view_state)
            if event.kind is EventKind.GAP
        ),
    )
    return (view.trading_day, view.frontier), values


def step_to(system: SystemManager, session: int, frontier: int) -> None:
    assert system.wait_for(at_frontier(system, session, frontier), LIMIT_S)
    tape, polls = system.session_data.require_tape(), 0
    while min(tape.processed, tape.scored) < frontier:  # their progress wakes no waiting thread
        system.wait_for(bool, 0.01)
        polls += 1
        assert polls < 100 * LIMIT_S


@pytest.fixture(scope="module")
def seen(store: BarStore) -> Mapping[Place, tuple[object, ...]]:
    """All that the present showed, slot by slot."""
    system = SystemManager(config(), store, tape_cache_bytes=0)
    playback, values = Playback(system), dict[Place, tuple[object, ...]]()
    system.start(paused=True)
    try:
        for number, (session, slots) in enumerate(zip(playback.plan.sessions, LENGTHS, strict=True), 1):
            if number > 1:  # a step from the close would go to the first slot
                system.run_to(session.regular_open)
            for frontier in range(slots + 1):
                if frontier:
                    system.step()
                step_to(system, number, frontier)
                place, found = shown(playback)
                values[place] = found
        return values
    finally:
        system.stop()


@pytest.fixture(scope="module", params=[80, None], ids=["in mid-session", "after the end"])
def paused_run(request: pytest.FixtureRequest, store: BarStore) -> Iterator[tuple[SystemManager, Clock]]:
    """A run paused after a number of slots, or over; without memory for earlier sessions."""
    system = SystemManager(config(), store, tape_cache_bytes=0)
    system.start(paused=True)
    try:
        if request.param is None:
            system.resume()
            assert system.wait(LIMIT_S)
        else:
            system.step(request.param)
            step_to(system, 4, request.param - STARTS[3])
            assert system.wait_until_recorded(LIMIT_S)
        yield system, Clock()
    finally:
        system.stop()


def follow(playback: Playback) -> None:
    """Advance the past that plays; load and search its sessions, as the console does in a thread."""
    past_play = playback.past_play
    while (search := past_play.search_needed()) is not None:
        past_play.hits.put(search, search.run())
    playback.advance_past()
    day = past_play.day_to_load()
    if day is not None:
        playback.tape_cache.load_ahead(day)


def move(playback: Playback, clock: Clock, command: tuple[str, float]) -> None:
    """Carry out a command, with sessions loaded as it needs them."""
    word, amount = command
    viewpoint, present = playback.viewpoint, playback.present()
    assert present is not None
    try:
        match word:
            case "play":
                playback.play_past()
            case "stop":
                playback.past_play.stop()
            case "wait":
                clock.now += amount
                follow(playback)
            case "speed":
                playback.set_speed(amount * 60)
            case "back":
                playback.past_play.stop()
                viewpoint.back(round(amount), present)
            case "forward":
                playback.past_play.stop()
                viewpoint.forward(round(amount), present)
            case "day":
                playback.past_play.stop()
                viewpoint.day_back(present)
    except SessionNotCachedError as missing:
        playback.tape_cache.session(missing.day)
        move(playback, clock, command)


COMMANDS: Final = st.lists(
    st.tuples(
        st.sampled_from(("wait",) * 4 + ("play", "play", "stop", "speed", "back", "forward", "day")),
        st.floats(0.5, 30),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=COMMANDS)
@example(commands=[("day", 1), ("day", 1), ("day", 1), ("play", 1), *[("wait", 1.0)] * 120])
def test_played_from_any_past_moment_each_slot_shows_what_the_present_showed(
    paused_run: tuple[SystemManager, Clock],
    seen: Mapping[Place, tuple[object, ...]],
    commands: list[tuple[str, float]],
) -> None:
    system, clock = paused_run
    playback = Playback(system, monotonic=clock)
    playback.set_speed(60)  # a slot each second
    for command in commands:
        move(playback, clock, command)
        place, found = shown(playback)
        if playback.viewpoint.position is None:
            assert not playback.past_play.is_playing
        differ = [at for at, value in enumerate(seen.get(place, ())) if found[at] != value]
        assert not differ, (place, [(found[at], seen[place][at]) for at in differ])
    if len(commands) > 120:
        assert playback.viewpoint.position is None, "it has met the present"


def slot_of(playback: Playback) -> int:
    """Return the slots from the first open to the time shown."""
    position = playback.viewpoint.position or playback.present()
    assert position is not None
    sessions = [session.trading_day for session in playback.plan.sessions]
    return STARTS[sessions.index(position.day)] + position.frontier


def show_first_open(playback: Playback) -> None:
    present, first = playback.present(), playback.plan.sessions[0].trading_day
    assert present is not None
    playback.viewpoint.show_at(Position(playback.tape_cache.session(first), 0), present)


@settings(max_examples=40, deadline=None)
@given(
    frames=st.lists(st.floats(0.01, 0.4), min_size=1, max_size=300), speed=st.sampled_from((0.5, 1.0, 3.0))
)
def test_the_pace_of_the_past_is_that_of_the_clock_however_frames_come(
    ended: SystemManager, frames: list[float], speed: float
) -> None:
    clock = Clock()
    playback = Playback(ended, monotonic=clock)
    playback.set_speed(60 * speed)
    show_first_open(playback)
    playback.play_past()
    begun = late = clock.now
    for seconds in frames:
        # An open follows a close at the next frame, which is drawn in between.
        clock.now += seconds
        follow(playback)
        due = int((clock.now - begun) * speed)
        earlier = int((late - begun) * speed)
        assert min(earlier, STARTS[3]) - 1 <= slot_of(playback) <= min(due, 92)
        late = clock.now


@pytest.fixture(scope="module")
def ended(store: BarStore) -> Iterator[SystemManager]:
    """A run that is over, with its sessions in memory."""
    system = SystemManager(config(), store, tape_cache_bytes=1 << 26)
    system.start()
    try:
        assert system.wait(LIMIT_S)
        yield system
    finally:
        system.stop()


CONDITIONS: Final = (
    "AAA.close > AAA.vwap",
    "any.day_volume < 100",
    "all.quality < 95",
    "time >= 09:40",
    "time >= 09:30",
    "BBB.5m.close < BBB.ema_5m or CCC.change < -0.05",
    "CCC.close crosses above CCC.close[2]",
    "any.volume[1] > 1400 or BBB.ema_5 crosses below BBB.vwap",
)


@pytest.mark.parametrize("start", [None, f"09:{30 + START}"])
def test_the_past_stops_where_breakpoints_stopped_the_run(store: BarStore, start: str | None) -> None:
    """Breakpoints set after the end stop the past where the same ones stop a run."""
    options = {} if start is None else {"start_time": start}
    stopped, system = (
        SystemManager(config(**options), store),
        SystemManager(config(**options), store, tape_cache_bytes=0),
    )
    try:
        for text in CONDITIONS:
            stopped.add_breakpoint(text)
        stopped.start()
        while not stopped.state.is_over:
            taken = stopped.mark()
            stopped.wait_for(lambda taken=taken: taken.is_set() or stopped.state.is_over, LIMIT_S)  # type: ignore[misc]
            stopped.resume()
        expected = {
            (event.trading_day, event.frontier) for event in stopped.events() if event.kind is EventKind.BREAK
        }
        system.start()
        assert system.wait(LIMIT_S)
        for text in CONDITIONS:
            system.add_breakpoint(text)
        clock = Clock()
        playback = Playback(system, monotonic=clock)
        playback.set_speed(1e6)
        show_first_open(playback)
        found = set[tuple[date | None, int | None]]()
        playback.play_past(begins_session=True)
        while playback.viewpoint.position is not None or playback.past_play.is_playing:
            hit = playback.past_play.stopped_at
            if hit is not None:
                found.add((hit.trading_day, hit.frontier))
                playback.play_past()
            clock.now += 1.0
            follow(playback)
        hit = playback.past_play.stopped_at
        if hit is not None:
            found.add((hit.trading_day, hit.frontier))
        begun = playback.plan.sessions[0].trading_day
        first = START if start else 0
        assert {place for place in found if place[0] != begun or (place[1] or 0) >= first} == expected
        assert len(expected) > 4, "conditions that are seldom true test little"
    finally:
        stopped.stop()
        system.stop()
