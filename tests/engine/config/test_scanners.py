"""Scanners and their universe in session files: forms, checks, older fields, and the folder of paths."""

# ruff: noqa: E501  # a table of errors reads best with one in a line

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from tapedeck.engine.config import PRE_SESSION, LoadedConfig, Scanner, ScanSchedule, Universe
from tapedeck.engine.config.documents import write_yaml
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.session_file import load_session_config

DATA = "session_data_config"
SCANNER = f"{DATA}.scanners[0]"
RULE = {"name": "gap_up", "where": "gap_pct > 0.5", "at": ["09:35"]}
CLASS = {"scanner": "my_scanners.gaps:GapScanner", "at": ["09:35"]}

Read = Callable[[object], LoadedConfig]
Faults = Callable[[object], list[str]]


@pytest.fixture
def scan(document: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return the document with a universe, scanners, and other fields of `session_data_config`."""

    def scan(*scanners: object, universe: object = "all", **fields: object) -> dict[str, Any]:
        document[DATA] |= {"universe": universe, "scanners": list(scanners)} | fields
        return document

    return scan


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("all", "symbols", "all"),
        (["SPY", "IBM"], "symbols", ("SPY", "IBM")),
        ("A*", "pattern", "A*"),
        ("?", "pattern", "?"),
        ({"symbols": ["ON"]}, "symbols", ("ON",)),
        ({"file": "~/lists/big.txt"}, "file", "~/lists/big.txt"),
    ],
)
def test_a_universe_is_a_word_a_list_a_pattern_or_a_file(scan, read: Read, written, field, value) -> None:
    universe = read(scan(RULE, universe=written)).config.session_data_config.universe
    assert universe == Universe.model_validate({field: value})


def test_a_scanner_runs_before_the_session_at_times_and_on_schedules(scan, read: Read) -> None:
    at = [
        "pre_session",
        "09:35",
        "10:00:30",
        {"from": "10:30", "to": "11:00", "every": "5m"},
        {"every": "1h"},
    ]
    (scanner,) = read(scan(RULE | {"at": at})).config.session_data_config.scanners
    *moments, first, second = scanner.at
    assert moments == [PRE_SESSION, time(9, 35), time(10, 0, 30)]
    assert isinstance(first, ScanSchedule)
    assert isinstance(second, ScanSchedule)
    assert (first.start, first.end, first.every) == (time(10, 30), time(11), Interval(300))
    assert (second.start, second.end, second.every) == (None, None, Interval(3600))


@pytest.mark.parametrize("moment", ["pre_session", "10:00", {"every": "5m"}])
def test_a_single_moment_needs_no_list(scan, read: Read, moment) -> None:
    short = read(scan(RULE | {"at": moment})).config
    assert short == read(scan(RULE | {"at": [moment]})).config


def test_a_class_gives_its_scanner_the_name_unless_the_file_does(scan, read: Read) -> None:
    named = CLASS | {"name": "gaps", "parameters": {"least": 0.02, "sides": ["up", None]}}
    by_path = CLASS | {"scanner": "scans/big gaps.py:Gaps"}
    scanners = read(scan(CLASS, named, by_path)).config.session_data_config.scanners
    assert [scanner.name for scanner in scanners] == ["GapScanner", "gaps", "Gaps"]
    assert scanners[1].parameters == {"least": 0.02, "sides": ["up", None]}


def test_what_a_scanner_leaves_out_has_a_sensible_value(scan, read: Read) -> None:
    data = read(scan(RULE)).config.session_data_config
    (scanner,) = data.scanners
    assert (scanner.by, scanner.top, scanner.add, scanner.keep) == (None, None, True, False)
    assert (scanner.max_symbols, scanner.required, scanner.timeout_seconds) == (20, False, 5)
    assert data.universe is not None
    assert (data.universe.indicators, data.universe.average_days) == ((), 10)


FAULTS: list[tuple[list[dict[str, object]], list[str]]] = [
    ([CLASS | {"scanner": "gaps"}], [f"{SCANNER}.scanner: must be module:Class or path/to/file.py:Class, such as my_scanners.gaps:GapScanner, not 'gaps'."]),
    ([CLASS | {"scanner": "a b:C"}], [f"{SCANNER}.scanner: must be module:Class or path/to/file.py:Class, such as my_scanners.gaps:GapScanner, not 'a b:C'."]),
    ([{"name": "x", "at": "10:00"}], [f"{SCANNER}: must have where (a rule) or scanner (a class), not neither."]),
    ([RULE | CLASS], [f"{SCANNER}: must have where (a rule) or scanner (a class), not both."]),
    ([{"where": "close > 1", "at": "10:00"}], [f"{SCANNER}.name: is required: Name in panels and exports; default: that of the class."]),
    ([{"name": "x", "where": "close > 1"}], [f'{SCANNER}.at: is required: When it runs: `pre_session`, times such as "09:35", or {{from, to, every}}; exchange time.']),
    ([RULE | {"at": []}], [f'{SCANNER}.at: must be a list of at least one of the times, such as [pre_session, "09:35"], not empty.']),
    ([RULE | {"at": "presession"}], [f"{SCANNER}.at: must be pre_session, a time of day such as \"09:35\", or {{from, to, every}}, not 'presession'. Did you mean 'pre_session'?"]),
    ([RULE | {"at": ["10:00", 5, "10:00:00", "9:35"]}], [
        f'{SCANNER}.at[1]: must be pre_session, a time of day such as "09:35", or {{from, to, every}}, not 5.',
        f"{SCANNER}.at[2]: duplicate entry '10:00:00': the same as '10:00'.",
        f"{SCANNER}.at[3]: must be a time of day as HH:MM or HH:MM:SS, in quotes, not '9:35'. Did you mean '09:35'?",
    ]),
    ([RULE | {"at": {"every": "1d", "till": "10:00"}}], [
        f"{SCANNER}.at.every: '1d' is too long: use less than a day, such as 5m or 1h.",
        f"{SCANNER}.at.till: unknown field 'till': the fields here are from, to, every. Did you mean 'to'?",
    ]),
    ([RULE | {"at": ["10:00", {"from": "10:0"}]}], [
        f"{SCANNER}.at[1].from: must be a time of day as HH:MM or HH:MM:SS, in quotes, not '10:0'.",
        f"{SCANNER}.at[1].every: is required: Time from one run to the next, such as 5m.",
    ]),
    ([RULE | {"parameters": {"least": 1}}], [f"{SCANNER}.parameters: goes with scanner only: a rule has no parameters."]),
    ([CLASS | {"by": "gap_pct"}], [f"{SCANNER}.by: goes with where only: a class returns what it finds in its order."]),
    ([RULE | {"where": " "}], [f"{SCANNER}.where: must not be empty."]),
    ([RULE | {"name": "gap up"}], [f"{SCANNER}.name: invalid scanner name 'gap up': use letters, digits and _, with a letter or _ first. Did you mean 'gap_up'?"]),
    ([RULE, RULE], [f"{DATA}.scanners[1].name: the name 'gap_up' is used already by {SCANNER}: give one of them another name."]),
    ([CLASS, CLASS], [f"{DATA}.scanners[1].name: the name 'GapScanner' is used already by {SCANNER}: give one of them another name."]),
    ([RULE | {"add": False, "keep": True}], [f"{SCANNER}.keep: must be false with add: false, as there is nothing to keep."]),
    ([RULE | {"top": 0}], [f"{SCANNER}.top: must be at least 1, not 0."]),
    ([RULE | {"timeout_seconds": 0}], [f"{SCANNER}.timeout_seconds: must be greater than 0, not 0."]),
    ([RULE | {"limit": 5}], [f"{SCANNER}.limit: unknown field 'limit': the fields here are name, where, by, top, scanner, parameters, at, add, keep, max_symbols, required, timeout_seconds. Did you mean 'top'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("scanners", "lines"), FAULTS, ids=[lines[0][-70:] for _, lines in FAULTS])
def test_a_fault_of_a_scanner_has_this_message(scan, faults: Faults, scanners, lines) -> None:
    assert faults(scan(*scanners)) == lines


UNIVERSE = f"{DATA}.universe"
FORMS = 'all, a list such as [SPY, IBM], a pattern such as "A*", or {file: symbols.txt}'


@pytest.mark.parametrize(
    ("universe", "line"),
    [
        (None, f"{UNIVERSE}: is required with scanners: {FORMS}."),
        ("SPY", f"{UNIVERSE}: must be {FORMS}, not 'SPY'. Did you mean '[SPY]'?"),
        ("big.txt", f"{UNIVERSE}: must be {FORMS}, not 'big.txt'. Did you mean '{{file: big.txt}}'?"),
        (5, f"{UNIVERSE}: must be {FORMS}, not 5."),
        ([], f"{UNIVERSE}: must be a list of at least one of the symbols, such as [SPY, IBM], not empty."),
        (["SPY", "B B"], f"{UNIVERSE}[1]: invalid symbol 'B B': use up to 64 printable characters, no spaces. Did you mean 'BB'?"),
        ("A *", f"{UNIVERSE}: must be a pattern of symbols with * or ?, such as \"A*\", not 'A *'."),
        ({"pattern": "A"}, f"{UNIVERSE}.pattern: must be a pattern of symbols with * or ?, such as \"A*\", not 'A'. Did you mean 'A*'?"),
        ({}, f"{UNIVERSE}: must have exactly one of symbols, file, pattern; it has none."),
        ({"file": "a.txt", "pattern": "*"}, f"{UNIVERSE}: must have exactly one of symbols, file, pattern; it has file and pattern."),
        ({"file": "a\nb"}, f"{UNIVERSE}.file: must be the path of a file, not 'a\\nb'."),
        ({"symbols": "all", "indicators": ["macd_macd"]}, f"{UNIVERSE}.indicators[0]: unknown indicator 'macd_macd': this file has macd, high_1y. Did you mean 'macd'?"),
        ({"symbols": "all", "indicators": ["macd", "high_1y", "macd"]}, f"{UNIVERSE}.indicators[2]: duplicate entry 'macd'."),
        ({"symbols": "all", "memory_mb": 1}, f"{UNIVERSE}.memory_mb: must be at least 16, not 1."),
    ],
)  # fmt: skip
def test_a_fault_of_the_universe_has_this_message(scan, faults: Faults, universe, line: str) -> None:
    historical = {"indicators": {"high_1y": {"type": "trailing_max", "period": "1y", "field": "high"}}}
    indicators = {"macd": {"type": "MACD", "interval": "1m"}}
    document = scan(RULE, universe=universe, historical=historical, indicators=indicators)
    assert faults(document) == [line]


def test_a_universe_without_scanners_is_a_warning(scan, read: Read) -> None:
    assert read(scan()).warnings == (f"{UNIVERSE} has no effect: the file has no scanners",)


# Older fields


@pytest.mark.parametrize(
    ("older", "at", "warning"),
    [
        (
            {"schedules": [{"from": "09:35", "every": "5m"}, {"every": "1h"}]},
            ["pre_session", {"from": "09:35", "every": "5m"}, {"every": "1h"}],
            ".schedules is deprecated: use at: [pre_session, {from: '09:35', every: 5m}, {every: 1h}]",
        ),
        (
            {"schedules": [{"every": "5m"}], "pre_session": False},
            [{"every": "5m"}],
            f".schedules and {SCANNER}.pre_session are deprecated: use at: [{{every: 5m}}]",
        ),
        ({"pre_session": True}, ["pre_session"], ".pre_session is deprecated: use at: [pre_session]"),
    ],
)
def test_schedules_and_pre_session_are_still_read_and_named_as_deprecated(
    scan, read: Read, older, at, warning: str
) -> None:
    loaded = read(scan({"scanner": "a:B"} | older))
    assert loaded.config == read(scan({"scanner": "a:B", "at": at})).config
    assert loaded.warnings == (f"{SCANNER}{warning}",)


@pytest.mark.parametrize(
    ("older", "lines"),
    [
        ({"schedules": [{"every": "5m"}, {"every": "1d"}]}, [f"{SCANNER}.schedules[1].every: '1d' is too long: use less than a day, such as 5m or 1h."]),
        ({"schedules": 5, "pre_session": "no"}, [
            f"{SCANNER}.schedules: must be a list, not 5; its current name is at.",
            f"{SCANNER}.pre_session: must be true or false, not 'no'; better: pre_session in at.",
        ]),
        ({"pre_session": True, "at": "10:00"}, [f"{SCANNER}.pre_session: duplicates {SCANNER}.at: keep one of them."]),
    ],
)  # fmt: skip
def test_faults_of_older_fields_have_their_path_in_the_file(scan, faults: Faults, older, lines) -> None:
    assert faults(scan({"scanner": "a:B"} | older)) == lines


# Paths


def test_relative_paths_begin_at_the_folder_of_the_session_file(
    scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    (folder / "october.yaml").write_text(write_yaml(scan(RULE)))
    monkeypatch.chdir(tmp_path)
    config = load_session_config(Path("sessions/october.yaml")).config
    assert config.folder == folder
    assert config.model_copy(update={"session_name": "x"}).folder == folder


def test_a_session_without_a_file_has_the_working_folder_and_equals_one_with(scan, read: Read) -> None:
    config = read(scan(RULE)).config
    assert config.folder == Path()
    assert config.in_folder(Path("elsewhere")) == config
    assert config.model_copy(update={"session_name": "x"}) != config


def test_a_scanner_is_read_without_a_file() -> None:
    scanner = Scanner.model_validate(CLASS)
    assert (scanner.name, scanner.at) == ("GapScanner", (time(9, 35),))


# Rules


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({"where": "gap_pct > "}, f"{SCANNER}.where: at column "),
        ({"where": "gap_pc > 1"}, f"{SCANNER}.where: at column 1 of 'gap_pc > 1': unknown value 'gap_pc'"),
        ({"where": "1 < 2"}, f"{SCANNER}.where: at column 1 of '1 < 2': it never changes"),
        ({"where": "spread < 1"}, f"{SCANNER}.where: at column 1 of 'spread < 1': spread is not available: the universe has no quotes. Breakpoints and strategies read them"),
        ({"by": "pre_gap"}, f"{SCANNER}.by: at column 1 of 'pre_gap': unknown value 'pre_gap'"),
        ({"where": "macd_macdhist > 0"}, f"{SCANNER}.where: 'macd' is not computed for the universe: add it to universe.indicators."),
    ],
)  # fmt: skip
def test_a_rule_is_checked_when_the_file_is_read(scan, faults: Faults, rule, line: str) -> None:
    (found,) = faults(scan(RULE | rule, indicators={"macd": {"type": "MACD", "interval": "1m"}}))
    assert found.startswith(line)


def test_a_rule_may_read_figures_history_and_the_listed_indicators(scan, read: Read) -> None:
    universe = {"symbols": "all", "indicators": ["macd"]}
    historical = {"indicators": {"high_1y": {"type": "trailing_max", "period": "1y", "field": "high"}}}
    where = "macd_macdhist > 0 and last > high_1y and pre_gap_pct > 1 and day_volume > avg_volume_to_now and SPY.last > 1"
    indicators = {"macd": {"type": "MACD", "interval": "1m"}}
    document = scan(RULE | {"where": where}, universe=universe, historical=historical, indicators=indicators)
    assert read(document).config.session_data_config.scanners[0].where == where


def test_a_rule_names_no_symbol_outside_of_a_listed_universe(scan, faults: Faults) -> None:
    (line,) = faults(scan(RULE | {"where": "last > SPX.last"}, universe=["SPY", "IBM"]))
    assert "unknown symbol 'SPX'" in line
    assert line.endswith("Did you mean 'SPY'?")


# Files


def test_named_files_that_do_not_exist_are_faults_with_lines(scan, tmp_path: Path) -> None:
    (tmp_path / "symbols.txt").write_text("SPY\n")
    (tmp_path / "gaps.py").write_text("")
    good = scan({"scanner": "gaps.py:Gaps", "at": "10:00"}, universe={"file": "symbols.txt"})
    file = tmp_path / "october.yaml"
    file.write_text(write_yaml(good))
    load_session_config(file)
    bad = scan({"scanner": "gap.py:Gaps", "at": "10:00"}, universe={"file": "symbol.txt"})
    file.write_text(write_yaml(bad))
    with pytest.raises(ConfigError) as caught:
        load_session_config(file)
    universe, scanner = map(str, caught.value.problems)
    assert ": session_data_config.universe.file: the file " in universe
    assert universe.endswith(f"symbol.txt' does not exist. Did you mean '{tmp_path}/symbols.txt'?")
    assert scanner.endswith(f"gap.py' does not exist. Did you mean '{tmp_path}/gaps.py'?")
    assert all(problem.line for problem in caught.value.problems)
