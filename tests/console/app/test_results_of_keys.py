"""Results of keys: destinations, notices, and saved scripts."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tapedeck.console.actions.key_script import Script
from tapedeck.console.actions.keys import key_problems, usable_keys
from tapedeck.console.actions.speeds import read_speed
from tapedeck.console.actions.table import ACTIONS
from tapedeck.console.actions.time_expressions import ReferenceTime, parse_time_expression, time_expression
from tapedeck.console.app.handlers.data import short_path
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.cli.script_lines import ScriptLines
from tapedeck.console.cli.terminal import Terminal, encoding_notice
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, type_line, until

NEW_YORK = TimeManager("XNYS")
FUTURES = TimeManager("CMES")


def at(console: ConsoleRun, frontier: int, session: int = 1) -> bool:
    now = console.system.snapshot()
    stands = (now.state, now.session, now.frontier, now.steps_left)
    return stands == (RunState.PAUSED, session, frontier, 0)


def notices(console: ConsoleRun) -> list[str]:
    return [note.message for note in console.app._notifications]


async def meaning_of(console: ConsoleRun, pilot: Pilot[None], text: str) -> str:
    await press(pilot, "g")
    await pilot.press(*({" ": "space", ":": "colon", "-": "minus"}.get(sign, sign) for sign in text))
    await pilot.pause()
    return console.text("#meaning")


async def enter_and_wait(
    console: ConsoleRun, pilot: Pilot[None], reached: Callable[[], bool], what: str
) -> None:
    await press(pilot, "enter")
    await until(pilot, reached, what)


# Go to


def test_go_to_shows_its_destination(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert "11:00:00 EST, plays to it" in await meaning_of(console, pilot, "11:00")
        await enter_and_wait(console, pilot, lambda: at(console, 90), "11:00")
        meaning = await meaning_of(console, pilot, "17:00")
        assert "Wed 2013-11-27 09:30:00 EST, plays to it; no trading at Tue 17:00" in meaning
        await enter_and_wait(console, pilot, lambda: at(console, 0, 2), "the next open")
        await until(pilot, lambda: len(console.app.playback.tape_cache.days()) == 1, "the first day is kept")
        meaning = await meaning_of(console, pilot, "8:00")
        assert "Tue 2013-11-26 16:00:00 EST, in the past; no trading at Wed 08:00" in meaning
        await enter_and_wait(console, pilot, lambda: console.past_frontier == 390, "the close of Tuesday")
        assert "09:30:00 EST, the present" in await meaning_of(console, pilot, "2013-11-27")
        await enter_and_wait(console, pilot, lambda: console.past_frontier is None, "the present")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_go_to_shows_errors_while_typing(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert "after the last session of the run, 2013-12-02" in await meaning_of(
            console, pilot, "2013-12-03"
        )
        await press(pilot, "escape")
        assert "is before the start of this run" in await meaning_of(console, pilot, "8:00")
        await press(pilot, "escape")
        await console.app.do("resume")
        await until(pilot, lambda: console.state is RunState.COMPLETED, "the end")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        await press(pilot, "escape")
        meaning = await meaning_of(console, pilot, "2013-12-02 17:00")
        assert "the run is over: only played sessions can be shown" in meaning

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


@given(st.integers(0, 390), st.sampled_from(["2013-11-26", "2013-11-29", "2013-12-02"]))
def test_the_time_expression_of_a_time_is_absolute(minute: int, day: str) -> None:
    for calendar in (NEW_YORK, FUTURES):
        session = calendar.get_trading_session(date.fromisoformat(day))
        length = session.regular_close - session.regular_open
        clock = session.regular_open + (length * minute) // 390
        clock = clock.replace(microsecond=0)
        elsewhere = calendar.get_trading_session(date(2013, 10, 8))
        here = ReferenceTime(elsewhere, elsewhere.regular_open)
        assert parse_time_expression(time_expression(session, clock), here, calendar) == clock


# Sessions and events


def test_n_in_the_past_shows_the_next_open_and_the_last_day_has_none(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("goto", "2013-12-02 10:30")
        await until(pilot, lambda: at(console, 60, 4), "the last day")
        await until(pilot, lambda: len(console.app.playback.tape_cache.days()) == 3, "the days before")
        await press(pilot, "D", "D", "n")
        assert console.past_frontier == 0
        place = console.app.playback.viewpoint.position
        assert place is not None
        assert f"{place.day}" == "2013-11-29"
        await press(pilot, "end", "n")
        assert "2013-12-02 is the last session of this run" in notices(console)
        console.app.clear_notifications()
        await press(pilot, "comma", "d")
        assert console.past_frontier == 59
        assert "2013-12-02 is the last session of this run" in notices(console)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_n_and_d_in_the_past_of_the_session_being_played_play_to_the_next(
    console_store: BarStore, tmp_path: Path
) -> None:
    """As at the present; only earlier days have a next session that can be shown without playing."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("goto", "2013-11-26 11:00")
        await until(pilot, lambda: at(console, 90, 1), "eleven o'clock")
        await press(pilot, "O", "d")
        await until(pilot, lambda: at(console, 30, 2), "ten o'clock of the next day")
        assert console.past_frontier is None
        await press(pilot, "comma", "n")
        await until(pilot, lambda: at(console, 0, 3), "the next open")
        assert console.past_frontier is None
        await press(pilot, "D", "n")
        await until(pilot, lambda: console.past_frontier is None, "the present, not yet played")
        assert at(console, 0, 3)

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_brackets_reach_every_event_of_the_list(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: at(console, 1), "a step")
        opens = [event for event in console.system.events() if event.kind is EventKind.SESSION]
        assert opens[0].frontier == 0
        await press(pilot, "left_square_bracket")
        assert console.past_frontier == 0

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


# Notices


def test_speed_interval_and_sort_need_no_notice_while_visible(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "plus", "minus", "0", "i", "i", "s", "s")
        assert notices(console) == []
        await press(pilot, "t", "t", "t")
        assert len(notices(console)) == 1
        await press(pilot, "2", "z", "s")
        assert [sentence[:9] for sentence in notices(console)] == ["sorted by"]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_numbers_are_sorted_from_the_largest_down_and_names_from_a(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        table = console.app.main.symbols.table
        await press(pilot, "o")
        await until(pilot, lambda: at(console, 60), "an hour")
        await press(pilot, "s")
        assert table.sort == ("symbol", False)
        await press(pilot, "s")
        assert table.sort[0] not in (None, "symbol")
        assert table.sort[1]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_an_export_notice_ends_with_the_path(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop", "e")
        await pilot.app.workers.wait_for_complete()
        words, folder, name = notices(console)[-1].splitlines()
        assert (words, folder) == ("exported to", f"{tmp_path / 'exports'}/")
        assert name.startswith("console-test-2013-11-26-")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_the_home_folder_is_a_tilde() -> None:
    assert short_path(Path.home() / "out" / "one") == "~/out/one"
    assert short_path(Path("/srv/out")) == "/srv/out"


def test_a_locale_without_unicode_is_an_error_with_the_variable_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "__stderr__", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert encoding_notice() is None
    monkeypatch.setattr(sys, "__stderr__", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    notice = encoding_notice()
    assert notice is not None
    assert notice.isascii()
    assert "export LC_ALL=C.UTF-8" in notice


# Keys and speeds


def test_invalid_key_changes_are_reported_and_the_others_apply() -> None:
    changes = {"step": "nosuchkey", "pause": "", "faster": "ctrl+u, .", "stpe": "n", "slower": "pagedwn"}
    said = "\n".join(key_problems(changes))
    assert "unknown action 'stpe'. Did you mean 'step'?" in said
    assert "step: unknown key 'nosuchkey'." in said
    assert "pause: no key given (write a comma as comma). pause keeps 'space'." in said
    assert "slower: unknown key 'pagedwn'. Did you mean 'pagedown'?" in said
    assert usable_keys({"step": "ctrl+u, %", "pause": " "}) == {"step": "ctrl+u,percent_sign"}


def test_every_key_of_the_table_is_valid_and_unique() -> None:
    own = {action.id: action.keys for action in ACTIONS if action.keys}
    assert key_problems(own) == ()
    assert usable_keys(own) == own
    assert "key ',' is used by both" in "\n".join(key_problems({"step": "comma"}))
    assert usable_keys({"step": "comma"}) == {}


@pytest.mark.parametrize(("text", "speed"), [("60", 60), ("x60", 60), (" max ", 0), ("0", 0), ("1e3", 1000)])
def test_a_speed_has_one_syntax(text: str, speed: float) -> None:
    assert read_speed(text) == speed


# Saved scripts


async def act_as_a_user(console: ConsoleRun, pilot: Pilot[None], folder: Path) -> None:
    """Pause at any time, step back, and press keys during play."""
    await press(pilot, "space")
    await until(pilot, lambda: console.frontier > 3, "some minutes")
    await press(pilot, "space", "comma", "M", "full_stop", "o", "end", "o")
    await until(pilot, lambda: console.system.snapshot().steps_left == 0, "an hour")
    before = console.frontier
    await press(pilot, "space")
    await until(pilot, lambda: console.frontier > before, "it plays")
    await console.app.do("bookmark", "while it plays")
    await press(pilot, "m", "apostrophe")
    await type_line(pilot, "here")
    await console.app.do("breakpoint", "time >= 15:00")
    await console.app.do("max_speed")
    await press(pilot, "space")
    await until(pilot, lambda: console.system.snapshot().stopped_at is not None, "the breakpoint")
    await press(pilot, "o", "n")
    await until(pilot, lambda: at(console, 0, 2), "the second open")
    await console.app.do("export_csv", str(folder / "first"))
    await pilot.app.workers.wait_for_complete()
    await console.app.do("speed", "3600")
    await press(pilot, "space")
    await until(pilot, lambda: console.frontier > 30, "half an hour")
    await press(pilot, "space")


def replay_in_batch(script: Script, store: BarStore) -> tuple[int, int, str]:
    config = parse_session_config(document(speed_multiplier=0), "replay").config
    lines = ScriptLines(script, Terminal())
    system = SystemManager(config, store, tape_cache_bytes=MEMORY_BYTES)
    try:
        system.start(paused=True)
        while not lines.advance(system):
            system.wait_for(lines.can_advance, 0.1)
        now = system.snapshot()
        return now.session, now.frontier, now.stamp
    finally:
        system.stop()


def test_a_saved_script_reaches_the_same_slot_and_stamp(console_store: BarStore, tmp_path: Path) -> None:
    reached: list[tuple[int, int, str]] = []
    saved = tmp_path / "saved.keys"

    def note(console: ConsoleRun) -> None:
        now = console.system.snapshot()
        reached.append((now.session, now.frontier, now.stamp))

    async def by_keys(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await act_as_a_user(console, pilot, tmp_path)
        await until(pilot, lambda: console.state is RunState.PAUSED, "the pause")
        await console.app.do("save_script", str(saved))
        note(console)

    async def by_script(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: at(console, reached[0][1], 2), "the same slot")
        note(console)

    with console_run(console_store, tmp_path / "one", config=document(speed_multiplier=360)) as console:
        drive(console, by_keys)
    script = Script.load(saved)
    with console_run(console_store, tmp_path / "two", config=document(), script=script) as console:
        drive(console, by_script)
    reached.append(replay_in_batch(script, console_store))
    assert reached[0] == reached[1] == reached[2], script.dump()
    assert (tmp_path / "first" / "manifest.json").exists()
