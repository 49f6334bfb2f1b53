"""Console on a live session: session bar, looking back while recording, refused keys, alerts, panels."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tapedeck.console.actions.offers import OfferState
from tapedeck.console.actions.table import ACTIONS
from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.live_words import break_end
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.panels.key_line import KeyLine
from tapedeck.console.app.panels.quality import QualityPanel
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.screens.confirm import ConfirmScreen
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.screens.text_page import TextPage
from tapedeck.console.app.widgets import StyledLines
from tapedeck.console.panel_data.views import view_table
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.live_status import FeedState, GapState, LivePhase
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.editions import Corrections, mended
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import (
    SYMBOLS,
    ConsoleRun,
    console_run,
    document,
    drive,
    enter_line,
    press,
    until,
)
from tests.support.live_consoles import (
    CLOSE,
    OPEN,
    WAITING,
    LiveConsole,
    alert,
    forming,
    gap,
    live_console,
    received,
)
from tests.support.live_runs import Replay
from tests.support.markets import fill_store, open_new_store

NARROW, WIDE = (80, 24), (200, 60)


def bar(console: ConsoleRun) -> str:
    return console.text("#session-line")


def footer(console: ConsoleRun) -> str:
    return str(console.app.screen.query_one(KeyLine).render())


def notices(console: ConsoleRun) -> list[tuple[str, str]]:
    """Return severity and text of all notices so far that are kept."""
    return [(notice.severity, notice.message) for notice in console.app._notifications]


async def shows(console: LiveConsole, pilot: Pilot[None], *words: str) -> None:
    await until(pilot, lambda: all(word in bar(console) for word in words), f"{words} in {bar(console)!r}")


def run_live(
    store: BarStore, folder: Path, act: Any, *, config: dict[str, Any] | None = None, **options: Any
) -> None:
    with live_console(store, folder, config=config) as console:
        drive(console, act, **options)
        assert console.live.commands == [], "a recording gets no command"
        assert console.live.was_started_paused is False


# The session bar


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_the_bar_has_state_both_clocks_and_their_difference(
    console_store: BarStore, tmp_path: Path, size: tuple[int, int]
) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await shows(console, pilot, "… waiting", "opens Tue 2013-11-26 09:30 EST in 14:05:00", "now 19:25:00")
        assert "09:30 EST  now" not in bar(console), "the tape has no time yet"
        assert "x1" not in bar(console)
        await console.arrive(pilot, 61)
        await shows(console, pilot, "● live", "10:31 EST", "now 10:31:07", "7 s behind")
        silent = replace(received(OPEN), state=FeedState.STALE, reason="no message for 125 s")
        console.live.follow(61, behind_s=125, feed=silent)
        await shows(console, pilot, "! stale", "now 10:33:05", "2:05 behind")
        assert "no message for 125 s" in bar(console)
        lost = replace(silent, state=FeedState.RECONNECTING, reason="connection reset", unsaved=6)
        console.live.follow(61, behind_s=130, feed=lost, speed=60.0, edition=3)
        await shows(console, pilot, "! reconnecting", "6 bars NOT SAVED", "10:31 EST", "now 10:33:10")
        if size == WIDE:
            assert all(words in bar(console) for words in ("replay x60", "edition 3", "connection reset"))
        now = CLOSE + timedelta(seconds=20)
        console.live.follow(61, phase=LivePhase.CLOSING, now=now)
        await shows(console, pilot, "… reconciling", "now 16:00:20")
        tomorrow = OPEN + timedelta(days=1)
        console.live.follow(61, phase=LivePhase.OVER, now=now, opens=tomorrow, opens_day=tomorrow.date())
        await shows(console, pilot, "■ session over")
        if size != NARROW:
            assert "opens Wed 2013-11-27 09:30 EST in 17:29:40" in bar(console)
        assert len(bar(console)) <= size[0] - 2
        console.live.status = replace(WAITING, now=OPEN + timedelta(minutes=70))
        await shows(console, pilot, "… waiting", "opened Tue 2013-11-26 09:30 EST  now 10:40:00")

    run_live(console_store, tmp_path, act, size=size)


def test_a_lunch_break_is_told_as_a_break() -> None:
    """Tokyo, 7 October 2013: 9:00 to 11:30, and 12:30 to 15:00, by the exchange's own hours of that year."""
    slots = SessionSlots(TimeManager("XTKS").get_trading_session(date(2013, 10, 7)), MINUTE)
    morning, noon = 150, datetime(2013, 10, 7, 12, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert break_end(slots, morning, noon) == datetime(2013, 10, 7, 12, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert break_end(slots, morning - 1, noon) is None, "a slot is awaited"
    assert break_end(slots, morning, noon + timedelta(minutes=31)) is None
    assert break_end(slots, 0, noon - timedelta(hours=4)) is None, "before the open"
    assert break_end(slots, len(slots), noon + timedelta(hours=4)) is None


# Looking back


def test_space_stops_the_picture_while_the_recording_goes_on(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await press(pilot, "space")
        await until(pilot, lambda: "nothing is recorded yet" in str(notices(console)), "the reason")
        await console.arrive(pilot, 61)
        await shows(console, pilot, "● live", "10:31 EST")
        await press(pilot, "space")
        assert console.past_frontier == 61
        await press(pilot, "space")
        await until(pilot, lambda: console.past_frontier is None, "the present, which is met at once")
        await press(pilot, "space")
        assert console.past_frontier == 61
        await shows(console, pilot, "PAST ‖", "10:31 EST", "7 s behind", "● live")
        await console.arrive(pilot, 9)
        assert console.past_frontier == 61
        await shows(console, pilot, "PAST ‖", "10:31 EST", "now 10:40:07", "9:07 behind")
        await press(pilot, "O", "comma")
        assert console.past_frontier == 0
        await press(pilot, "m", "full_stop")
        assert console.past_frontier == 2
        await shows(console, pilot, "09:32 EST", "1:08:07 behind")
        await press(pilot, "end")
        assert console.past_frontier is None
        await shows(console, pilot, "● live", "10:40 EST", "7 s behind")
        await press(pilot, "comma")
        assert console.past_frontier == 69
        await press(pilot, "0")
        assert console.past_frontier is None

    run_live(console_store, tmp_path, act)


def test_the_past_plays_at_the_speed_of_the_recording_up_to_now_and_goes_on_live(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await console.arrive(pilot, 61, speed=3600.0)
        await press(pilot, "comma", "comma", "comma")
        assert console.past_frontier == 58
        await press(pilot, "space")
        await until(pilot, lambda: console.past_frontier is None, "the present")
        await console.arrive(pilot, 4)
        await shows(console, pilot, "● live", "10:35 EST")
        # At another speed, which is the past's alone.
        console.live.follow(65, speed=1.0)
        await press(pilot, "O", "space", "plus")
        await shows(console, pilot, "PAST ▶", "plays x2")
        await press(pilot, "minus", "space")
        await shows(console, pilot, "PAST ‖")
        assert console.app.playback.past_speed == 1.0

    run_live(console_store, tmp_path, act)


# Keys


REFUSED_NOW = {"full_stop": "step", "m": "minute_on", "o": "hour_on", "d": "day_on", "n": "next_session",
               "plus": "faster", "minus": "slower", "0": "max_speed", "p": "play_day", "R": "restart",
               "ctrl+z": "suspend"}  # fmt: skip


OF_OTHER_SESSIONS = (
    "panel_scanners", "panel_orders", "previous_fill", "next_fill", "previous_entry", "next_entry"
)  # fmt: skip
"""Actions that need scanners or strategies."""


def test_a_key_that_a_recording_refuses_says_why(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await console.arrive(pilot, 5)
        for key, action in REFUSED_NOW.items():
            console.app.clear_notifications()
            await press(pilot, key)
            reason = OfferState(is_live=True).reason_against(action)
            await until(pilot, lambda told=reason: ("error", told) in notices(console), key)
        console.app.clear_notifications()
        await press(pilot, "g")
        await enter_line(pilot, "15:00")
        assert "cannot be played ahead" in console.text("#meaning")
        await press(pilot, "escape")
        await console.app.do("goto", "15:00")
        await until(pilot, lambda: "cannot be played ahead" in str(notices(console)), "the reason")
        assert console.past_frontier is None
        await console.app.do("goto", "09:32")
        assert console.past_frontier == 2

    run_live(console_store, tmp_path, act)


def test_footer_help_and_palette_name_what_a_recording_can_do(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        table = console.app.main.symbols.table
        await until(pilot, lambda: "‹" in drawn(table), "yesterday's values before the open")
        assert "space pause" not in footer(console)
        await console.arrive(pilot, 5)
        await until(pilot, lambda: "space pause" in footer(console), "the pause")
        for word in (". step", "+ faster", "- slower", "R restart", "p play"):
            assert word not in footer(console)
        await press(pilot, "question_mark")
        assert isinstance(console.app.screen, TextPage)
        text = console.text("#page-text")
        for action in ACTIONS:
            if action.modes:
                refused = action.id in (*REFUSED_NOW.values(), "resume", "speed", *OF_OTHER_SESSIONS)
                assert (f"  {action.help}\n" in text) != refused, action.id
        await press(pilot, "escape", "comma")
        await until(pilot, lambda: ". step" in footer(console), "the step")
        assert all(word in footer(console) for word in ("space play", "end present", "+ faster"))

    run_live(console_store, tmp_path, act, size=WIDE)


def test_a_backtest_has_no_feed(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        before = console.app.main.panel_layout
        await press(pilot, "f2")
        assert console.app.main.panel_layout == before
        assert view_table(console.system, "feed").rows == (("note", None, "feed", "a backtest has no feed"),)
        assert "feed" not in console.app.main.panels
        assert "feed" not in console.text("#tabs")
        await press(pilot, "question_mark")
        assert "Show feed" not in console.text("#page-text")
        await press(pilot, "escape")
        await console.app.do("panel_feed")
        await until(pilot, lambda: "a backtest has no feed" in str(notices(console)), "the reason")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=WIDE)


def test_q_asks_in_the_words_of_a_recording(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        for words, status in (
            ("It waits for the next session", None),
            ("Tue 2013-11-26 goes on to 16:00 EST", {}),
            ("not compared with the feed's history", {"phase": LivePhase.CLOSING}),
        ):
            if status is not None:
                await console.arrive(pilot, 1, **status)
            await press(pilot, "q")
            assert isinstance(console.app.screen, ConfirmScreen)
            question = console.text("Label")
            assert "Stop recording?" in question
            assert words in question
            await press(pilot, "n")

    run_live(console_store, tmp_path, act)


# Alerts


def test_each_alert_is_shown_once_and_many_are_folded(console_store: BarStore, tmp_path: Path) -> None:
    rung = 0

    def ring() -> None:
        nonlocal rung
        rung += 1

    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        console.app.bell = ring  # type: ignore[method-assign]
        first = alert(1, "quality of AAA below 95 %")
        console.live.follow(0, alerts=(first,))
        await until(pilot, lambda: ("warning", first.text) in notices(console), "the first")
        severe = alert(2, "disk full: bars are not saved", is_severe=True)
        console.live.follow(0, alerts=(first, severe))
        await until(pilot, lambda: ("error", severe.text) in notices(console), "the second")
        console.app.clear_notifications()
        many = tuple(alert(number, f"S{number} missing") for number in range(3, 15))
        console.live.follow(0, alerts=(severe, *many))
        folded = "12 alerts: S14 missing; S13 missing; S12 missing; and 9 more in the log"
        await until(pilot, lambda: ("warning", folded) in notices(console), "the fold")
        assert len(notices(console)) == 1
        assert rung == 3

    run_live(console_store, tmp_path, act, config=document() | {"live_config": {"bell": True}})


# Panels


def test_a_breakpoint_is_set_in_the_words_of_an_alert(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await console.arrive(pilot, 5)
        await press(pilot, "b")
        assert "Alert when" in console.text(".dialog-title")
        console.app.screen.query_one(Input).value = "AAA.close > 1"
        await until(pilot, lambda: "alerts when AAA.close > 1 becomes true" in console.text("#meaning"), "it")
        await press(pilot, "enter")
        await until(pilot, lambda: len(console.system.breakpoints()) == 1, "the breakpoint")
        console.app.clear_notifications()
        await console.app.do("find", "AAA.close > 999")
        await until(pilot, lambda: "b sets an alert for it" in str(notices(console)), "no question")

    run_live(console_store, tmp_path, act)


async def feed_text(console: LiveConsole, pilot: Pilot[None], *words: str) -> str:
    def text() -> str:
        return console.app.main.panels["feed"].query_one(StyledLines).text

    await until(pilot, lambda: all(word in text() for word in words), f"{words}")
    return text()


def test_the_feed_panel_has_every_fact_of_the_status_slowest_symbol_first(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await press(pilot, "f2")
        await feed_text(console, pilot, "replay connected for", "no bar received yet")
        gaps = (
            gap("AAA", 3, GapState.FILLED),
            gap("BBB", 58, GapState.ASKED, 2),
            gap("CCC", 60, GapState.WAITING),
            gap("CCC", 7, GapState.UNFILLABLE, 5),
        )
        counts = {GapState.FILLED: 1, GapState.ASKED: 1, GapState.WAITING: 1, GapState.UNFILLABLE: 1}
        await console.arrive(
            pilot,
            61,
            gaps=gaps,
            gap_counts=counts,
            edition=4,
            recorded_in="bars.live.db",
            strategies_behind=3,
        )
        text = await feed_text(console, pilot, "slowest first")
        now = OPEN + timedelta(minutes=61, seconds=7)
        for words in (
            "replay connected for 16:01:07", "last message 2 s ago", "bars 354", "per minute 3",
            "duplicates 2", "late 3", "corrected 1", "early 0", "edition 4", "journal 47 kB",
            "save lag 12 ms", "clock skew +0.2 s", "recorded in bars.live.db", "waiting 1", "asked 1",
            "strategies 3 slots behind",
            "filled 1", "confirmed empty 0", "unfillable 1",
        ):  # fmt: skip
            assert words in text, words
        listed = [line.split() for line in text.split("slowest first", 1)[1].splitlines() if line]
        assert [words[0] for words in listed if words[0] in SYMBOLS] == [
            "CCC",
            "BBB",
            "AAA",
            "CCC",
            "BBB",
            "CCC",
        ]
        assert listed[-3:] == [
            ["CCC", "10:30", "waiting"],
            ["BBB", "10:28", "asked", "2", "of", "5"],
            ["CCC", "09:37", "unfillable"],
        ]
        assert "filled" not in text.split("state", 1)[1], "only open gaps are listed"
        await console.app.do("copy", "csv")
        rows = {(row["kind"], row["symbol"], row["name"]): row["value"] for row in read(console)}
        assert rows["feed", "", "journal_bytes"] == "48000"
        assert (
            rows["symbol", "CCC", "last_message"]
            == (now - timedelta(seconds=42)).astimezone(console.system.time.zone).isoformat()
        )
        assert rows["gap", "BBB", "2013-11-26T10:28:00-05:00"] == "asked 2 of 5"
        assert rows["gaps", "", "unfillable"] == "1"
        assert "quotes" not in text
        assert ("feed", "", "quotes") not in rows
        quoted = replace(received(now), quotes=1200, quotes_left_out=3)
        console.live.follow(61, feed=quoted)
        await feed_text(console, pilot, "quotes 1,200", "quotes left out 3")
        await console.app.do("copy", "csv")
        rows = {(row["kind"], row["symbol"], row["name"]): row["value"] for row in read(console)}
        assert (rows["feed", "", "quotes"], rows["feed", "", "quotes_left_out"]) == ("1200", "3")

    run_live(console_store, tmp_path, act, size=WIDE)


def read(console: ConsoleRun) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(console.app.clipboard)))


def test_the_quality_panel_tells_what_is_done_about_each_gap(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await console.arrive(pilot, 60)
        view = console.app.view_state().view
        assert view is not None
        symbol = next(one for one in SYMBOLS if any(gap.count > 1 for gap in view.gaps(one)))
        await console.app.do("symbol", symbol)
        found = view.gaps(symbol)
        long = next(one for one in found if one.count > 1)
        gaps = [
            gap(symbol, slot, GapState.ASKED, 2) for one in found for slot in range(one.first, one.last + 1)
        ]
        gaps = [replace(one, state=GapState.WAITING) if one.slot == long.last else one for one in gaps]
        console.live.follow(60, gaps=tuple(gaps))
        await press(pilot, "4")
        lines = console.app.main.panels["quality"].query_one(StyledLines)
        await until(pilot, lambda: "asked 2 of 5" in lines.text, "the states")
        assert f"{long.count - 1} asked 2 of 5, 1 waiting" in lines.text

    run_live(console_store, tmp_path, act)


def test_a_forming_bar_is_beside_the_tape_and_in_no_copy(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await console.arrive(pilot, 5)
        main, before = console.app.main, {}
        for panel in ("symbols", "chart"):
            await console.app.do(f"panel_{panel}")
            await console.app.do("copy", "csv")
            before[panel] = console.app.clipboard
        now = OPEN + timedelta(minutes=5, seconds=20)
        told = {symbol: forming(symbol, OPEN + timedelta(minutes=5), 777.0, now) for symbol in ("AAA", "BBB")}
        told["CCC"] = forming("CCC", OPEN + timedelta(minutes=4), 555.0, now)  # its slot is over
        console.live.follow(5, behind_s=20, forming=told)
        await console.app.do("panel_symbols")
        await until(pilot, lambda: "777.02" in drawn(main.symbols.table), "the price")
        assert "now" in drawn(main.symbols.table)
        assert "3s" in drawn(main.symbols.table)
        assert "555" not in drawn(main.symbols.table)
        await console.app.do("panel_chart")
        await until(pilot, lambda: "◃777.02" in drawn(main.chart.chart), "the candle")
        assert "now 3 s" in drawn(main.chart.chart)
        for panel, text in before.items():
            await console.app.do(f"panel_{panel}")
            await console.app.do("copy", "csv")
            assert console.app.clipboard == text
        await press(pilot, "space")
        await console.app.do("panel_chart")
        await until(pilot, lambda: "◃" not in drawn(main.chart.chart), "the past has no forming bar")

    run_live(console_store, tmp_path, act, size=NARROW)


def quality_panel(console: ConsoleRun) -> QualityPanel:
    panel = console.app.main.panels["quality"]
    assert isinstance(panel, QualityPanel)
    return panel


def drawn(widget: Any) -> str:
    """Return the characters that a widget has drawn."""
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


def test_the_report_is_there_after_the_close_and_opens_at_the_end(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await console.arrive(pilot, 60, phase=LivePhase.OVER)
        console.live.follow(60, phase=LivePhase.OVER, now=CLOSE + timedelta(hours=3))
        await press(pilot, "comma", "comma")
        await shows(console, pilot, "10:28 EST  now 19:00:00", "2:00 behind", "■ session over")
        await press(pilot, "end", "9")
        assert isinstance(console.app.screen, ReportScreen)
        assert "play day again" not in footer(console)
        await press(pilot, "escape")
        console.live.end_session()
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        await press(pilot, "escape")
        await press(pilot, "space")
        await until(pilot, lambda: "the recording is over" in str(notices(console)), "the reason")

    run_live(console_store, tmp_path, act)


def test_corrected_bars_are_marked_and_the_past_shows_the_newest_edition(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: LiveConsole, pilot: Pilot[None]) -> None:
        await console.arrive(pilot, 60)
        chart, gaps = console.app.main.chart.chart, quality_panel(console)
        await press(pilot, "4")
        await until(pilot, lambda: "BBB" in drawn(gaps.map), "the map")
        assert "≈" not in drawn(chart) + drawn(gaps.map)
        tape = console.system.session_data.require_tape()
        slot = next(slot for slot in range(40, 59) if tape.base.present[:, slot : slot + 2].all())
        await console.app.do("goto", "10:30")
        await press(pilot, "space")
        assert console.past_frontier == 60
        coordinator = console.system._coordinator
        assert coordinator is not None
        assert coordinator.processor.computer is not None
        bar_again = np.array([[50.0], [51.0], [49.0], [50.5], [900.0]])
        later = Corrections(np.array([tape.rows["AAA"]]), np.array([slot]), bar_again)
        made = mended(tape, later, coordinator.processor.computer, coordinator.quality.scores)
        console.system.session_data.replace_tape(made)
        console.live.follow(60, edition=1)
        view = console.app.view_state().view
        assert view is not None
        assert view.edition == 1
        assert view.bars("AAA", view.base_interval).close[slot] == 50.5
        await until(pilot, lambda: "≈" in drawn(gaps.map), "the mark")
        assert [line[:3] for line in drawn(gaps.map).splitlines() if "≈" in line] == ["AAA"]
        await until(pilot, lambda: drawn(chart).count("≈") == 1, "its candle")
        await console.app.do("interval", "5m")
        await until(pilot, lambda: "AAA 5m" in drawn(chart), "longer candles")
        assert drawn(chart).count("≈") == 1
        await console.app.do("symbol", "BBB")
        await until(pilot, lambda: "BBB 5m" in drawn(chart), "another symbol")
        assert "≈" not in drawn(chart)

    run_live(console_store, tmp_path, act, size=WIDE)


# The engine's own live session


def test_looking_back_while_the_engine_records(tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "● live" in bar(console), bar(console))
        await until(pilot, lambda: console.frontier > 31, "the first minutes")
        await press(pilot, "space")
        await until(pilot, lambda: "PAST ‖" in bar(console), "the past")
        held = console.past_frontier
        assert held is not None
        await until(pilot, lambda: console.frontier > held + 1, "two minutes")
        assert console.past_frontier == held
        await press(pilot, "comma")
        await until(pilot, lambda: console.past_frontier == held - 1, "a step back")
        await press(pilot, "space")
        await until(pilot, lambda: (console.past_frontier or 0) > held, "the past to play")
        await press(pilot, "end", "n")
        await until(pilot, lambda: "cannot be played ahead" in str(notices(console)), "the reason")
        assert console.past_frontier is None
        await press(pilot, "q", "y")
        await until(pilot, lambda: console.state is RunState.STOPPED, "the end")

    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-11-26")
    config = parse_session_config(document(), "live").config
    replay = Replay(config, tmp_path / "bars.db", tmp_path, OPEN.date(), speed=200.0, begins_s=30 * 60.0)
    with replay.system() as (system, _), LogLines() as lines:
        app = ConsoleApp(Playback(system), system._store, lines, Setup(exports=tmp_path / "exports"))
        drive(ConsoleRun(app), act)


def test_between_two_days_report_and_coverage_end_with_what_was_recorded(tmp_path: Path) -> None:
    first = date(2013, 11, 25)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "opens Tue 2013-11-26" in bar(console), bar(console))
        await press(pilot, "9")
        report = console.app.screen
        assert isinstance(report, ReportScreen)
        await until(pilot, lambda: report.day == first and "slot" not in console.text("#report"), "the day")
        await press(pilot, "right")
        assert report.day == OPEN.date()
        await press(pilot, "escape", "8")  # the third day is no gap: it is to come
        await until(
            pilot, lambda: "2013-11-25 to 2013-11-26:" in console.text("#coverage-summary"), "coverage"
        )
        await press(pilot, "escape", "q", "y")
        await until(pilot, lambda: console.state is RunState.STOPPED, "the end")

    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-11-26")
    config = parse_session_config(document(), "live").config
    replay = Replay(config, tmp_path / "bars.db", tmp_path, first, speed=2000.0, begins_s=385 * 60.0, days=3)
    with replay.system() as (system, _), LogLines() as lines:
        app = ConsoleApp(Playback(system), system._store, lines, Setup(exports=tmp_path / "exports"))
        drive(ConsoleRun(app), act)
