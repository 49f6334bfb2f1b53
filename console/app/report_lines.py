"""Lines of the run report: a day's figures, breakpoints hit, bookmarks, sessions, stamp and files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from textwrap import wrap
from typing import Final, overload

from textual.content import Content

from tapedeck.console.app import table_figures
from tapedeck.console.app.account_texts import account_lines
from tapedeck.console.app.grid_text import MISSING, Cell, GridLines, counted, folded, percent, quality_style
from tapedeck.console.app.joins import session_clock
from tapedeck.console.app.widgets.column_forms import (
    AMOUNT,
    CHANGE,
    COUNT,
    PERCENT,
    PRICE,
    SCORE,
    Figures,
    Form,
)
from tapedeck.console.panel_data.account_lines import account_line, strategy_lines
from tapedeck.console.panel_data.scanner_lines import failure_lines, scanners_line
from tapedeck.console.panel_data.symbol_changes import changes_line
from tapedeck.engine.read.events import Event, EventKind
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionSummary
from tapedeck.engine.tape.session_view import SessionView

_SHORT_DIGEST: Final = 12
_DAYS_SHOWN: Final = 20
"""Days listed for a breakpoint, the latest ones."""
_HITS_WIDTH: Final = 12
"""Cells for the number of hits after a condition."""
_STATES: Final = {"completed": "$text-success bold", "error": "$text-error bold"}
_TONES: Final = {
    "gain": "$text-success",
    "loss": "$text-error",
    "good": "$text-success",
    "fair": "$text-warning",
    "bad": "$text-error",
}
_QUIET: Final = "$text-muted"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column by symbol: heading, figure of the view, form. `rank`: the highest is dropped first."""

    heading: str
    name: str
    form: Form
    rank: int = 0


_COLUMNS: Final = (
    _Column("open", "day_open", PRICE, 3),
    _Column("high", "day_high", PRICE),
    _Column("low", "day_low", PRICE),
    _Column("close", "last", PRICE),
    _Column("chg", "change", CHANGE, 5),
    _Column("chg %", "change_pct", PERCENT),
    _Column("gap %", "gap_pct", PERCENT, 1),
    _Column("volume", "day_volume", AMOUNT),
    _Column("qual %", "quality", SCORE, 2),
    _Column("missing", "missing", COUNT, 4),
)


@dataclass(frozen=True, slots=True, eq=False)
class RunReport:
    """Facts of a report. `view`: the day shown as far as it was played, the `day`-th of `days`, from 1.

    `view` is None before the first session. `files`: names and paths. `note`: beside the day, such as a
    recompute in progress.
    """

    summary: RunSummary
    view: SessionView | None
    day: int
    days: int
    events: tuple[Event, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    note: str = ""


def report_lines(report: RunReport, width: int) -> Sequence[Content]:
    """Return the report for a width; lines by symbol and by session are made when they are read."""
    summary, view = report.summary, report.view
    parts: list[Sequence[Content]] = [_head(summary, width)]
    if view is not None:
        parts += [_day(report, view), _symbols(view, width), _changes(view, width)]
        parts += [_account(view, width)]
        parts += [_breakpoints(report.events, view, width)]
        parts += [_bookmarks(report.events, view, width)]
    if summary.sessions:
        parts += [_heading("Sessions"), _sessions(summary.sessions, width)]
    parts += [_heading("Run"), _foot(summary, report.files, width)]
    return _Joined([part for part in parts if len(part)])


class _Joined(Sequence[Content]):
    """Several lists of lines, one after the other."""

    def __init__(self, parts: Sequence[Sequence[Content]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, line: int) -> Content: ...

    @overload
    def __getitem__(self, line: slice) -> list[Content]: ...

    def __getitem__(self, line: int | slice) -> Content | list[Content]:
        if isinstance(line, slice):
            return [self[at] for at in range(*line.indices(len(self)))]
        if not 0 <= line < len(self):
            raise IndexError(line)
        at = bisect_right(self._ends, line)
        part = self._parts[at]
        return part[line - self._ends[at] + len(part)]


def _heading(text: str) -> list[Content]:
    return [Content(""), Content.styled(text, "bold")]


def _head(summary: RunSummary, width: int) -> list[Content]:
    state = summary.state if summary.state in _STATES else f"{summary.state}, so far"
    facts = (
        f"  {summary.exchange}, {summary.first_day} to {summary.last_day}, "
        f"{len(summary.sessions)} of {counted(summary.sessions_planned, 'session')}, "
        f"{counted(len(summary.symbols), 'symbol')}, {summary.base}"
    )
    lines = [Content.assemble((state, _STATES.get(summary.state, "bold")), facts)]
    if summary.error:
        lines += folded([(Cell("!", "$text-error"), Cell(summary.error, "$text-error"))], width).split("\n")
    return lines


def _day(report: RunReport, view: SessionView) -> list[Content]:
    words = [f"day {report.day} of {report.days}"]
    words += ["early close"] if view.session.is_early_close else []
    if view.frontier < view.slots:
        clock = view.clock.astimezone(view.session.zone)
        words.append(f"to {clock:%H:%M}, slot {view.frontier} of {view.slots}")
    words += [report.note] if report.note else []
    line = Content.assemble((f"{view.trading_day:%a %Y-%m-%d}", "bold"), ("  " + ", ".join(words), _QUIET))
    return [Content(""), line]


# By symbol


def _symbols(view: SessionView, width: int) -> Sequence[Content]:
    cells = {column.heading: _cells(column, view) for column in _COLUMNS}
    columns, dropped = list(_COLUMNS), list[str]()
    while True:
        rows = list(zip(map(Cell, view.symbols), *(cells[column.heading] for column in columns), strict=True))
        headings = ["symbol", *(column.heading for column in columns)]
        lines = GridLines(headings, rows, right=f"l{'r' * len(columns)}", width=width)
        droppable = max(columns, key=lambda column: column.rank)
        if lines.width(1) <= width or not droppable.rank:
            break
        columns.remove(droppable)
        dropped.append(droppable.heading)
    if not dropped:
        return lines
    return _Joined([lines, [Content.styled(f"in a wider terminal: {', '.join(dropped)}", _QUIET)]])


def _cells(column: _Column, view: SessionView) -> list[Cell]:
    figures, form = _figures(column.name, view), column.form
    decimals = figures.decimals
    return [
        Cell(form.text(value, decimals), _TONES.get(form.tone(value, decimals), ""))
        for value in figures.values.tolist()
    ]


def _figures(name: str, view: SessionView) -> Figures:
    known = {"last": table_figures.last, "quality": table_figures.quality, "missing": table_figures.missing}
    return known[name](view) if name in known else table_figures.day_figure(name, view)


def _changes(view: SessionView, width: int) -> list[Content]:
    """Return the symbols that joined and left up to the time of a view, with their times."""
    words = [
        f"{change.symbol} {change.kind.value} {session_clock(view, change.frontier)}"
        for change in view.changes
        if change.frontier <= view.frontier
    ]
    return [Content(""), *map(Content, wrap(", ".join(words), width))] if words else []


def _account(view: SessionView, width: int) -> list[Content]:
    """Return the account of the strategies at the time of a view, with the trades of the day up to it."""
    account = view.account
    return [] if account is None else [*_heading("Account"), *account_lines(account, view, width)]


# Breakpoints, bookmarks


def _breakpoints(events: Sequence[Event], view: SessionView, width: int) -> list[Content]:
    hits = [event for event in events if event.kind is EventKind.BREAK]
    lines = _heading("Breakpoints hit") if hits else []
    for text in dict.fromkeys(event.text for event in hits):
        own = [event for event in hits if event.text == text]
        *first, last = wrap(text, max(width - _HITS_WIDTH, 1)) or [""]
        lines += map(Content, first)
        lines.append(Content.assemble(last, (f"  {counted(len(own), 'hit')}", _QUIET)))
        lines += _times_by_day(own, view, width)
    return lines


def _times_by_day(hits: Sequence[Event], view: SessionView, width: int) -> Iterator[Content]:
    days = [(day, list(own)) for day, own in groupby(hits, key=lambda event: event.trading_day)]
    if len(days) > _DAYS_SHOWN:
        yield Content.styled(f"  {counted(len(days) - _DAYS_SHOWN, 'earlier day')}", _QUIET)
    for day, own in days[-_DAYS_SHOWN:]:
        times = "  ".join(_time(event, view) for event in own)
        yield from map(Content, wrap(times, width, initial_indent=f"  {day}  ", subsequent_indent=" " * 14))


def _bookmarks(events: Sequence[Event], view: SessionView, width: int) -> list[Content]:
    marks = [event for event in events if event.kind is EventKind.BOOKMARK]
    if not marks:
        return []
    rows = [(f"  {event.trading_day} {_time(event, view)}", event.text) for event in marks]
    return [*_heading("Bookmarks"), *folded(rows, width).split("\n")]


def _time(event: Event, view: SessionView) -> str:
    """Return the time of an event at the exchange."""
    if event.clock is None:
        return ""
    seconds = ":%S" if view.base_interval.seconds < 60 else ""
    return event.clock.astimezone(view.session.zone).strftime(f"%H:%M{seconds}")


# Sessions, stamp, files


def _sessions(sessions: Sequence[SessionSummary], width: int) -> Sequence[Content]:
    rows = [
        (
            Cell(session.trading_day),
            Cell(f"{session.bars:,}"),
            _quality(session),
            Cell("" if session.played == session.slots else f"to slot {session.played} of {session.slots}"),
            Cell(session.digest[:_SHORT_DIGEST], _QUIET),
        )
        for session in sessions
    ]
    return GridLines(["session", "bars", "quality", "", "digest"], rows, right="lrr", width=width)


def _quality(session: SessionSummary) -> Cell:
    if session.quality_pct is None or not session.played:  # without slots there is no score
        return Cell(MISSING)
    return Cell(percent(session.quality_pct, 2), quality_style(session.quality_pct))


def _foot(summary: RunSummary, files: Sequence[tuple[str, str]], width: int) -> list[Content]:
    stamp = summary.stamp if summary.sessions else "none: no session is over yet"
    rows = [(Cell("stamp", _QUIET), Cell(stamp, "bold"))]
    if changes := changes_line(summary.sessions):
        rows.append((Cell("symbols", _QUIET), Cell(changes)))
    if scanners := scanners_line(summary.sessions):
        rows.append((Cell("scanners", _QUIET), Cell(scanners)))
    rows += [(Cell("scanner", "$text-warning"), Cell(failure)) for failure in failure_lines(summary.sessions)]
    if strategies := strategy_lines(summary.sessions):
        rows += [(Cell("strategy", _QUIET), Cell(strategy)) for strategy in strategies]
        rows += [(Cell("account", _QUIET), Cell(account_line(summary.sessions)))]
    rows += [(Cell(name, _QUIET), Cell(path)) for name, path in files]
    rows += [(Cell("warning", "$text-warning"), Cell(warning)) for warning in summary.warnings]
    return folded(rows, width).split("\n")
