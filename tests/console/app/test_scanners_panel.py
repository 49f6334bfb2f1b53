"""Scanners panel: what it shows at the present and in the past, where its lines lead, and its data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tapedeck.console.app.panels.scanners import ScannersPanel, scanner_lines
from tapedeck.console.app.screens.symbol import SymbolScreen
from tapedeck.console.app.widgets import TickKind
from tapedeck.console.panel_data.scans_table import SCANNERS, ScannerTotals, listed_scans
from tapedeck.console.panel_data.tables import Table
from tapedeck.console.panel_data.views import view_table
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.scan_records import FoundSymbol, ScanOutcome, ScanRecord
from tapedeck.engine.universe.scanner_status import ScannerState, ScannerStatus
from tests.support.console_runs import ConsoleRun, Drive, console_run, drive, press, until
from tests.support.scanning_consoles import FAILS_AT, FOUND_AT, with_scanners

NEW_YORK: Final = ZoneInfo("America/New_York")
FIRST, SECOND = FOUND_AT
FAILURE: Final = "none of 3 symbols will do"


def play(store: BarStore, folder: Path, act: Drive, config: Mapping[str, Any] | None = None) -> None:
    config = config or with_scanners()
    with console_run(store, folder, config=config, memory_bytes=MEMORY_BYTES) as console:
        drive(console, act)


def panel_of(console: ConsoleRun) -> ScannersPanel:
    panel = console.app.main.panels["scanners"]
    assert isinstance(panel, ScannersPanel)
    return panel


def lines(console: ConsoleRun) -> list[str]:
    """Return the lines of the panel, with single blanks."""
    texts = ("".join(text for text, _ in line.parts) for line in panel_of(console)._lines)
    return [" ".join(text.split()) for text in texts]


async def at(console: ConsoleRun, pilot: Pilot[None], frontier: int) -> None:
    """Play to a frontier, and wait until the panel shows that moment."""
    console.system.step(frontier - console.frontier)
    await until(pilot, lambda: console.frontier == frontier and console.is_paused, f"slot {frontier}")
    assert console.system.wait_for(console.is_settled, 20)
    console.app.main.update(console.app.view_state())


async def choose(console: ConsoleRun, pilot: Pilot[None], line: str) -> None:
    """Move the cursor to the first line that begins with a text, and press enter."""
    wanted = next(number for number, text in enumerate(lines(console)) if text.startswith(line))
    cursor = panel_of(console).list.cursor
    await press(pilot, *["down" if wanted > cursor else "up"] * abs(wanted - cursor), "enter")


def notices(console: ConsoleRun) -> str:
    return "\n".join(notice.message for notice in console.app._notifications)


# Lines


def test_each_scanner_has_a_row_and_what_was_found_stands_below_newest_first(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "f3")
        assert lines(console)[-1] == "nothing found yet"
        await at(console, pilot, FIRST)
        assert panel_of(console).list.cursor == 0
        await at(console, pilot, 60)
        shown = lines(console)
        assert [line.split()[0] for line in shown[:3]] == ["traded", "broken", "dear"]
        assert "10:00" in shown[0]
        assert "3 found 0 failed" in shown[0]
        assert "09:40" in shown[1]
        assert "0 found 1 failed" in shown[1]
        assert "10:20" in shown[2]
        view = console.app.view_state().view
        assert view is not None
        assert view.symbols == ("AAA", "BBB", "CCC")
        scans = [line for line in shown[5:] if line[2] == ":"]
        assert scans[0] == "10:00 traded 3 found"
        assert scans[1].startswith("09:40 broken failed: ")
        assert FAILURE in scans[1]
        assert scans[2] == "09:35 traded 3 found, 1 joined"
        then = console.system.session_data.view(FIRST)
        assert then is not None
        last = dict(zip(then.symbols, then.last_prices().tolist(), strict=True))
        ranked = sorted(last, key=lambda symbol: -last[symbol])
        joined = ["joined " if symbol == "CCC" else "" for symbol in ranked]
        assert shown[-3:] == [
            f"{rank} {symbol} {mark}last {last[symbol]:,.2f}"
            for rank, (symbol, mark) in enumerate(zip(ranked, joined, strict=True), 1)
        ]
        assert panel_of(console).list.cursor == 0

    play(console_store, tmp_path, act)


def test_enter_on_a_scanner_lists_its_scans_alone_on_a_scan_it_goes_to_its_moment(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "f3")
        await at(console, pilot, 60)
        everything = lines(console)
        await choose(console, pilot, "broken")
        assert lines(console)[4:] == ["found by broken in this session, newest first", everything[9]]
        await choose(console, pilot, "dear")
        assert lines(console)[4:] == ["nothing found by dear yet"]
        await choose(console, pilot, "▶ dear")
        assert lines(console) == everything
        await choose(console, pilot, "09:40 broken")
        await until(pilot, lambda: console.past_frontier == FAILS_AT, "the moment of the scan")
        shown = lines(console)  # later scans are not known there
        assert "traded done 09:35" in shown[0]
        assert "broken failed 09:40" in shown[1]
        assert shown[2] == "dear not run yet 0 found 0 failed"
        assert not any("10:" in line for line in shown)
        table = panel_of(console).as_table(console.app.view_state())
        assert [row[:3] for row in table.rows if row[0] == "scan"] == [
            ("scan", "traded", "2013-11-26T09:35:00-05:00"),
            ("scan", "broken", "2013-11-26T09:40:00-05:00"),
        ]
        await press(pilot, "comma")
        assert not any("09:40" in line for line in lines(console))
        await console.app.do("present")
        assert any(line.startswith("10:00 traded") for line in lines(console))

    play(console_store, tmp_path, act)


def test_enter_on_a_found_symbol_selects_it_or_offers_to_add_it(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main

        def line_of(symbol: str) -> str:
            return next(line for line in lines(console) if f" {symbol} " in line)

        await press(pilot, "f3")
        await at(console, pilot, FIRST)
        await choose(console, pilot, line_of("BBB"))
        assert main.symbol == "BBB"
        assert console.app.screen is main
        await choose(console, pilot, line_of("CCC"))
        prompt = console.app.screen
        assert isinstance(prompt, SymbolScreen)
        assert "CCC is not in the session: add it?" in console.text(".dialog-title")
        assert main.symbol == "BBB"
        await until(pilot, lambda: prompt.names is not None, "the symbols to choose from")
        await press(pilot, "enter")
        await until(pilot, lambda: main.shown_symbols == ("AAA", "BBB", "CCC"), "CCC on the screen")
        assert main.symbol == "CCC"

    play(console_store, tmp_path, act, with_scanners(add=False))


def test_a_symbol_that_cannot_be_added_any_more_is_told(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "f3", "0", "space")
        await until(pilot, lambda: console.state.is_over, "the end")
        await until(pilot, lambda: console.app.screen is not console.app.main, "the report")
        await press(pilot, "escape")
        await choose(console, pilot, next(line for line in lines(console) if " CCC " in line))
        assert console.app.screen is console.app.main
        assert "CCC is not in this session, and the run is over" in notices(console)

    play(console_store, tmp_path, act, with_scanners(add=False))


# Data


def test_scans_are_data_and_events_with_ticks_of_their_own(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "f3")
        await at(console, pilot, 60)
        await console.app.do("copy", "json")
        rows = json.loads(console.app.clipboard)
        assert [tuple(row) for row in rows] == [SCANNERS] * len(rows)
        assert view_table(console.system, "scanners").rows == _rows(rows)
        counts = {row["scanner"]: (row["found"], row["failures"]) for row in rows if row["kind"] == "scanner"}
        assert counts == {"traded": (3, 0), "broken": (0, 1), "dear": (0, 0)}
        scans = [(row["scanner"], row["time"][11:16], row["state"]) for row in rows if row["kind"] == "scan"]
        assert scans == [
            ("traded", "09:35", "done"),
            ("broken", "09:40", "failed"),
            ("dear", "09:50", "done"),
            ("traded", "10:00", "done"),
            ("dear", "10:20", "done"),
        ]
        found = [(row["time"][11:16], row["symbol"], row["joined"]) for row in rows if row["kind"] == "found"]
        assert sorted(found) == [
            (time, symbol, str((time, symbol) == ("09:35", "CCC")).lower())
            for time in ("09:35", "10:00")
            for symbol in ("AAA", "BBB", "CCC")
        ]
        ticks = console.app.main.events.ticks(console.app.view_state())
        slots = [tick.slot for tick in ticks if tick.kind is TickKind.SCAN]
        assert slots == [FIRST - 1, FAILS_AT - 1, SECOND - 1]
        await press(pilot, "question_mark")
        assert "○" in console.text("#page-text")
        assert "Show scanners" in console.text("#page-text")

    play(console_store, tmp_path, act)


def _rows(documents: list[dict[str, Any]]) -> tuple[tuple[Any, ...], ...]:
    return Table.of(SCANNERS, [tuple(row.values()) for row in documents]).rows


def test_a_session_without_scanners_has_no_such_panel(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        before = console.app.main.panel_layout
        await press(pilot, "f3")
        assert console.app.main.panel_layout == before
        assert "scanners" not in console.app.main.panels
        assert "scanners" not in console.text("#tabs")
        table = view_table(console.system, "scanners")
        assert [dict(zip(table.headings, row, strict=True))["text"] for row in table.rows] == [
            "this session has no scanners"
        ]
        await press(pilot, "question_mark")
        assert "Show scanners" not in console.text("#page-text")
        assert "○" not in console.text("#page-text")
        await press(pilot, "escape")
        await console.app.do("panel_scanners")
        await until(pilot, lambda: "this session has no scanners: add them" in notices(console), "the reason")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


# Totals


RECORDS: Final = st.lists(
    st.builds(
        ScanRecord,
        scanner=st.sampled_from(["one", "two"]),
        frontier=st.integers(0, 390),
        clock=st.just(0),
        found=st.lists(st.sampled_from("ABC"), unique=True).map(
            lambda names: tuple(FoundSymbol(rank, name) for rank, name in enumerate(names, 1))
        ),
        outcome=st.sampled_from(ScanOutcome),
    ),
    max_size=6,
).map(lambda records: tuple(sorted(records, key=lambda record: record.frontier)))


@given(RECORDS)
def test_totals_are_those_of_counting_by_hand(records: tuple[ScanRecord, ...]) -> None:
    for scanner in ("one", "two"):
        symbols, failures, skipped, last = set[str](), 0, 0, None
        for record in records:
            if record.scanner == scanner:
                symbols |= {found.symbol for found in record.found}
                failures += record.outcome.value in ("failed", "overran")
                if record.outcome.value == "skipped":
                    skipped += 1
                else:
                    last = record
        assert ScannerTotals.of(scanner, records) == ScannerTotals(len(symbols), failures, skipped, last)
    empty = [record for record in records if record.outcome.value == "done" and not record.found]
    assert [*listed_scans(records)][::-1] == [record for record in records if record not in empty]


def test_columns_are_closer_where_they_do_not_fit() -> None:
    scans = (ScanRecord("unusual", 5, 0, seconds=0.0042),)
    status = ScannerStatus("unusual", ScannerState.WAITING)

    def line(width: int) -> str:
        (found,) = scanner_lines([status], scans, NEW_YORK, only=None, is_past=False, width=width)
        return "".join(text for text, _ in found.parts)

    wide = "  unusual  waiting  19:00  4.20 ms  0 found  0 failed"
    assert line(len(wide)) == wide
    assert line(len(wide) - 1) == "  unusual waiting 19:00 4.20 ms 0 found 0 failed"


def test_a_scanner_that_is_off_says_why_at_the_present_only() -> None:
    due = datetime(2013, 11, 26, 15, 0, tzinfo=UTC)
    statuses = [
        ScannerStatus("off", ScannerState.OFF, error="setup raised"),
        ScannerStatus("waits", ScannerState.WAITING, next_run=due),
    ]

    def texts(*, is_past: bool) -> list[str]:
        found = scanner_lines(statuses, (), NEW_YORK, only=None, is_past=is_past, width=60)
        return [" ".join("".join(text for text, _ in line.parts).split()) for line in found]

    assert texts(is_past=False) == [
        "off off 0 found 0 failed setup raised",
        "waits waiting 0 found 0 failed next 10:00",
    ]
    assert texts(is_past=True) == [
        "off not run yet 0 found 0 failed",
        "waits not run yet 0 found 0 failed",
    ]
