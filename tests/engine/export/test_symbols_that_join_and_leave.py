"""Exports of sessions in which symbols joined and left: each has its rows from the open, to its leave."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from changing_kit import DAYS, FILE, OTHERS, SLOTS, from_the_open, joined, left, played
from export_kit import digest_of, make_config, make_record, make_summary
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.export.bars_table import bar_rows
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.daily_exports import DailyExports
from tapedeck.engine.export.indicators_table import indicator_rows
from tapedeck.engine.export.manifest import Manifest
from tapedeck.engine.export.partial_export import export_played, with_current, write_state
from tapedeck.engine.export.quality_table import quality_rows
from tapedeck.engine.export.session_json import session_document
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.export.validation.report import Finding
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.day_summary import day_summary
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary, symbols_played
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tests.support.runs import LIMIT_S

# AIG leaves and joins again, IBM is kept, BAC comes and goes, all but one leave.
FIRST = (
    joined("IBM", 60, keep=True),
    left("AIG", 62),
    joined("BAC", 62),
    left("BAC", 301),
    joined("AIG", 310),
)
SECOND = (joined("BAC", 0), left("SPY", 0), left("IBM", 200), left("AIG", 390))
Changes = tuple[SymbolChange, ...]


def two_records(first: Changes = FIRST, second: Changes = SECOND, last: int = SLOTS) -> list[SessionRecord]:
    """Two sessions with changes; the second is played up to `last`."""
    one = played(DAYS[0], FILE, first)
    return [one, played(DAYS[1], (*FILE, *kept_after(first)), second, last)]


def kept_after(changes: Changes) -> tuple[str, ...]:
    """The symbols that the next session begins with beside those of the file."""
    kept: list[str] = []
    for change in changes:
        kept = [symbol for symbol in kept if symbol != change.symbol]
        if change.keep and change.symbol not in FILE:
            kept.append(change.symbol)
    return tuple(kept)


def summary_of(records: Sequence[SessionRecord], state: str = "completed") -> RunSummary:
    """The summary that a run of these sessions has."""
    made = make_summary(make_config(), records, state=state)
    sessions = tuple(SessionSummary.of(record, digest_of(record)) for record in records)
    return replace(made, sessions=sessions, symbols=symbols_played(sessions, made.symbols))


def export(folder: Path, records: Sequence[SessionRecord], state: str = "completed") -> Manifest:
    pairs = [(record, digest_of(record)) for record in records]
    return export_played(folder, make_config(), pairs, summary_of(records, state), PerformanceMetrics())


@st.composite
def changes(draw: st.DrawFn, opening: tuple[str, ...]) -> Changes:
    """Joins and leaves of a session at any slots, which never leave it without symbols."""
    there, made = list(opening), list[SymbolChange]()
    for frontier in sorted(draw(st.lists(st.integers(0, SLOTS), max_size=6))):
        others = [symbol for symbol in (*FILE, *OTHERS) if symbol not in there]
        choices = others + (there if len(there) > 1 else [])
        symbol = draw(st.sampled_from(choices))
        if symbol in there:
            there.remove(symbol)
            made.append(left(symbol, frontier))
        else:
            there.append(symbol)
            made.append(joined(symbol, frontier, keep=draw(st.booleans())))
    return tuple(made)


@st.composite
def two_days_of_changes(draw: st.DrawFn) -> tuple[Changes, Changes]:
    first = draw(changes(FILE))
    return first, draw(changes((*FILE, *kept_after(first))))


def last_stays(opening: Sequence[str], made: Changes) -> dict[str, int]:
    """Each symbol of a session in the order of joining, with the frontier at which it left, or the last."""
    ends = dict.fromkeys(opening, SLOTS)
    for change in made:
        if change.kind is ChangeKind.JOINED:
            ends.pop(change.symbol, None)
        ends[change.symbol] = SLOTS if change.kind is ChangeKind.JOINED else change.frontier
    return ends


def rows_from_the_open(symbol: str, day: date, end: int) -> dict[str, bytes]:
    """The rows of a symbol that was there alone from the open up to a frontier."""
    tape = from_the_open((symbol,), day, end)
    return {
        "bars.csv": b"".join(bar_rows(tape, end)),
        "indicators.csv": b"".join(indicator_rows(tape, end)),
        "quality.csv": quality_rows(tape, end),
    }


@given(two_days_of_changes())
@settings(max_examples=3)
def test_each_symbol_has_the_rows_it_would_have_had_from_the_open(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[Changes, Changes]
) -> None:
    folder = tmp_path_factory.mktemp("export")
    manifest = export(folder, two_records(*made))
    openings = (FILE, (*FILE, *kept_after(made[0])))
    expected: dict[str, bytes] = {"bars.csv": b"", "indicators.csv": b"", "quality.csv": b""}
    for day, opening, own in zip(DAYS, openings, made, strict=True):
        for symbol, end in last_stays(opening, own).items():
            for name, rows in rows_from_the_open(symbol, day, end).items():
                expected[name] += rows
    for name, rows in expected.items():
        header, _, found = (folder / name).read_bytes().partition(b"\n")
        assert header
        assert found == rows[1:] + b"\n", name
    assert validate_export(folder).findings == ()
    assert sum(session.bars for session in manifest.sessions) == expected["bars.csv"].count(b",1m,")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid export of two days with changes."""
    folder = tmp_path_factory.mktemp("changes") / "export"
    export(folder, two_records())
    assert validate_export(folder).findings == ()
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def test_session_json_and_manifest_say_who_came_and_went_and_when(sound: Path) -> None:
    def change(kind: str, symbol: str, slot: int, time: str, *, keep: bool = False) -> dict[str, object]:
        return {"change": kind, "symbol": symbol, "slot": slot, "time": time, "keep": keep}

    first = [
        change("joined", "IBM", 60, "2013-10-07T10:30:00-04:00", keep=True),
        change("left", "AIG", 62, "2013-10-07T10:32:00-04:00"),
        change("joined", "BAC", 62, "2013-10-07T10:32:00-04:00"),
        change("left", "BAC", 301, "2013-10-07T14:31:00-04:00"),
        change("joined", "AIG", 310, "2013-10-07T14:40:00-04:00"),
    ]
    for name in ("session.json", "manifest.json"):
        one, two = document(sound, name)["sessions"]
        assert (one["changes"], "kept" in one) == (first, False), name
        assert two["kept"] == ["IBM"]
        assert [entry["slot"] for entry in two["changes"]] == [0, 0, 200, 390]
        assert two["changes"][3]["time"] == "2013-10-08T16:00:00-04:00"
    assert document(sound, "manifest.json")["symbols"] == ["SPY", "AIG", "IBM", "BAC"]


def test_an_export_without_changes_says_nothing_of_them(tmp_path: Path) -> None:
    export(tmp_path / "export", two_records((), ()))
    for name in ("session.json", "manifest.json"):
        assert re.search("kept|changes", (tmp_path / "export" / name).read_text()) is None


def test_the_active_symbols_of_each_slot_are_those_that_were_there(sound: Path) -> None:
    rows = [line.split(",") for line in (sound / "session.csv").read_text().splitlines()[1:]]
    counts = [int(row[9]) for row in rows]
    steps = {0: 2, 59: 2, 60: 3, 61: 3, 62: 3, 300: 3, 301: 2, 309: 2, 310: 3, 390: 3}
    assert {k: counts[k] for k in steps} == steps
    steps = {0: 3, 199: 3, 200: 2, 389: 2, 390: 1}
    assert {k: counts[SLOTS + 1 + k] for k in steps} == steps


def test_a_symbol_that_left_has_its_state_of_that_moment(sound: Path) -> None:
    written = document(sound, "session.json")["symbols"]
    assert list(written) == ["SPY", "AIG", "IBM", "BAC"]
    for symbol, end in {"SPY": 0, "AIG": 390, "IBM": 200, "BAC": 390}.items():
        alone = make_record(from_the_open((symbol,), DAYS[1], end))
        expected = session_document(summary_of([alone]), alone, make_config(symbols=(symbol,)))["symbols"]
        assert written[symbol] == json.loads(json.dumps(expected[symbol])), symbol


def test_slots_after_a_leave_are_not_counted_as_empty() -> None:
    [record, _] = two_records()
    summary = SessionSummary.of(record, "")
    assert summary.empty == 0
    tapes = [from_the_open((symbol,), DAYS[0], end) for symbol, end in last_stays(FILE, FIRST).items()]
    assert summary.bars == sum(int(tape.base.present[:, : tape.frontier].sum()) for tape in tapes)
    scores = [float(tape.scores[0, tape.frontier]) for tape in tapes if tape.scores is not None]
    assert summary.quality_pct == pytest.approx(sum(scores) / 4, rel=1e-12)


def test_a_partial_session_ends_where_it_was_played(tmp_path: Path) -> None:
    records = two_records(second=(joined("BAC", 10), left("IBM", 33)), last=101)
    manifest = export(tmp_path / "export", records, state="stopped")
    assert validate_export(tmp_path / "export").findings == ()
    assert (manifest.status, manifest.sessions[1].played) == ("partial", 101)


def test_the_current_session_is_exported_with_the_symbols_that_left(tmp_path: Path) -> None:
    one, current = two_records(second=SECOND[:3], last=250)
    pairs = list(with_current([(one, digest_of(one))], current))
    summary = summary_of([one], state="stopped")
    export_played(tmp_path / "export", make_config(), pairs, summary, PerformanceMetrics())
    assert validate_export(tmp_path / "export").findings == ()
    write_state(tmp_path / "state.json", make_config(), pairs, summary)
    assert (tmp_path / "state.json").read_bytes() == (tmp_path / "export" / "session.json").read_bytes()


def test_each_day_of_a_recording_is_sound_with_its_own_symbols(tmp_path: Path) -> None:
    records = two_records(second=(left("IBM", 200),))
    exports = DailyExports(tmp_path, make_config())
    run = summary_of(records)
    exports.run = lambda: (run, PerformanceMetrics())
    for record in records:
        exports.write_session(record, digest_of(record))
    assert [validate_export(folder).findings for folder in exports.written] == [(), ()]
    symbols = [document(folder, "manifest.json")["symbols"] for folder in exports.written]
    assert symbols == [["SPY", "AIG", "IBM", "BAC"], ["SPY", "AIG", "IBM"]]
    assert document(exports.written[1], "session.json")["sessions"][0]["kept"] == ["IBM"]


def test_the_symbols_of_a_day_are_those_that_were_in_its_session() -> None:
    run = summary_of(two_records(second=()))
    assert run.symbols == ("SPY", "AIG", "IBM", "BAC")
    assert day_summary(run, run.sessions[1], "running").symbols == ("SPY", "AIG", "IBM")


# A run


def test_a_run_whose_symbols_changed_exports_the_same_again(week_store: BarStore, tmp_path: Path) -> None:
    """The second export is of sessions that were recomputed; days before them are in it once."""
    historical = {"data": [{"trailing_days": 3, "intervals": ["1d", "1w"]}]}
    days = {"start_date": DAYS[0], "end_date": date(2013, 10, 9)}
    streams = {"symbols": list(FILE), "streams": ["1m", "15m"], "historical": historical}
    fields = {"exchange_group": "US_EQUITY", "backtest_config": days, "session_data_config": streams}
    config = parse_session_config({"session_name": "Changes", **fields}, source="test").config
    sink = CsvExport(tmp_path / "first", config)
    system = SystemManager(config, week_store, sinks=[sink], tape_cache_bytes=1)

    def step(slots: int, *, session: int, frontier: int) -> None:
        system.step(slots)
        assert system.wait_for(
            lambda: (system.snapshot().session, system.snapshot().frontier) == (session, frontier), LIMIT_S
        )

    try:
        system.start(paused=True)
        step(62, session=1, frontier=62)
        system.add_symbol("IBM", keep=True)
        system.add_symbol("BAC")
        system.remove_symbol("AIG")
        step(400, session=2, frontier=72)
        system.remove_symbol("IBM")
        system.export_csv(tmp_path / "meanwhile")
        assert validate_export(tmp_path / "meanwhile").findings == ()
        step(390, session=3, frontier=72)
        system.add_symbol("BAC")
        system.resume()
        assert system.wait(LIMIT_S)
    finally:
        system.stop(LIMIT_S)
    assert system.error is None
    manifest = sink.finish(system.summary(), system.metrics)
    assert manifest is not None
    assert manifest.symbols == system.summary().symbols == ("SPY", "AIG", "IBM", "BAC")
    assert [session.kept for session in manifest.sessions] == [(), ("IBM",), ()]
    assert validate_export(tmp_path / "first").findings == ()
    system.export_csv(tmp_path / "again")
    for file in manifest.files:
        if file.name != "metrics.json":
            again = (tmp_path / "again" / file.name).read_bytes()
            assert (tmp_path / "first" / file.name).read_bytes() == again, file.name
    rows = [line.split(",") for line in (tmp_path / "first" / "history.csv").read_text().splitlines()[1:]]
    written = {
        symbol: [row[2][8:10] for row in rows if row[:2] == [symbol, "1d"]]
        for symbol in ["SPY", "IBM", "BAC"]
    }
    assert written == {
        "SPY": ["02", "03", "04", "07", "08"],
        "IBM": ["02", "03", "04", "07"],
        "BAC": ["02", "03", "04", "07", "08"],
    }


# Tampering


def assert_found(folder: Path, file: str, pattern: str, findings: Sequence[Finding] | None = None) -> None:
    findings = validate_export(folder).findings if findings is None else findings
    assert any(one.file == file and re.search(pattern, one.message) for one in findings), "\n".join(
        str(finding) for finding in findings
    )


def test_a_bar_of_a_symbol_after_it_left_is_found(copy: Path) -> None:
    path = copy / "bars.csv"
    lines = path.read_text().splitlines(keepends=True)
    at = max(n for n, line in enumerate(lines) if line.startswith("IBM,1m,2013-10-08"))
    lines.insert(at + 1, "IBM,1m,2013-10-08T12:50:00-04:00,10,10,10,10,5,1,100\n")
    path.write_text("".join(lines))
    assert_found(copy, "bars.csv", r"closes after 2013-10-08T12:50:00-04:00, when IBM left")


def test_rows_of_a_symbol_that_was_not_in_the_session_are_found(copy: Path) -> None:
    for name in ("session.json", "manifest.json"):
        found = document(copy, name)
        del found["sessions"][1]["changes"][0]  # BAC joined
        (copy / name).write_text(json.dumps(found))
    findings = validate_export(copy).findings
    for name, pattern in {
        "bars.csv": r"BAC was not in the session of 2013-10-08",
        "indicators.csv": r"BAC was not in the session of 2013-10-08",
        "quality.csv": r"BAC 1m is not part of this export",
        "session.csv": r"active_symbols is '3', but should be '2'",
    }.items():
        assert_found(copy, name, pattern, findings)


@pytest.mark.parametrize(
    ("edit", "file", "pattern"),
    [
        (lambda one, _: one["changes"].pop(1), "session.csv", "active_symbols is"),
        (lambda one, _: one["changes"].pop(1), "manifest.json", "AIG joined at slot 310, but it was in the"),
        (lambda one, _: one["changes"].pop(3), "quality.csv", "expected of BAC 1m is '301', but .* '390'"),
        (lambda one, _: one["changes"].reverse(), "manifest.json", "after a change at slot 310"),
        (lambda one, _: one["changes"][0].update(slot=61), "manifest.json", "time is '2013-10-07T10:30"),
        (lambda one, _: one["changes"][0].update(slot=999), "manifest.json", "but 390 were played"),
        (lambda one, _: one["changes"][0].update(keep=False), "manifest.json", r"kept is \['IBM'\], but"),
        (
            lambda one, _: one["changes"][1].update(keep=True),
            "manifest.json",
            "keep is for symbols that join",
        ),
        (lambda one, _: one["changes"][1].update(symbol="IBN"), "manifest.json", "it was not in the session"),
        (lambda _, two: two.pop("kept"), "manifest.json", r"kept is \[\], but the sessions before kept"),
        (lambda _, two: two.update(kept=["SPY"]), "manifest.json", "has symbols of the session file"),
        (lambda _, two: two["changes"][1].update(symbol="BAC"), "quality.csv", "expected of SPY 1m is '0'"),
    ],
)
def test_changes_that_were_tampered_with_are_found(copy: Path, edit: Any, file: str, pattern: str) -> None:
    for name in ("session.json", "manifest.json"):
        found = document(copy, name)
        edit(*found["sessions"])
        (copy / name).write_text(json.dumps(found))
    assert_found(copy, file, pattern)


def test_another_order_of_symbols_is_found(copy: Path) -> None:
    found = document(copy, "manifest.json")
    found["symbols"] = ["SPY", "AIG", "BAC", "IBM"]
    (copy / "manifest.json").write_text(json.dumps(found))
    assert_found(copy, "manifest.json", "symbols: is SPY, AIG, BAC, IBM, but .* make SPY, AIG, IBM, BAC")


def test_a_change_that_session_json_lacks_is_found(copy: Path) -> None:
    found = document(copy, "session.json")
    found["sessions"][0]["changes"].pop()
    (copy / "session.json").write_text(json.dumps(found))
    assert_found(copy, "session.json", r"2013-10-07: changes is .* in the manifest")


def test_symbols_in_the_order_of_the_file_are_out_of_order_after_joining_again(copy: Path) -> None:
    """On the first day AIG joined again, after the others."""
    path = copy / "bars.csv"
    lines = path.read_text().splitlines(keepends=True)
    own = [line for line in lines if line.startswith("AIG") and ",2013-10-07" in line]
    others = [line for line in lines if line not in own]
    first = next(n for n, line in enumerate(others) if line.startswith("IBM"))
    path.write_text("".join([*others[:first], *own, *others[first:]]))
    assert_found(copy, "bars.csv", r"is out of order: IBM .* comes after AIG")
