"""Scanners panel: state of each scanner, and below what they found in the session, newest first."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from tapedeck.console.app.grid_text import counted, figure, milliseconds, number
from tapedeck.console.app.panels.list_lines import Line, TextLine
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import LineList
from tapedeck.console.app.widgets.line_list import Part
from tapedeck.console.panel_data.scans_table import (
    FAILURES,
    ScannerTotals,
    Scans,
    clock_of,
    found_words,
    listed_scans,
    scans_known_at,
    scans_table,
    state_then,
)
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.tape.scan_records import FoundSymbol, ScanRecord
from tapedeck.engine.universe.scanner_status import ScannerState, ScannerStatus

_MOST_FOUND: Final = 200
"""Most symbols listed of one scan."""
_NUMBERS: Final = frozenset({3, 4, 5})
"""Columns of numbers in the lines of scanners: duration, found, failed."""
_WHOLE_FROM: Final = 1_000.0
"""Whole numbers are shown without decimals from here on."""
_ONLY: Final = "▶"
"""Sign of the scanner whose scans alone are listed."""


@dataclass(frozen=True, slots=True)
class ScannerLine:
    """A scanner: its state, its last run, and its totals."""

    scanner: str
    parts: Sequence[Part]

    @property
    def key(self) -> Hashable:
        """The scanner."""
        return self.scanner


@dataclass(frozen=True, slots=True)
class ScanLine:
    """A scan that found something, or went wrong."""

    scan: ScanRecord
    zone: ZoneInfo

    @property
    def parts(self) -> Sequence[Part]:
        """Time, scanner, and how much it found."""
        ink = "bad" if self.scan.outcome in FAILURES else "base"
        time = f"{_time(self.scan, self.zone)} "
        return ((time, "quiet"), (f"{self.scan.scanner}  ", "strong"), (found_words(self.scan), ink))

    @property
    def key(self) -> Hashable:
        """Scanner and frontier."""
        return self.scan.scanner, self.scan.frontier


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A found symbol."""

    scan: ScanRecord
    found: FoundSymbol
    width: int

    @property
    def parts(self) -> Sequence[Part]:
        """Rank, symbol, whether it joined, and the values that its rule looked at."""
        found = self.found
        values = "  ".join(f"{name} {_value_text(value)}" for name, value in found.values)
        return (
            (f"{found.rank:>5} ", "quiet"),
            (f"{found.symbol:<{self.width}}  ", "mark"),
            ("joined  " if found.joined else "        ", "good"),
            (values, "base"),
        )

    @property
    def key(self) -> Hashable:
        """Scanner, frontier and symbol."""
        return self.scan.scanner, self.scan.frontier, self.found.symbol


class ScannersPanel(Panel):
    """Scanners, their scans up to the time shown, and the symbols that these found.

    Enter on a scanner lists its scans alone; on a scan it goes to its moment; on a symbol it focuses that.
    """

    NAME: ClassVar[str] = "scanners"
    NEEDS_SESSION: ClassVar[bool] = False
    LOADING: ClassVar[str] = "starting"

    class ScanChosen(Message):
        """A scan was chosen, by its moment."""

        def __init__(self, day: date, frontier: int) -> None:
            super().__init__()
            self.day = day
            self.frontier = frontier

    class SymbolChosen(Message):
        """A found symbol was chosen."""

        def __init__(self, symbol: str) -> None:
            super().__init__()
            self.symbol = symbol

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.list = LineList(newest_last=False)
        self._lines: Sequence[Line] = ()
        self._view_state: ViewState | None = None
        self._shown: tuple[object, ...] | None = None
        self._only: str | None = None

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self.list

    def keyboard_target(self) -> Widget:
        """Return the list."""
        return self.list

    def update(self, view_state: ViewState) -> None:
        """Show the scanners, also before the first session."""
        if view_state.view is None and view_state.snapshot.error:
            self.face("failed", view_state.snapshot.error)
        else:
            self.show(view_state)

    def show(self, view_state: ViewState) -> None:
        """Show the scanners at the time shown."""
        self._view_state = view_state
        system, view = self.playback.system, view_state.view
        statuses, scans = system.scanners(), scans_known_at(system, view)
        if not statuses:
            self.face("loading", self.LOADING)
            return
        self.fill()
        shown = (statuses, scans, view_state.is_past, self._only, self.list.scrollable_content_region.width)
        if shown != self._shown:
            self._shown = shown
            self._lines = list(self._all_lines(statuses, scans, is_past=view_state.is_past))
            self.list.show_lines(len(self._lines), self._parts, self._key)

    def on_resize(self) -> None:
        """Lay the lines out for the new width."""
        if self._view_state is not None:
            self.show(self._view_state)

    def as_table(self, view_state: ViewState) -> Table:
        """Return scanners, scans and found symbols at the time shown."""
        system = self.playback.system
        scans = scans_known_at(system, view_state.view)
        return scans_table(system.scanners(), scans, system.time.zone, now=not view_state.is_past)

    @on(LineList.Chosen)
    def _line_chosen(self, message: LineList.Chosen) -> None:
        message.stop()
        view_state = self._view_state
        if view_state is None:
            return
        match self._lines[self.list.cursor]:  # it has moved with its line, if others came since
            case ScannerLine(scanner=scanner):
                self._only = None if self._only == scanner else scanner
                self.show(view_state)
            case ScanLine(scan=scan) if view_state.view is not None:
                self.post_message(self.ScanChosen(view_state.view.trading_day, scan.frontier))
            case FoundLine(found=found):
                self.post_message(self.SymbolChosen(found.symbol))

    # Lines

    def _parts(self, line: int) -> Sequence[Part]:
        return self._lines[line].parts

    def _key(self, line: int) -> Hashable:
        return self._lines[line].key

    def _all_lines(self, statuses: Sequence[ScannerStatus], scans: Scans, *, is_past: bool) -> Iterator[Line]:
        zone, width = self.playback.system.time.zone, self.list.scrollable_content_region.width
        yield from scanner_lines(statuses, scans, zone, only=self._only, is_past=is_past, width=width)
        yield TextLine("")
        listed = [scan for scan in listed_scans(scans) if self._only in (None, scan.scanner)]
        by = f" by {self._only}" if self._only else ""
        yield TextLine(f"found{by} in this session, newest first" if listed else f"nothing found{by} yet")
        for scan in listed:
            yield ScanLine(scan, zone)
            width = max((len(found.symbol) for found in scan.found[:_MOST_FOUND]), default=0)
            yield from (FoundLine(scan, found, width) for found in scan.found[:_MOST_FOUND])
            if len(scan.found) > _MOST_FOUND:
                yield TextLine(f"      and {counted(len(scan.found) - _MOST_FOUND, 'more symbol')}")


def scanner_lines(
    statuses: Sequence[ScannerStatus],
    scans: Scans,
    zone: ZoneInfo,
    *,
    only: str | None,
    is_past: bool,
    width: int,
) -> Iterator[ScannerLine]:
    """Return a line per scanner, in aligned columns, which are closer if they do not fit a width.

    `only`: the scanner whose scans alone are listed. In the past, states are those after the last run before.
    """
    rows = [_cells(one, ScannerTotals.of(one.name, scans), zone, is_past=is_past) for one in statuses]
    widths = [max(len(text) for text, _ in column) for column in zip(*rows, strict=True)]
    used = [at for at, column_width in enumerate(widths) if column_width]
    gap = " " * (2 if sum(widths) + 2 * len(used) <= width else 1)
    for status, row in zip(statuses, rows, strict=True):
        sign = f"{_ONLY if status.name == only else ' '} "
        last = max(at for at in used if row[at][0])  # no blanks after it
        cells = [
            (f"{gap if at else ''}{_padded(row[at][0], widths[at], at)}", row[at][1])
            for at in used
            if at <= last
        ]
        yield ScannerLine(status.name, ((sign, "mark"), *cells))


def _padded(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column in _NUMBERS else text.ljust(width)


def _cells(status: ScannerStatus, totals: ScannerTotals, zone: ZoneInfo, *, is_past: bool) -> list[Part]:
    last, is_off = totals.last, not is_past and status.state is ScannerState.OFF
    failed = last is not None and last.outcome in FAILURES
    error = status.error if is_off else None  # that of a scan stands beside it, below
    after = "" if is_past or status.next_run is None else f"next {_clock(status.next_run, zone)}"
    return [
        (status.name, "strong"),
        (state_then(last) if is_past else status.state.value, "bad" if failed or is_off else "base"),
        ("" if last is None else _time(last, zone), "quiet"),
        ("" if last is None else f"{milliseconds(last.seconds)} ms", "base"),
        (f"{totals.found:,} found", "good" if totals.found else "quiet"),
        (f"{totals.failures:,} failed", "bad" if totals.failures else "quiet"),
        (f"{totals.skipped:,} skipped" if totals.skipped else "", "fair"),
        (after, "quiet"),
        (error or "", "bad"),
    ]


def _time(scan: ScanRecord, zone: ZoneInfo) -> str:
    return _clock(clock_of(scan), zone)


def _clock(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M:%S}".removesuffix(":00")


def _value_text(value: float) -> str:
    """Return a value that a rule looked at; large whole numbers, such as volumes, without decimals."""
    return number(value, 0) if abs(value) >= _WHOLE_FROM and value.is_integer() else figure(value)
