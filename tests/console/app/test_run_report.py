"""Run report: each day's figures, hits of breakpoints, bookmarks, sessions, stamp and files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from textual.pilot import Pilot

from tapedeck.console.app.report_lines import RunReport, report_lines
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.widgets import StyledLines
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.played_session import PlayedSession
from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, document, drive, press, until
from tests.support.markets import fill_store, open_new_store

HEADINGS = ["symbol", "open", "high", "low", "close", "chg", "chg", "%", "gap", "%", "volume", "qual", "%",
            "missing"]  # fmt: skip

pytestmark = pytest.mark.usefixtures("no_opening_values")


def report(console: ConsoleRun) -> str:
    return console.text("#report")


def rows(text: str) -> dict[str, list[str]]:
    """Return the figures of each symbol."""
    lines = [line.split() for line in text.splitlines()]
    first = lines.index(HEADINGS) + 1
    return {words[0]: words[1:] for words in lines[first : first + len(SYMBOLS)]}


def plain_rows(store: BarStore, day: str, before: str, slots: int) -> dict[str, list[str]]:
    """Return a day's figures by pandas over the stored minutes, but for the volume."""
    found = {}
    for symbol in SYMBOLS:
        stored = store.read(symbol, MINUTE, 0, 2**40)
        labels = pd.to_datetime(stored.opened_at, unit="s", utc=True).tz_convert("America/New_York")
        names = ("open", "high", "low", "close")
        bars = pd.DataFrame({name: getattr(stored, name) for name in names}, index=labels)
        today, prior = bars.loc[day], bars.loc[before]["close"].iloc[-1]
        opened, close = today["open"].iloc[0], today["close"].iloc[-1]
        prices = (opened, today["high"].max(), today["low"].min(), close)
        changes = (close - prior, 100 * (close / prior - 1), 100 * (opened / prior - 1))
        score = int(1000 * len(today) / slots) / 10
        found[symbol] = [
            *(f"{price:.2f}" for price in prices),
            *(f"{change:+.2f}".replace("+0.00", "0.00").replace("-0.00", "0.00") for change in changes),
            f"{score:.1f}",
            str(slots - len(today)),
        ]
    return found


def without_volume(figures: dict[str, list[str]]) -> dict[str, list[str]]:
    return {symbol: [*words[:7], *words[8:]] for symbol, words in figures.items()}


def test_the_report_has_any_played_day_and_what_happened(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days that are no longer in memory are recomputed in the background, while keys still work."""
    go_on = threading.Event()

    def slowly(session: Callable[[date], PlayedSession]) -> Callable[[date], PlayedSession]:
        def wait(day: date) -> PlayedSession:
            assert go_on.wait(20)
            return session(day)

        return wait

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("bookmark", "before the open")
        await press(pilot, "0", "space")
        for hits in (1, 2, 3):  # not on the day of the early close
            await until(pilot, lambda hits=hits: console.system.breakpoints()[0].hits == hits, f"{hits} hits")
            await until(pilot, lambda: console.is_paused, "the pause")
            console.system.resume()
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        await until(pilot, lambda: "stamp" in report(console), "its text")
        assert "Mon 2013-12-02  day 4 of 4" in report(console)
        assert "later day" not in console.text("#keys")
        expected = plain_rows(console_store, "2013-12-02", "2013-11-29", 390)
        assert without_volume(rows(report(console))) == expected

        tape_cache = console.app.playback.tape_cache
        monkeypatch.setattr(tape_cache, "session", slowly(tape_cache.session))
        await press(pilot, "left")
        assert "Mon 2013-12-02  day 4 of 4, recomputing 2013-11-29" in report(console)
        go_on.set()
        early = "Fri 2013-11-29  day 3 of 4, early close"
        await until(pilot, lambda: early in report(console), "the early close")
        expected = plain_rows(console_store, "2013-11-29", "2013-11-27", 210)
        assert without_volume(rows(report(console))) == expected
        await press(pilot, "left", "left")
        await until(pilot, lambda: "Tue 2013-11-26  day 1 of 4" in report(console), "the first day")
        assert "earlier day" not in console.text("#keys")
        await press(pilot, "left")
        notices = [note.message for note in console.app._notifications]
        # That of the bookmark is there unless its time is over.
        last = [text for text in notices if "bookmark" not in text and "recomputing" not in text]
        assert last == ["no earlier day was played"]
        await press(pilot, "right")
        assert "← earlier day  → later day" in console.text("#keys")
        await until(pilot, lambda: "Wed 2013-11-27  day 2 of 4" in report(console), "the second day")

        lines = report(console).splitlines()
        hit = lines.index("time >= 15:30  3 hits")
        assert lines[hit - 1] == "Breakpoints hit"
        assert [line.split() for line in lines[hit + 1 : hit + 4]] == [
            [day, "15:30"] for day in ("2013-11-26", "2013-11-27", "2013-12-02")
        ]
        assert lines[lines.index("Bookmarks") + 1].split() == ["2013-11-26", "09:30", "before", "the", "open"]
        summary = console.system.summary()
        for session in summary.sessions:
            assert any(session.trading_day in line and session.digest[:12] in line for line in lines)
        assert any(line.split() == ["stamp", summary.stamp] for line in lines)
        assert not any("p95" in line or "bars/s" in line for line in lines)
        log = tmp_path / "tapedeck.log"
        assert f"log{log}" in "".join(report(console).split())
        await press(pilot, "e")
        folder = "console-test-2013-12-02-160000"
        # A long path is folded.
        await until(pilot, lambda: folder in "".join(report(console).split()), "the path of the export")
        assert "p play day again" in console.text("#keys")
        await press(pilot, "p")  # the page's day, not the run's last
        playback = console.app.playback
        await until(pilot, lambda: playback.past_play.is_playing, "the second day to play")
        assert not isinstance(console.app.screen, ReportScreen)
        position = playback.viewpoint.position
        assert position is not None
        assert (position.day, position.frontier < 60) == (date(2013, 11, 27), True)
        await press(pilot, "space", "5", "z")
        await until(pilot, lambda: "overall" in console.text("#metrics StyledLines"), "the metrics")
        metrics = console.text("#metrics StyledLines")
        assert all(word in metrics for word in ("calendar hits", "back pressure", "p95", "total"))

    options = {"breaks": ["time >= 15:30"], "log_path": tmp_path / "tapedeck.log"}
    with console_run(console_store, tmp_path, **options) as console:
        drive(console, act)


def test_a_report_during_the_run_stays_at_its_time_and_scrolls(tmp_path: Path) -> None:
    symbols = [f"S{number:02d}" for number in range(60)]
    config = document(end_date="2013-11-27")
    config["session_data_config"] |= {"symbols": symbols, "historical": {}, "indicators": {}}

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        await press(pilot, "9")
        await until(pilot, lambda: "stamp" in report(console), "the report")
        assert "Tue 2013-11-26  day 1 of 1, to 10:30, slot 60 of 390" in report(console)
        before = report(console)
        console.system.step(30)
        await until(pilot, lambda: console.frontier == 90, "half an hour")
        await pilot.resize_terminal(60, 24)
        lines = console.app.screen.query_one("#report", StyledLines)
        await until(pilot, lambda: "in a wider terminal: chg, missing" in report(console), "narrow")
        assert all(len(line.plain) <= 60 for line in lines.lines[3:60])
        assert lines.virtual_size.height == len(lines.lines) > 60
        await press(pilot, "end")
        assert "stamp" in lines.render_line(lines.size.height - 1).text
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: report(console) == before, "the same report")

    with open_new_store(tmp_path / "bars") as store:
        fill_store(store, symbols, "2013-11-25", "2013-11-27")
        with console_run(store, tmp_path, config=config) as console:
            drive(console, act)


def test_spy_fell_by_0_87_percent_on_7_october_2013(
    lean_store: Path, session_file: Callable[..., Path]
) -> None:
    """167.42 after 168.89, as any quote history has it."""
    config = load_session_config(session_file(backtest_config={"end_date": "2013-10-07"})).config
    with open_store(lean_store) as store:
        system = SystemManager(config, store, tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES)
        system.start()
        assert system.wait(20)
        assert system.tape_cache is not None
        session = system.tape_cache.last()
        assert session is not None
        shown = report_lines(RunReport(system.summary(), session.view(), 1, 1), 80)
    (spy,) = [line.plain.split() for line in shown if line.plain.startswith("SPY")]
    assert spy[4:7] == ["167.42", "-1.47", "-0.87"]
