"""Key scripts: syntax, errors, and batch runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from tapedeck.console.actions.key_script import Script, ScriptLine
from tapedeck.console.actions.script_run import ScriptRun
from tapedeck.console.actions.table import BY_ID
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.read.status import RunState
from tests.support.pseudo_terminal import terminal

Writer = Callable[..., Path]

SCRIPT = """\
# Monday, and a price
run_to 10:30

step 10
bookmark here, # and no remark
break SPY.close > 168.5
export csv {out}/csv
resume
export json {out}/now.json
theme
view session csv
unbreak 1
faster
slower
speed x600000
max_speed
pause
next_session
view symbols json
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "steps.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_script_has_a_line_for_each_action_and_remarks() -> None:
    read = Script.parse("  # a remark\n\nstep 10\nbreak  SPY.close > 168\nquit")
    assert read.lines == (
        ScriptLine(3, "step", "10"),
        ScriptLine(4, "break", "SPY.close > 168"),
        ScriptLine(5, "quit"),
    )


def test_recorded_actions_are_a_script_that_parses_again() -> None:
    done = Script.of([("step", "10"), ("bookmark", "two\nlines"), ("quit", "")])
    assert done.dump() == "step 10\nbookmark two lines\nquit\n"
    assert Script.parse(done.dump(), done.source) == done


def test_every_action_of_the_console_is_possible_in_a_script() -> None:
    for action in BY_ID:
        argument = {
            "add": "IBM keep",
            "breakpoint": "SPY.close > 1",
            "export": "csv out",
            "find": "SPY.close > 1",
            "find_back": "SPY.close > 1",
            "goto": "10:30",
            "remove": "IBM",
            "speed": "60",
            "unbreak": "1",
            "view": "bars",
        }.get(action, "")
        assert Script.parse(f"{action} {argument}").lines[0].action == action


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stpe 3", "unknown action 'stpe': actions without a screen are pause, resume, step"),
        ("stpe 3", "Did you mean 'step'?"),
        ("step x", "step: invalid step count 'x': use a whole number of at least 1"),
        ("step 0", "step: invalid step count '0'"),
        ("break SPY.close >", "unexpected end"),
        ("export", "export: invalid export '': use csv and a folder, or json and a file"),
        ("export xml out", "use csv and a folder"),
        ("view foo", "view: unknown panel 'foo': use session, symbols, bars"),
        ("view bars xml", "view: unknown format 'xml': use csv, markdown, json"),
        ("speed fast", "speed: invalid speed 'fast': use max"),
        ("speed -1", "speed: invalid speed '-1'"),
        ("quit now", "quit: unexpected argument 'now'"),
        ("run_to", "run_to: time missing: use 10:30"),
        ("run_to someday", "run_to: invalid time or date 'someday'. Try: 10:30"),
        ("goto 25:00", "goto: invalid time or date '25:00'"),
        ("unbreak one", "unbreak: invalid breakpoint number 'one'"),
    ],
)
def test_an_error_of_a_line_has_its_number(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Script.parse(f"pause\n{line}\n", "steps.txt")
    assert message in str(caught.value)
    assert str(caught.value).startswith("steps.txt: 1 problem\n  line 2: ")


@pytest.mark.parametrize(
    "moment",
    ["saturday", "fri oct 8 2013", "tue oct 8", "2013-12-25 10:30", "+15m", "50%", "next open", "noon"],
)
def test_dates_without_a_session_pass_the_check_of_lines(moment: str) -> None:
    assert Script.parse(f"goto {moment}").lines == (ScriptLine(1, "goto", moment),)


def test_all_invalid_lines_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Script.parse("stop it\nstep -3\nresume\n")
    assert [problem.path for problem in caught.value.problems] == ["line 1", "line 2"]


def test_all_errors_of_a_script_are_told_before_the_run(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path, script: Callable[[str], Path]
) -> None:
    faulty = "step 5\nbreak SPYY.close > 1\nstpe 3\nbreak SPY.rsi < 30\nstop it\nbreak SPY.close >\n"
    path = script(
        f"{faulty}find SPY.rsi > 1\nsymbol IBM\ncolumns last gap_pc\nsort lst\nsort none\nsymbol sp\n"
    )
    options = ("--store", lean_store, "--script", path)
    done = tapedeck("run", session_file(), *options, "--no-ui", "--export", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (2, "")
    lines = [line.strip() for line in done.stderr.splitlines()]
    assert lines[0] == f"error: {path}: 7 problems"
    told = [line.partition(" ")[2] for line in lines if line.startswith("line ")]
    assert [line.partition(": ")[0] for line in told] == ["2", "3", "4", "5", "6", "7", "8"]
    for words in ("unknown symbol 'SPYY'", "unknown action 'stpe'", "unknown value 'rsi'", "unexpected end"):
        assert any(words in line for line in told)
    assert done.stderr.count("actions without a screen are") == 1
    assert not (tmp_path / "out").exists()
    with terminal(tmp_path / "home", "run", str(session_file()), *map(str, options)) as screen:
        assert screen.exit_code() == 2
        # Columns are those of the table, which batch jobs do not have.
        for words in (b"9 problems", b"columns: unknown column 'gap_pc'", b"sort: unknown column 'lst'"):
            assert words in screen.seen
        assert b"\x1b[?1049h" not in screen.seen, "the console has not opened"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "does not exist"), (b"\xff\xfe\xff", "is not UTF-8 text (byte 1)")]
)
def test_an_unreadable_file_is_a_usage_error(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "steps.txt"
    if content is not None:
        path.write_bytes(content)
    done = tapedeck("run", session_file(), "--store", lean_store, "--no-ui", "--script", path)
    assert done.exit_code == 2
    assert f"error: {path} {reason}" in done.stderr


def test_a_script_drives_a_batch_job(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path, script: Callable[[str], Path]
) -> None:
    path = script(SCRIPT.format(out=tmp_path))
    done = tapedeck("run", session_file(), "--store", lean_store, "--no-ui", "--script", path)
    assert done.exit_code == 0, done.stderr
    assert "line 10: theme needs the console; skipped" in done.stderr
    assert "clock,2013-10-10T15:04:00-04:00" in done.stdout
    # The first export was made on Monday at 10:40, the second where SPY first closed above 168.50.
    manifest = json.loads((tmp_path / "csv" / "manifest.json").read_text())
    assert [(s["trading_day"], s["played"]) for s in manifest["sessions"]] == [("2013-10-07", 70)]
    now = json.loads((tmp_path / "now.json").read_text())
    assert [s["played"] for s in now["sessions"]] == [390, 390, 390, 334]
    assert "2013-10-11 (partial: 0 of 390 slots)" in done.stdout
    checked = tapedeck("validate", tmp_path / "csv")
    assert checked.exit_code == 0


def test_moves_after_the_end_of_the_run_are_skipped(
    tapedeck: Any, session_file: Writer, lean_store: Path, script: Callable[[str], Path]
) -> None:
    path = script("hour_on\nresume\nstep\nrun_to 10:30\nview metrics\n")
    done = tapedeck("run", session_file(), "--store", lean_store, "--no-ui", "--script", path, "--json")
    assert done.exit_code == 0


def test_quit_ends_a_run_at_the_current_slot(
    tapedeck: Any, session_file: Writer, lean_store: Path, script: Callable[[str], Path]
) -> None:
    path = script("minute_on\nquit\nresume\n")
    done = tapedeck("run", session_file(), "--store", lean_store, "--no-ui", "--script", path, "--json")
    assert done.exit_code == 0
    assert [session["played"] for session in done.document["sessions"]] == [1]


def test_hour_on_counts_trading_time_and_run_to_the_current_time_does_nothing(
    tapedeck: Any, session_file: Writer, lean_store: Path, script: Callable[[str], Path]
) -> None:
    # From half past three on there are thirty minutes left; thirty more are of the next morning.
    path = script("run_to 15:30\nrun_to 2013-10-07 15:30\nhour_on\nday_on\nquit\n")
    done = tapedeck("run", session_file(), "--store", lean_store, "--no-ui", "--script", path, "--json")
    assert done.exit_code == 0, done.stderr
    assert [session["played"] for session in done.document["sessions"]] == [390, 390, 30]


class LateSystem:
    """Stands for a run whose thread handles a command just after its state was read."""

    def __init__(self) -> None:
        self._state = RunState.PAUSED
        self._sent: Event | None = None

    @property
    def state(self) -> RunState:
        before = self._state
        if self._sent is not None:
            self._sent.set()
            self._state = RunState.RUNNING
        return before

    def snapshot(self) -> SimpleNamespace:
        return SimpleNamespace(version=1, steps_left=0)

    def resume(self) -> None:
        pass

    def mark(self) -> Event:
        self._sent = Event()
        return self._sent


def test_a_line_waits_for_the_command_of_the_line_before() -> None:
    run = ScriptRun(Script.parse("resume\nquit\n"), LateSystem(), output=None)  # type: ignore[arg-type]  # doubles
    assert not run.advance()
    assert not run.has_quit


def test_an_export_without_a_folder_is_skipped_with_an_example(
    tapedeck: Any, session_file: Writer, lean_store: Path, script: Callable[[str], Path]
) -> None:
    path = script("step\nexport_csv\nquit\n")
    done = tapedeck("run", session_file(), "--store", lean_store, "--no-ui", "--script", path)
    assert done.exit_code == 0
    assert "line 2: path missing, as in: export csv out" in done.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_to 9:00", "is not after the clock"),
        ("unbreak 4", "unknown breakpoint 4"),
    ],
)
def test_a_failing_line_ends_the_run_with_its_number(  # fixtures
    tapedeck: Any,
    session_file: Writer,
    lean_store: Path,
    script: Callable[[str], Path],
    line: str,
    message: str,
) -> None:
    done = tapedeck(
        "run", session_file(), "--store", lean_store, "--no-ui", "--script", script(f"step\n{line}\n")
    )
    assert done.exit_code == 1
    assert "line 2: " in done.stderr
    assert message in done.stderr


CHANGES = {
    "add AIGG": "line 1: add: unknown symbol 'AIGG'. Did you mean 'AIG'?",
    "add AIG later": "line 1: add: unexpected word 'later' after the symbol: use add IBM, or add IBM keep",
    "remove": "line 1: remove: symbol missing: use remove IBM",
    "break AIG.close > 1\nremove AIG": "line 2: remove: unknown symbol 'AIG'. Use SPY.",
    "step\nadd SPY": "line 2: SPY: in the session already",
    "remove SPY": "line 1: SPY cannot leave: a session needs at least one symbol. Add another one first",
    "resume\nadd AIG": "line 2: the run is over",
}


@pytest.mark.parametrize("lines", CHANGES)
def test_a_symbol_that_cannot_join_or_leave_ends_a_script(  # fixtures
    tapedeck: Any, session_file: Writer, lean_store: Path, script: Callable[[str], Path], lines: str
) -> None:
    spy = session_file(session_data_config={"symbols": ["SPY"]}, backtest_config={"end_date": "2013-10-07"})
    done = tapedeck("run", spy, "--store", lean_store, "--no-ui", "--script", script(lines))
    assert CHANGES[lines] in " ".join(done.stderr.split()).replace("│ ", "")
    assert done.exit_code in (1, 2)


def test_symbols_join_and_leave_in_batch(
    tapedeck: Any, session_file: Writer, lean_store: Path, script: Callable[[str], Path]
) -> None:
    spy = session_file(session_data_config={"symbols": ["SPY"]}, backtest_config={"end_date": "2013-10-08"})
    lines = "run_to 10:30\nadd aig keep\nsymbol AIG\nview quality json\nnext_session\nremove AIG\nquit"
    done = tapedeck("run", spy, "--store", lean_store, "--no-ui", "--script", script(lines))
    assert done.exit_code == 0, done.stderr
    assert '"symbol": "AIG"' in done.stdout
    assert "line 2: 2013-10-07 10:30 EDT: AIG joins, kept" in done.stderr
    assert "line 6: 2013-10-08 09:30 EDT: AIG leaves" in done.stderr


def test_lines_after_the_end_of_the_run_export_it(
    tapedeck: Any, session_file: Writer, lean_store: Path, script: Callable[[str], Path], tmp_path: Path
) -> None:
    day = session_file(backtest_config={"end_date": "2013-10-07"})
    lines = script(f"resume\nstep\nexport csv {tmp_path / 'out'}\n")
    done = tapedeck("run", day, "--store", lean_store, "--no-ui", "--script", lines)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "out" / "session.json").is_file()
