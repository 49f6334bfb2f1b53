"""Quotes in exports: quotes.csv, session.json and the manifest; changes made to them are found."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from changing_kit import DAYS, FILE, SLOTS, bars_of, joined, left, played, quotes_of
from export_kit import digest_of, make_config, make_record, make_summary, make_tape, write_export
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.daily_exports import DailyExports
from tapedeck.engine.export.partial_export import export_played
from tapedeck.engine.export.quotes_table import QUOTES_HEADER
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary, symbols_played
from tapedeck.engine.tape.symbol_changes import SymbolChange

CONFIG = make_config(symbols=FILE, quotes=True)
CHANGES = (joined("IBM", 60), joined("BAC", 61), left("BAC", 300), left("SPY", 310))
PLAYED = 130
"""Slots played of the second day."""
Row = tuple[str, ...]


def summary_of(records: Sequence[SessionRecord], state: str, config: SessionConfig = CONFIG) -> RunSummary:
    sessions = tuple(SessionSummary.of(record, digest_of(record)) for record in records)
    summary = make_summary(config, records, state=state)
    return replace(summary, sessions=sessions, symbols=symbols_played(sessions, FILE))


def export(folder: Path, *, state: str = "stopped") -> list[SessionRecord]:
    """Export two days, the second one up to `PLAYED`; on the first, symbols come and go."""
    records = [
        played(DAYS[0], FILE, CHANGES, quotes=True),
        played(DAYS[1], FILE, frontier=PLAYED, quotes=True),
    ]
    wholes = [record.whole() for record in records]
    writer = CsvExport(folder, CONFIG)
    for whole in wholes:
        writer.write_session(whole, digest_of(whole))
    assert writer.finish(summary_of(wholes, state), PerformanceMetrics()) is not None
    return wholes


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quotes") / "export"
    export(folder)
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "copy")
    return tmp_path / "copy"


def rows_of(folder: Path) -> list[Row]:
    with (folder / "quotes.csv").open(newline="") as file:
        header, *rows = [tuple(row) for row in csv.reader(file)]
    assert header == QUOTES_HEADER == ("symbol", "timestamp", "bid", "ask", "bid_size", "ask_size", "made")
    return rows


def expected_rows(symbol: str, day: date, stop: int, opened: int) -> list[tuple[object, ...]]:
    """The rows of a symbol by the words of the rule, in plain Python, slot by slot."""
    came, closes = quotes_of(symbol, day)[:, 0], bars_of(symbol, day)[3, 0]
    made = all(math.isnan(price) for price in (*came[0], *came[1]))
    held, rows = [math.nan] * 4, []
    for slot in range(stop):
        if made:
            if not math.isnan(closes[slot]):
                held = [closes[slot], closes[slot], math.nan, math.nan]
        else:
            for side in (0, 1):
                if not math.isnan(came[side, slot]):
                    held[side], held[side + 2] = came[side, slot], came[side + 2, slot]
        if not (math.isnan(held[0]) and math.isnan(held[1])):
            rows.append((symbol, opened + 60 * slot, *held, made))
    return rows


# What is written


def test_each_slot_from_the_first_quote_on_has_the_quote_held_at_its_end(tmp_path: Path) -> None:
    """By session in the order of joining, up to the leave or the end that was played; read back exactly."""
    records = export(tmp_path / "out")
    opens = [int(record.tape.slots.opened_at[0]) for record in records]
    zone = records[0].tape.session.zone
    # In the order of joining; IBM and BAC joined, BAC and SPY left.
    first = [("SPY", 310), ("AIG", SLOTS), ("IBM", SLOTS), ("BAC", 300)]
    expected = [row for symbol, stop in first for row in expected_rows(symbol, DAYS[0], stop, opens[0])]
    expected += [row for symbol in FILE for row in expected_rows(symbol, DAYS[1], PLAYED, opens[1])]
    written = rows_of(tmp_path / "out")
    assert len(written) == len(expected) > 1000
    made = set()
    for row, (symbol, opened, *values, is_made) in zip(written, expected, strict=True):
        assert row[0] == symbol
        assert row[1] == _time(int(opened), zone)
        read = [float(text) if text else math.nan for text in row[2:6]]
        assert [repr(value) for value in read] == [repr(float(value)) for value in values]
        assert all(text == _shortest(float(text)) for text in row[2:6] if text)
        assert row[6] == str(is_made).lower()
        made.add((symbol, is_made))
    assert made == {("SPY", False), ("AIG", True), ("IBM", False), ("BAC", False)}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [session["quotes"] for session in manifest["sessions"]] == [
        sum(row[1].startswith(str(day)) for row in written) for day in DAYS
    ]
    assert "quotes.csv" in {entry["name"] for entry in manifest["files"]}
    states = json.loads((tmp_path / "out" / "session.json").read_text())["symbols"]
    for symbol in FILE:
        last = [row for row in written if row[0] == symbol][-1]
        quote = states[symbol]["quotes"]
        names = ("bid", "ask", "bid_size", "ask_size")
        assert {name: quote[name] for name in names} == {
            name: float(text) if text else None for name, text in zip(names, last[2:6], strict=True)
        }
        assert quote["made"] is (last[6] == "true")
    report = validate_export(tmp_path / "out")
    assert (report.findings, report.status) == ((), "partial")


def _time(seconds: int, zone: object) -> str:
    return datetime.fromtimestamp(seconds, zone).isoformat()  # type: ignore[arg-type]


def _shortest(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


@settings(max_examples=5, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(("IBM", "BAC")), st.integers(0, SLOTS)), max_size=3),
    st.integers(0, SLOTS),
    st.integers(1, SLOTS),
)
def test_exports_of_any_joins_leaves_and_ends_are_sound(
    tmp_path_factory: pytest.TempPathFactory, joins: list[tuple[str, int]], leave: int, stop: int
) -> None:
    changes: list[SymbolChange] = []
    there = set(FILE)
    for symbol, frontier in sorted(joins, key=lambda join: join[1]):
        changes.append(left(symbol, frontier) if symbol in there else joined(symbol, frontier))
        there ^= {symbol}
    if not changes or changes[-1].frontier <= leave:
        changes.append(left("AIG", leave))
    changes = [change for change in changes if change.frontier <= stop]
    record = played(DAYS[0], FILE, changes, stop, quotes=True).whole()
    folder = tmp_path_factory.mktemp("changes")
    writer = CsvExport(folder / "out", CONFIG)
    writer.write_session(record, digest_of(record))
    writer.finish(summary_of([record], "stopped"), PerformanceMetrics())
    assert validate_export(folder / "out").findings == ()
    ends = dict.fromkeys(record.tape.symbols, stop)
    for change in changes:
        ends[change.symbol] = change.frontier if change.kind.value == "left" else stop
    opened = int(record.tape.slots.opened_at[0])
    count = sum(len(expected_rows(symbol, DAYS[0], end, opened)) for symbol, end in ends.items())
    assert len(rows_of(folder / "out")) == count


def test_exports_of_days_and_of_sessions_played_so_far_have_the_same_rows(
    sound: Path, tmp_path: Path
) -> None:
    records = [
        played(DAYS[0], FILE, CHANGES, quotes=True),
        played(DAYS[1], FILE, frontier=PLAYED, quotes=True),
    ]
    pairs = [(record, digest_of(record)) for record in records]
    summary = summary_of([record.whole() for record in records], "stopped")
    assert export_played(tmp_path / "partial", CONFIG, pairs, summary, PerformanceMetrics()).sessions
    assert (tmp_path / "partial/quotes.csv").read_bytes() == (sound / "quotes.csv").read_bytes()
    days = DailyExports(tmp_path / "days", CONFIG)
    days.run = lambda: (summary, PerformanceMetrics())
    for (record, digest), state in zip(pairs, ("completed", "stopped"), strict=True):
        days.write_session(replace(record, state=state), digest)
    assert days.failures == ()
    own = [row for day in DAYS for row in rows_of(tmp_path / f"days/{day}")]
    assert own == rows_of(sound)
    assert all(validate_export(tmp_path / f"days/{day}").findings == () for day in DAYS)


def test_without_the_stream_there_is_no_trace_of_quotes_and_a_file_of_them_is_removed(tmp_path: Path) -> None:
    """The export is that of a session file without quotes, byte for byte; it replaces one with quotes."""
    record = make_record(make_tape(DAYS[0]))
    plain = make_config(last=DAYS[0])
    write_export(tmp_path / "plain", plain, [record])
    assert not (tmp_path / "plain/quotes.csv").exists()
    for name in ("session.json", "manifest.json"):
        assert "quotes" not in (tmp_path / "plain" / name).read_text()
    export(tmp_path / "replaced")
    write_export(tmp_path / "replaced", plain, [record])
    names = {path.name for path in (tmp_path / "plain").iterdir()}
    assert names == {path.name for path in (tmp_path / "replaced").iterdir()}
    assert validate_export(tmp_path / "replaced").findings == ()


def test_a_session_of_many_symbols_is_written_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tmp_path / "one")
    monkeypatch.setattr("tapedeck.engine.export.quotes_table._SLOTS_AT_ONCE", 1)
    export(tmp_path / "pieces")
    assert (tmp_path / "pieces/quotes.csv").read_bytes() == (tmp_path / "one/quotes.csv").read_bytes()


# Damage


def lines_of(folder: Path) -> list[str]:
    return (folder / "quotes.csv").read_text().splitlines()


def write_lines(folder: Path, lines: Sequence[str]) -> None:
    (folder / "quotes.csv").write_text("\n".join(lines) + "\n")


def line_of(folder: Path, symbol: str, day: date, chosen: Callable[[list[str]], bool] = bool) -> int:
    """The number of a line well inside a symbol's rows of a day, whose fields are chosen."""
    found = [
        at
        for at, line in enumerate(lines_of(folder), start=1)
        if line.startswith(f"{symbol},{day}") and chosen(line.split(","))
    ]
    return found[len(found) // 2]


def edit(folder: Path, line: int, **fields: str) -> None:
    lines = lines_of(folder)
    parts = lines[line - 1].split(",")
    for name, text in fields.items():
        parts[QUOTES_HEADER.index(name)] = text
    lines[line - 1] = ",".join(parts)
    write_lines(folder, lines)


def assert_found(folder: Path, line: int | None, pattern: str, file: str = "quotes.csv") -> None:
    findings = validate_export(folder).findings
    texts = [one.message for one in findings if (one.file, one.line) == (file, line)]
    assert any(re.search(pattern, text) for text in texts), "\n".join(map(str, findings))


WRONG_FIELDS: Sequence[tuple[dict[str, str], str]] = (
    ({"symbol": "SPZ"}, r"^unknown symbol 'SPZ'\. Did you mean 'SPY'\?"),
    ({"timestamp": "noon"}, r"^invalid timestamp 'noon': use ISO 8601"),
    ({"timestamp": "2013-10-07T09:29:00-04:00"}, r"outside the hours of all sessions"),
    ({"timestamp": "2013-10-07T11:00:30-04:00"}, r"^no bar of 1m opens at 2013-10-07T11:00:30-04:00"),
    ({"bid": "x"}, r"^invalid number 'x' of bid"),
    ({"ask": "inf"}, r"^invalid number 'inf' of ask"),
    ({"bid_size": "nan"}, r"^invalid number 'nan' of bid_size"),
    ({"bid": "0"}, r"^bid must be above 0"),
    ({"ask": "-1"}, r"^ask must be above 0"),
    ({"ask_size": "-1"}, r"^ask_size must not be below 0"),
    ({"bid": "", "bid_size": ""}, r"^bid is missing, but was there in the row of SPY before"),
    ({"bid": "", "bid_size": "7"}, r"^bid_size is there, but bid is missing"),
    ({"bid": "", "ask": "", "bid_size": "", "ask_size": ""}, r"^has neither bid nor ask"),
    ({"made": "yes"}, r"^unknown value of made 'yes'"),
    ({"made": "true"}, r"^made is true, but false in the rows of SPY before"),
)


def test_wrong_fields_are_found_in_their_lines(copy: Path) -> None:
    rows = rows_of(copy)
    whole = [row[0] == "SPY" and row[1].startswith(str(DAYS[0])) and all(row[2:4]) for row in rows]
    # Rows that are held by those before them, some rows from each other; the header is line 1.
    lines = [at + 2 for at in range(10, len(rows)) if all(whole[at - 2 : at + 1])][::5]
    changes = list(zip(lines, WRONG_FIELDS, strict=False))
    assert len(changes) == len(WRONG_FIELDS)
    for line, (fields, _) in changes:
        edit(copy, line, **fields)
    findings = validate_export(copy).findings
    for line, (_, pattern) in changes:
        texts = [one.message for one in findings if (one.file, one.line) == ("quotes.csv", line)]
        assert any(re.search(pattern, text) for text in texts), "\n".join(map(str, findings))


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({"bid": "1.23"}, r"^is made, so bid and ask must be the last close, [\d.]+: 1\.23, "),
        ({"ask": ""}, r"^is made, so bid and ask must be the last close, [\d.]+: [\d.]+, nan"),
        ({"ask_size": "5"}, r"^is made, so it must have no sizes"),
    ],
)
def test_a_made_quote_that_is_not_the_last_close_is_found(
    copy: Path, fields: dict[str, str], pattern: str
) -> None:
    line = line_of(copy, "AIG", DAYS[0])
    edit(copy, line, **fields)
    assert_found(copy, line, pattern)


def test_made_quotes_before_the_first_bar_or_after_it_are_found(copy: Path) -> None:
    lines = lines_of(copy)
    first = next(at for at, line in enumerate(lines) if line.startswith("AIG"))
    own = [line for line in lines if line.startswith(f"AIG,{DAYS[0]}")]
    # The first bars of the file are at the opening; without the first minute there is none before them.
    bars = (copy / "bars.csv").read_text().splitlines()
    opens = own[0].split(",")[1]
    kept = [line for line in bars if not line.startswith(f"AIG,1m,{opens}")]
    (copy / "bars.csv").write_text("\n".join(kept) + "\n")
    assert_found(copy, first + 1, r"^is made, but AIG has no bar up to there")
    (copy / "bars.csv").write_text("\n".join(bars) + "\n")
    del lines[first]
    write_lines(copy, lines)
    assert_found(copy, first + 1, rf"^is the first made quote of AIG, which has a bar at {opens}")


def test_a_slot_without_a_row_is_found_at_the_row_before(copy: Path) -> None:
    line, lines = line_of(copy, "SPY", DAYS[0]), lines_of(copy)
    del lines[line : line + 2]
    write_lines(copy, lines)
    assert_found(
        copy, line, r"^after this row of SPY, 2 slots have no row, from 2013-10-07T1\d:\d\d:00-04:00"
    )
    count = sum(f",{DAYS[0]}" in one for one in lines)
    assert_found(copy, None, rf"^2013-10-07 has {count} quotes, but {count + 2} in the manifest")


def test_rows_that_end_before_the_session_or_go_on_after_it_are_found(copy: Path) -> None:
    lines = lines_of(copy)
    last = max(at for at, line in enumerate(lines, start=1) if line.startswith("SPY"))
    dropped = [line for at, line in enumerate(lines, start=1) if at != last]
    write_lines(copy, dropped)
    assert_found(
        copy, last - 1, r"^after this row of SPY, 1 slot has no row, from 2013-10-08T11:39:00-04:00 on"
    )
    time = "2013-10-08T11:40:00-04:00"
    write_lines(copy, [*lines[:last], re.sub(r",[^,]*", f",{time}", lines[last - 1], count=1), *lines[last:]])
    assert_found(copy, last + 1, r"^the slot ends after 2013-10-08T11:40:00-04:00, the end of the partial")
    write_lines(copy, lines)
    gone = max(at for at, line in enumerate(lines, start=1) if line.startswith(f"BAC,{DAYS[0]}"))
    after = re.sub(r",[^,]*", ",2013-10-07T14:30:00-04:00", lines[gone - 1], count=1)
    write_lines(copy, [*lines[:gone], after, *lines[gone:]])
    assert_found(copy, gone + 1, r"^the slot ends after 2013-10-07T14:30:00-04:00, when BAC left")


def test_rows_out_of_order_twice_or_of_another_session_are_found(copy: Path) -> None:
    lines, line = lines_of(copy), line_of(copy, "SPY", DAYS[0])
    write_lines(copy, [*lines[: line - 1], lines[line], lines[line - 1], *lines[line + 1 :]])
    assert_found(copy, line + 1, r"^is out of order: SPY 2013-10-07T")
    write_lines(copy, [*lines[:line], lines[line - 1], *lines[line:]])
    assert_found(copy, line + 1, rf"^duplicate SPY 2013-10-07T.*, first in line {line}$")
    write_lines(copy, [*lines, lines[line - 1]])
    assert_found(copy, len(lines) + 1, r"^is out of order: a row of 2013-10-07 is among those of 2013-10-08")
    write_lines(copy, lines)
    line = line_of(copy, "SPY", DAYS[1])
    edit(copy, line, symbol="IBM")
    assert_found(copy, line, r"^IBM was not in the session of 2013-10-08")


def test_a_symbol_without_any_row_is_found(copy: Path) -> None:
    write_lines(copy, [line for line in lines_of(copy) if not line.startswith(f"AIG,{DAYS[0]}")])
    assert_found(copy, None, r"^AIG has bars on 2013-10-07, but no quotes: at least made ones must be there")


def test_the_file_must_be_there_if_and_only_if_quotes_are_streamed(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    own = [one for one in manifest["files"] if one["name"] != "quotes.csv"]
    (copy / "manifest.json").write_text(json.dumps({**manifest, "files": own}))
    assert_found(copy, None, r"^files: quotes.csv is not listed", "manifest.json")
    manifest["session_file"]["session_data_config"]["streams"].remove("quotes")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert_found(copy, None, r"^files: quotes.csv is listed, but quotes in the streams", "manifest.json")
    assert_found(
        copy, None, r"^symbols: quotes of SPY are there, but the session file streams no", "session.json"
    )


@pytest.mark.parametrize(
    ("quotes", "pattern"),
    [
        ({"bid": 1}, r"^symbols: quotes of AIG are \{.*'bid': 1.*\}, but \{.*\} by quotes.csv"),
        ({"made": False}, r"^symbols: quotes of AIG are \{.*'made': False\}"),
        ({"ask_size": 3}, r"^symbols: quotes of AIG are \{.*'ask_size': 3.*\}"),
        ({"made": None}, r"^symbols: quotes of AIG must have bid, ask, bid_size, ask_size and made"),
    ],
)
def test_a_last_quote_that_is_not_that_of_the_rows_is_found(
    copy: Path, quotes: dict[str, object], pattern: str
) -> None:
    document = json.loads((copy / "session.json").read_text())
    document["symbols"]["AIG"]["quotes"] |= quotes
    (copy / "session.json").write_text(json.dumps(document))
    assert_found(copy, None, pattern, "session.json")


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_the_rows_goes_unseen(copy: Path, data: st.DataObject) -> None:
    """Any bytes at any position: there is a finding, and no crash."""
    path = copy / "quotes.csv"
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 200)))
    damaged = whole[:start] + data.draw(st.binary(max_size=5)) + whole[stop:]
    assume(damaged != whole)
    path.write_bytes(damaged)
    report = validate_export(copy)
    path.write_bytes(whole)
    assert not report.ok
