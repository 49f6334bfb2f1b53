"""Imports against the evidence of their rows: asked or refused, with nothing stored of any file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.file_rows import FileRows, SeriesRows, UnclearFileError
from tapedeck.engine.importers.importer import BarFiles, EvidenceRules
from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.report import ImportOptions, ImportReport, RefusedFileError, RejectedRow
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store

OPEN = 1381152600  # 2013-10-07 09:30 in New York
DAY_S = 86400
EVER = (-(1 << 40), 1 << 40)
Row = tuple[str, int, float]  # symbol, time, price


@pytest.fixture(params=["bars.db", "bars"])
def store(request, tmp_path) -> Iterator[BarStore]:
    with open_store(tmp_path / request.param, create=True) as opened:
        yield opened


class Rows:
    """Importer of rows in memory: files of parts of rows."""

    name, summary, examples, options = "rows", "", (), ()

    def __init__(self, *files: Sequence[Sequence[Row]], interval: Interval = MINUTE, **claims: str) -> None:
        self._files = {Path(f"file-{number}"): parts for number, parts in enumerate(files)}
        self._interval = interval
        self._rules = EvidenceRules(interval, **claims)  # type: ignore[arg-type]

    def find(self, path: Path) -> BarFiles:
        return BarFiles(list(self._files), self._read, (), self._rules)

    def _read(self, file: Path) -> Iterator[FileRows]:
        first = 0
        for part in self._files[file]:
            texts = {first + i: (first + i + 1, repr(row)) for i, row in enumerate(part)}
            symbols = [row[0] for row in part]
            series = [self._series(part, symbol, first) for symbol in dict.fromkeys(symbols)]

            def others(rows: Sequence[int], part=part, first=first) -> dict[str, list[str]]:
                return {
                    "count": [str(row) for row in rows],
                    "name": ["A" if part[row - first][2] < 50 else "B" for row in rows],
                }

            yield FileRows(
                file, self._interval, series, {}, lambda rows, t=texts: {r: t[r] for r in rows}, None, others
            )
            first += len(part)

    def _series(self, part: Sequence[Row], symbol: str, first: int) -> SeriesRows:
        own = [(first + i, row) for i, row in enumerate(part) if row[0] == symbol]
        times = np.array([row[1] for _, row in own], np.int64)
        prices = np.array([row[2] for _, row in own])
        bars = BarColumns(times, prices, prices, prices, prices, np.ones(len(own)))
        return SeriesRows(symbol, bars, np.array([place for place, _ in own], np.int64))


def bring(rows: Rows, store: BarStore | None, **options: bool) -> ImportReport:
    return import_bars(rows, Path(), store, options=ImportOptions(**options))


def minutes(symbol: str, count: int, step: int = 60, start: int = OPEN, price: float = 10) -> list[Row]:
    return [(symbol, start + step * i, price + i) for i in range(count)]


def stored(store: BarStore, symbol: str, interval: Interval = MINUTE) -> list[tuple[int, float]]:
    bars = store.read(symbol, interval, *EVER)
    return list(zip(bars.opened_at.tolist(), bars.close.tolist(), strict=True))


def test_nothing_of_any_file_is_stored_where_one_is_refused(store):
    good, coarse = [minutes("A", 30)], [minutes("B", 30, step=300)]
    with pytest.raises(UnclearFileError, match="the rows of B are 5m apart, not bars of 1m") as caught:
        bring(Rows(good, coarse), store)
    assert caught.value.ways == ({"--as-is": ""},)
    assert not store.series()


def test_as_is_stores_what_the_evidence_contradicts_and_says_so(store):
    report = bring(Rows([minutes("B", 30, step=300)]), store, as_is=True)
    assert report.written == 30
    assert [note for note in report.notes if "--as-is" in note and "5m apart" in note]
    assert report.series[0].step == 300


def test_daily_files_of_one_row_each_are_judged_by_symbol(store):
    files = [[[("A", OPEN + DAY_S * day, 10.0), ("B", OPEN + DAY_S * day, 20.0)]] for day in (0, 1, 2, 3)]
    with pytest.raises(UnclearFileError, match="the rows are daily") as caught:
        bring(Rows(*files), store)
    assert caught.value.ways[0] == {"--interval": "1d"}
    assert not store.series()


def test_a_long_file_is_refused_at_its_first_part(store):
    read = []

    class Counted(Rows):
        def _read(self, file: Path) -> Iterator[FileRows]:
            for part in super()._read(file):
                read.append(part)
                yield part

    parts = [minutes("A", 20, 300, OPEN + 6000 * i) for i in range(5)]
    with pytest.raises(UnclearFileError):
        bring(Counted(parts), store)
    assert len(read) == 1


def test_labels_of_closes_are_asked_about_unless_the_user_says(store):
    late = minutes("A", 390, start=OPEN + 60)
    with pytest.raises(
        UnclearFileError, match="1 session has a bar at the close and none at the open"
    ) as caught:
        bring(Rows([late]), store)
    assert caught.value.ways == ({"--label": "close"}, {"--label": "open"})
    assert not store.series()
    report = bring(Rows([late], label="open"), store)
    assert report.written == 390
    assert report.series[0].hours == (9 * 60 + 31, 16 * 60 + 1)


@pytest.mark.parametrize("is_cut", [False, True])
def test_rows_of_several_symbols_are_asked_about(store, is_cut):
    one, other = minutes("A", 10, price=10), minutes("A", 10, price=90)
    parts = [one, other] if is_cut else [one + other]
    with pytest.raises(UnclearFileError, match=r"several symbols\? 10 rows of A .* 'name' tells") as caught:
        bring(Rows(parts), store)
    assert caught.value.ways == ({"--column": "symbol=name", "--symbol": None},)
    assert not store.series()


def test_a_few_repeated_times_are_rejected_row_by_row(store):
    report = bring(Rows([[*minutes("A", 30), ("A", OPEN, 77.0), ("A", OPEN + 60, 78.0)]]), store)
    assert (report.written, report.rejected_count) == (30, 2)
    assert stored(store, "A")[0] == (OPEN, 10.0)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(0, 40), st.sampled_from([1.0, 2.0])), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=3),
    replaces=st.booleans(),
)
@example(rows=[(0, 1.0), (0, 1.0), (1, 1.0), (1, 2.0)], cuts=[3], replaces=False)
def test_rows_count_and_are_stored_the_same_however_the_file_is_cut(tmp_path_factory, rows, cuts, replaces):
    # Times 0 to 20 are stored before, with other values; equal times of the file: the first row is kept.
    # Many more times, each once, keep the repeated ones from looking like several symbols.
    table = [("A", OPEN + 60 * slot, price) for slot, price in rows]
    cut = [table[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(table)], strict=True)]
    others = minutes("A", 250, start=OPEN + 6000)
    found = []
    for parts in ([table], [part for part in cut if part]):
        with open_store(tmp_path_factory.mktemp("cut") / "bars.db", create=True) as opened:
            bring(Rows([minutes("A", 20, price=1)]), opened)
            report = bring(Rows([others, *parts]), opened, replace=replaces, as_is=True)
            counts = (report.written, report.unchanged, report.replaced, report.rejected_count)
            assert sum(counts) == report.rows_read == len(table) + len(others)
            found.append((counts, stored(opened, "A")))
    assert found[0] == found[1]


def test_a_strict_import_of_tables_stores_nothing_of_any_file(store):
    bad = [("B", OPEN + 60 * i, 10.0 if i else float("nan")) for i in range(4)]
    with pytest.raises(RefusedFileError, match="1 bad row; nothing was stored"):
        bring(Rows([minutes("A", 5)], [bad]), store, strict=True)
    assert not store.series()


def test_a_cancelled_import_keeps_the_parts_read_before(store):
    parts = [minutes("A", 10, start=OPEN + 600 * i) for i in range(4)]
    answers = iter([False, False, True])
    report = import_bars(Rows(parts), Path(), store, cancelled=lambda: next(answers))
    assert (report.interrupted, report.written) == (True, 20)
    assert len(stored(store, "A")) == 20


def test_rejected_rows_are_counted_and_the_first_are_kept(store):
    bad = [("A", OPEN + 60 * i, float("nan")) for i in range(1500)]
    taken: list[RejectedRow] = []
    rows = Rows([minutes("A", 5), bad[:700], bad[700:]])
    report = import_bars(rows, Path(), store, take_rejected=taken.extend)
    assert (report.rejected_count, len(report.rejected), len(taken)) == (1500, 1000, 1500)
    assert [row.line for row in taken] == list(range(6, 1506))
    assert "… and 1,495 more" in report.summary()


def test_the_report_has_each_symbol_with_its_times_and_hours(store):
    report = bring(Rows([minutes("B", 390), minutes("A", 2, start=OPEN + DAY_S)]), store)
    assert [(each.symbol, each.bars, each.first, each.last) for each in report.series] == [
        ("A", 2, OPEN + DAY_S, OPEN + DAY_S + 60),
        ("B", 390, OPEN, OPEN + 389 * 60),
    ]
    assert (report.zone, report.series[1].step, report.series[1].hours) == (
        "America/New_York",
        60,
        (570, 960),
    )
    again = bring(Rows([minutes("B", 390)]), store)
    assert (again.unchanged, again.series[0].bars, again.stored_nothing) == (390, 390, False)


def test_bars_that_no_session_plays_are_told():
    # 4 July 2024 is a holiday. A market around the clock is not compared, unless its exchange is given.
    holiday = 1720099800  # 09:30 in New York
    report = bring(Rows([minutes("A", 30, start=holiday)]), None)
    assert [note for note in report.notes if note.startswith("30 1m bars of A lie outside all sessions")]
    week = [("C", holiday + 60 * i, 10.0) for i in range(1440 * 3)]
    [note] = bring(Rows([week]), None).notes
    assert note.startswith("C: bars around the clock, while the calendar is US_EQUITY")
    assert bring(Rows([week], exchange="US_EQUITY"), None).notes


@pytest.mark.parametrize("shift", [-4 * 3600, 3 * 3600, 12 * 3600])
def test_hours_of_another_zone_are_told(shift):
    """Minutes of New York, read as those of another zone, lie on one side of regular hours."""
    days = [minutes("A", 390, start=OPEN + shift + day * DAY_S) for day in range(4)]
    notes = [note for note in bring(Rows(days), None).notes if "regular hours" in note]
    regular = 4 * max(0, 390 - abs(shift) // 60)
    assert notes == [
        f"A: only {regular:,} of 1,560 bars lie in regular hours, and none in the first or last hour "
        "(calendar: US_EQUITY); check --zone and --exchange"
    ]


def test_pre_and_post_market_are_ordinary_hours():
    days = [minutes("A", 960, start=OPEN - 330 * 60 + day * DAY_S) for day in range(4)]  # 04:00 to 20:00
    assert not bring(Rows(days), None).notes
    assert not bring(Rows([minutes("A", 390, start=OPEN + day * DAY_S) for day in range(4)]), None).notes


def test_a_dry_run_shows_what_would_be_asked():
    report = bring(Rows([minutes("A", 30, step=300)]), None)
    assert report.is_dry_run
    assert report.question is not None
    assert "5m apart" in report.question.reason
    assert [bar.open for bar in report.first_bars] == [10, 11, 12]


def test_an_unknown_exchange_is_refused(store):
    with pytest.raises(Exception, match="unknown exchange 'NOWHERE'"):
        bring(Rows([minutes("A", 2)], exchange="NOWHERE"), store)


@pytest.mark.parametrize("days", [7, 30])
def test_longer_periods_are_no_daily_bars(store, days):
    start = OPEN // DAY_S * DAY_S
    rows = [("A", start + DAY_S * days * i, 10.0) for i in range(6)]
    with pytest.raises(BarImportError, match=r"weekly|monthly"):
        bring(Rows([rows], interval=DAY), store)
