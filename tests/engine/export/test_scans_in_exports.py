"""Scans in exports: scans.csv, session.json and the manifest; changes made to them are found."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from changing_kit import DAYS, FILE, joined, played
from export_kit import digest_of, make_config, make_summary
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.config.scanners import Scanner, Universe
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.daily_exports import DailyExports
from tapedeck.engine.export.partial_export import export_played
from tapedeck.engine.export.scans_table import SCANS_HEADER, scan_rows
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.scan_records import FoundSymbol, ScanOutcome, ScanRecord
from tapedeck.engine.tape.scan_summary import scanner_summaries
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary, symbols_played
from tests.support.runs import LIMIT_S

SYMBOLS = ("SPY", "AIG", "IBM", "BAC")
NAN = float("nan")
PLAYED = 130
"""Slots played of the second day."""
ONE = played(DAYS[0], FILE, [joined("IBM", 60), joined("BAC", 61)])
TWO = played(DAYS[1], FILE, [joined("BAC", 0), joined("IBM", 60)], PLAYED)
"""Two sessions whose symbols joined, the second one not played to its close."""
BEGUN = replace(played(DAYS[0], FILE, [joined("IBM", 60)], PLAYED), state="stopped")
"""The first session, not played to its close."""


def config_of(*scanners: str, universe: object = SYMBOLS) -> SessionConfig:
    """A session file with the scanners; those with a capital are classes."""
    found = [
        Scanner.model_validate(
            {"name": name, "at": ["10:30"]}
            | ({"where": "gap_pct > 1"} if name.islower() else {"scanner": f"mine:{name}"})
        )
        for name in scanners
    ]
    section = universe if isinstance(universe, dict) else {"symbols": universe}
    changes = {"scanners": tuple(found), "universe": Universe.model_validate(section)}
    config = make_config()
    data = config.session_data_config.model_copy(update=changes)
    return config.model_copy(update={"session_data_config": data})


def scan(
    session: SessionRecord,
    scanner: str,
    slot: int,
    *found: FoundSymbol,
    outcome: ScanOutcome = ScanOutcome.DONE,
    error: str | None = None,
) -> ScanRecord:
    """A scan at a slot of a session."""
    return ScanRecord(scanner, slot, int(session.tape.slots.clock(slot)), found, outcome, error)


def symbol(rank: int, name: str, *, joined: bool = False, **values: float) -> FoundSymbol:
    return FoundSymbol(rank, name, tuple(values.items()), joined)


def scanned() -> list[SessionRecord]:
    """Two sessions with scans: some find symbols, with and without values, one fails, one is skipped."""
    first = (
        scan(ONE, "gap_up", 60, symbol(1, "IBM", joined=True, gap_pct=1.5), symbol(2, "SPY", gap_pct=1.25)),
        scan(ONE, "Momentum", 60, outcome=ScanOutcome.FAILED, error="ValueError: a\nb"),
        scan(ONE, "Momentum", 61, outcome=ScanOutcome.OVERRAN, error="it took longer than 5 s"),
    )
    second = (
        scan(TWO, "gap_up", 0, symbol(1, "BAC", joined=True)),
        scan(TWO, "gap_up", 60, outcome=ScanOutcome.SKIPPED),
        scan(TWO, "gap_up", 60, symbol(1, "IBM", joined=True, gap_pct=NAN, last=2e30), symbol(2, "AIG")),
        scan(TWO, "Momentum", 60, symbol(1, "IBM", speed=-0.5, gap_pct=0.0)),
    )
    return [replace(ONE, scans=first), replace(TWO, scans=second, state="stopped")]


def summary_of(config: SessionConfig, records: Sequence[SessionRecord]) -> RunSummary:
    """The summary that a run of these sessions has."""
    sessions = tuple(SessionSummary.of(record, digest_of(record)) for record in records)
    made = make_summary(config, records, state="stopped")
    symbols = symbols_played(sessions, made.symbols)
    return replace(made, sessions=sessions, symbols=symbols, scanner_code={"Momentum": "c0de"})


def export(folder: Path, config: SessionConfig, records: Sequence[SessionRecord]) -> Path:
    pairs = [(record, digest_of(record)) for record in records]
    export_played(folder, config, pairs, summary_of(config, records), PerformanceMetrics())
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with scans."""
    return export(tmp_path_factory.mktemp("scans") / "out", config_of("gap_up", "Momentum"), scanned())


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def test_the_files_say_what_was_found(sound: Path) -> None:
    assert validate_export(sound).findings == ()
    assert (sound / "scans.csv").read_text().splitlines() == [
        "session_date,time,scanner,rank,symbol,name,value",
        "2013-10-07,2013-10-07T10:30:00-04:00,gap_up,1,IBM,gap_pct,1.5",
        "2013-10-07,2013-10-07T10:30:00-04:00,gap_up,2,SPY,gap_pct,1.25",
        "2013-10-08,2013-10-08T09:30:00-04:00,gap_up,1,BAC,,",
        "2013-10-08,2013-10-08T10:30:00-04:00,gap_up,1,IBM,last,2e+30",
        "2013-10-08,2013-10-08T10:30:00-04:00,gap_up,2,AIG,,",
        "2013-10-08,2013-10-08T10:30:00-04:00,Momentum,1,IBM,speed,-0.5",
        "2013-10-08,2013-10-08T10:30:00-04:00,Momentum,1,IBM,gap_pct,0",
    ]
    state = document(sound, "session.json")
    assert [session["scanners"] for session in state["sessions"]] == [
        [
            {"scanner": "gap_up", "scans": 1, "found": 2, "joined": 1, "failed": 0, "skipped": 0},
            {
                "scanner": "Momentum",
                "scans": 2,
                "found": 0,
                "joined": 0,
                "failed": 2,
                "skipped": 0,
                "failed_at": "2013-10-07T10:30:00-04:00",
                "failure": "ValueError: a\\nb",
            },
        ],
        [
            {"scanner": "gap_up", "scans": 2, "found": 3, "joined": 2, "failed": 0, "skipped": 1},
            {"scanner": "Momentum", "scans": 1, "found": 1, "joined": 0, "failed": 0, "skipped": 0},
        ],
    ]
    last = [list(one.values()) for one in state["last_session"]["scans"]]
    at_half_past_ten = "2013-10-08T10:30:00-04:00"
    assert last == [
        ["gap_up", 0, "2013-10-08T09:30:00-04:00", "done", None, ["BAC"], ["BAC"]],
        ["gap_up", 60, at_half_past_ten, "skipped", None, [], []],
        ["gap_up", 60, at_half_past_ten, "done", None, ["IBM", "AIG"], ["IBM"]],
        ["Momentum", 60, at_half_past_ten, "done", None, ["IBM"], []],
    ]
    assert document(sound, "manifest.json")["scanners"] == [
        {"name": "gap_up"},
        {"name": "Momentum", "code": "c0de"},
    ]


def test_each_day_of_a_recording_has_its_own_scans(tmp_path: Path) -> None:
    config, records = config_of("gap_up", "Momentum"), scanned()
    exports = DailyExports(tmp_path, config)
    exports.run = lambda: (summary_of(config, records), PerformanceMetrics())
    for record in records:
        exports.write_session(record, digest_of(record))
    assert len(exports.written) == len(records)
    for folder, record in zip(exports.written, records, strict=True):
        header, rows = ",".join(SCANS_HEADER).encode(), scan_rows(record.tape.session, record.scans)
        assert (folder / "scans.csv").read_bytes() == header + rows + b"\n"
        assert validate_export(folder).findings == ()


def test_a_run_that_found_nothing_has_the_header_and_one_without_scanners_no_file(tmp_path: Path) -> None:
    """An export without scanners has nothing of them, and removes the file of the one that it replaces."""
    export(tmp_path, config_of("gap_up"), [ONE, TWO])
    assert (tmp_path / "scans.csv").read_text() == ",".join(SCANS_HEADER) + "\n"
    assert validate_export(tmp_path).findings == ()
    export(tmp_path, make_config(), [ONE, TWO])
    assert not (tmp_path / "scans.csv").exists()
    assert "scanners" not in document(tmp_path, "manifest.json")
    state = document(tmp_path, "session.json")
    assert not any("scanners" in session for session in state["sessions"])
    assert "scans" not in state["last_session"]
    assert validate_export(tmp_path).findings == ()


def test_a_users_own_file_of_that_name_matters_only_with_scanners(tmp_path: Path) -> None:
    (tmp_path / "scans.csv").write_text("mine\n")
    export(tmp_path, make_config(), [ONE])
    assert (tmp_path / "scans.csv").read_text() == "mine\n"
    assert validate_export(tmp_path).findings == ()


# Any scans

NUMBERS = st.floats() | st.integers(-5, 5).map(float)
VALUES = st.dictionaries(st.text(max_size=4).map(lambda text: f"v{text}"), NUMBERS, max_size=3)


@st.composite
def scans(draw: st.DrawFn) -> tuple[ScanRecord, ...]:
    """Any scans of a session, in order of time, those of one slot in the order of the file."""
    moments = draw(st.sets(st.tuples(st.integers(0, PLAYED), st.integers(0, 1)), max_size=4))
    made = []
    for slot, scanner in sorted(moments):
        names = draw(st.lists(st.sampled_from(SYMBOLS), unique=True))
        found = [FoundSymbol(n, name, tuple(draw(VALUES).items())) for n, name in enumerate(names, 1)]
        made.append(scan(BEGUN, ("gap_up", "Momentum")[scanner], slot, *found))
    return tuple(made)


@settings(max_examples=6)
@given(scans())
def test_any_scans_are_written_read_back_and_found_sound(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[ScanRecord, ...]
) -> None:
    record = replace(BEGUN, scans=made)
    folder = export(tmp_path_factory.mktemp("any"), config_of("gap_up", "Momentum"), [record])
    assert validate_export(folder).findings == ()
    with (folder / "scans.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    read: dict[tuple[str, str, int, str], list[float]] = {}
    for row in rows:
        key = (row["time"], row["scanner"], int(row["rank"]), row["symbol"])
        read.setdefault(key, []).extend([float(row["value"])] if row["name"] else [])
    session = BEGUN.tape.session
    opened = session.regular_open.astimezone(session.zone)
    expected = {}
    for one in made:
        time = (opened + timedelta(minutes=one.frontier)).isoformat()
        for found in one.found:
            values = [value for _, value in found.values if not math.isnan(value)]
            expected[time, one.scanner, found.rank, found.symbol] = values
    assert read == expected


def test_numbers_of_scanners_do_not_depend_on_when_a_skipped_scan_was_noted() -> None:
    """A scan that is skipped while another one runs is noted before it."""
    zone = TWO.tape.session.zone
    slow, skipped = scan(TWO, "gap_up", 5, symbol(1, "SPY")), scan(TWO, "b", 6, outcome=ScanOutcome.SKIPPED)
    assert scanner_summaries([skipped, slow], zone) == scanner_summaries([slow, skipped], zone)


# A run

CODE = """
from tapedeck import Found, Scanner


class Second(Scanner):
    def scan(self, view):
        if view.trading_day.day == 8:
            raise ValueError("a\\nbad day")
        return [Found("AIG", {"last": view.value("last")[view.rows["AIG"]]}), "SPY"]
"""


def test_a_run_with_scanners_exports_the_same_again(week_store: BarStore, tmp_path: Path) -> None:
    """The second export is of sessions that were recomputed."""
    (tmp_path / "second.py").write_text(CODE)
    data = {
        "symbols": ["SPY"],
        "streams": ["1m"],
        "universe": {"symbols": list(SYMBOLS)},
        "scanners": [
            {"name": "cheap", "where": "last < 100", "by": "-last", "at": ["09:35"], "max_symbols": 1},
            {"scanner": f"{tmp_path / 'second.py'}:Second", "at": ["09:35", "10:00"]},
        ],
    }
    days = {"start_date": DAYS[0], "end_date": DAYS[1]}
    fields = {"exchange_group": "US_EQUITY", "backtest_config": days, "session_data_config": data}
    config = parse_session_config({"session_name": "Scans", **fields}, source="test").config
    sink = CsvExport(tmp_path / "first", config)
    system = SystemManager(config, week_store, sinks=[sink], tape_cache_bytes=1)
    try:
        system.start()
        assert system.wait(LIMIT_S)
        assert system.error is None
        manifest = sink.finish(system.summary(), system.metrics)
        system.export_csv(tmp_path / "again")
    finally:
        system.stop(LIMIT_S)
    assert manifest is not None
    code = hashlib.sha256(CODE.encode()).hexdigest()
    assert [(one.name, one.code) for one in manifest.scanners] == [("cheap", None), ("Second", code)]
    assert [[change.symbol for change in one.changes] for one in manifest.sessions] == [
        ["BAC", "AIG"],
        ["BAC"],
    ]
    first, second = (one["scanners"] for one in document(tmp_path / "first", "session.json")["sessions"])
    assert [list(one.values())[:5] for one in first] == [["cheap", 1, 2, 1, 0], ["Second", 2, 2, 1, 0]]
    assert [list(one.values())[:5] for one in second] == [["cheap", 1, 2, 1, 0], ["Second", 2, 0, 0, 2]]
    assert "bad day" in second[1]["failure"]
    for folder in ("first", "again"):
        assert validate_export(tmp_path / folder).findings == ()
    for file in manifest.files:
        if file.name != "metrics.json":
            again = (tmp_path / "again" / file.name).read_bytes()
            assert (tmp_path / "first" / file.name).read_bytes() == again, file.name


# Tampering


def assert_found(folder: Path, file: str, pattern: str) -> None:
    findings = validate_export(folder).findings
    assert any(one.file == file and re.search(pattern, one.message) for one in findings), "\n".join(
        map(str, findings)
    )


@pytest.mark.parametrize(
    ("line", "old", "new", "pattern"),
    [
        (2, "gap_up", "gap_uq", r"unknown scanner 'gap_uq'\. Did you mean 'gap_up'"),
        (2, "IBM", "IBN", r"unknown symbol 'IBN'"),
        (2, "10:30:00-04", "16:30:00-04", "is not a clock time of 2013-10-07 that was played"),
        (5, "10:30:00-04", "15:30:00-04", "is not a clock time of 2013-10-08 that was played"),
        (2, "10:30:00-04", "10:30:07-04", "is not a clock time"),
        (2, "10:30:00-04", "14:30:00+00", "is not a clock time"),
        (2, "2013-10-07,", "2013-10-09,", "unknown session_date '2013-10-09'"),
        (3, ",2,SPY", ",3,SPY", "rank 3 comes after 1: ranks of a scan are 1, 2"),
        (3, ",2,SPY", ",1,SPY", "rank 1 is SPY, but IBM in the row before"),
        (2, ",1,IBM", ",0,IBM", "invalid rank '0'"),
        (3, ",2,SPY", ",2,IBM", "IBM has rank 2, and rank 1"),
        (2, "1.5", "", "invalid value ''"),
        (2, "1.5", "nan", "invalid value 'nan'"),
        (2, "gap_pct", "", "value '1.5' has no name"),
        (8, "gap_pct", "speed", "duplicate value 'speed' of IBM"),
        (8, "gap_pct,0", ",", "IBM has a row without a value beside others"),
        (7, "10:30:00-04", "09:30:00-04", r"is out of order: Momentum at .* comes after gap_up at"),
        (7, "Momentum,1,IBM,speed", "gap_up,1,IBM,speed", "rank 1 comes after 2"),
    ],
)
def test_a_changed_row_is_found(copy: Path, line: int, old: str, new: str, pattern: str) -> None:
    path = copy / "scans.csv"
    lines = path.read_text().splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    path.write_text("".join(lines))
    assert_found(copy, "scans.csv", pattern)


@pytest.mark.parametrize(
    ("edit", "pattern"),
    [
        (lambda one, _: one["scanners"].pop(0), "2013-10-07: scanners: gap_up is missing"),
        (lambda one, _: one["scanners"][0].update(found=3), "found is 3, but 2 by scans.csv"),
        (lambda one, _: one["scanners"][0].update(joined=2), "joined is 2, but at most 1 by changes"),
        (lambda one, _: one["scanners"][0].update(failed=1), "scans is 1, fewer than"),
        (lambda one, _: one["scanners"][0].update(found="2"), "must be whole numbers from 0"),
        (lambda _, last: last[0].update(slot=-1), "slot must be a number from 0 to 130"),
        (lambda _, last: last[0].update(slot=1), "gap_up at slot 1: BAC joined, but changes have no join"),
        (lambda _, last: last[0].update(slot=1), "gap_up at slot 1: time is"),
        (lambda _, last: last[0].update(outcome="well"), "outcome is 'well'"),
        (lambda _, last: last[2].update(joined=["IBM", "SPY"]), "SPY joined, but was not found"),
        (lambda _, last: last[2].update(joined=["IBM", "AIG"]), "AIG joined, but changes have no join of it"),
        (lambda _, last: last[2].update(found=["AIG", "IBM"]), "found is AIG, IBM, but IBM, AIG by scans"),
        (lambda _, last: last.pop(3), "Momentum at slot 60: found is none, but IBM"),
        (lambda _, last: last.pop(1), "gap_up: skipped is 1, but 0 by scans"),
        (lambda _, last: last.reverse(), "scans: gap_up at slot 0, after one at slot 60"),
    ],
)
def test_a_changed_session_json_is_found(
    copy: Path, edit: Callable[[Any, Any], object], pattern: str
) -> None:
    state = document(copy, "session.json")
    edit(state["sessions"][0], state["last_session"]["scans"])
    (copy / "session.json").write_text(json.dumps(state))
    assert_found(copy, "session.json", pattern)


def test_a_file_of_scans_that_is_not_in_the_manifest_is_found(copy: Path) -> None:
    manifest = document(copy, "manifest.json")
    manifest["files"] = [file for file in manifest["files"] if file["name"] != "scans.csv"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert_found(copy, "manifest.json", "files: scans.csv is not listed")
    manifest = document(copy, "manifest.json")
    del manifest["scanners"]
    manifest["files"].append({"name": "scans.csv", "bytes": 1, "xxh3": ""})
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert_found(copy, "manifest.json", "files: scans.csv is listed, but scanners are missing")


@pytest.mark.parametrize(
    ("universe", "pattern"),
    [
        ({"pattern": "?[BP]*"}, r"symbol 'IBM' is not in the universe, '\?\[BP\]\*'"),
        ({"pattern": "I*"}, "symbol 'SPY' is not in the universe"),
        ({"symbols": ("IBM", "BAC")}, "unknown symbol 'SPY'"),
        ({"symbols": "all"}, None),
        ({"file": "symbols.txt"}, None),
        ({"pattern": "???"}, None),
    ],
)
def test_found_symbols_are_those_of_the_universe(
    tmp_path: Path, universe: dict[str, object], pattern: str | None
) -> None:
    export(tmp_path, config_of("gap_up", "Momentum", universe=universe), [scanned()[0]])
    if pattern is None:
        assert validate_export(tmp_path).findings == ()
    else:
        assert_found(tmp_path, "scans.csv", pattern)
