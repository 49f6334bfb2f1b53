"""Faults of scanner classes: each has its outcome and its traceback, and the session goes on."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from scanner_kit import WAIT_S, Scanning, Waiting, universe, written

from tapedeck.engine.tape.scan_records import ScanOutcome, ScanRecord
from tapedeck.engine.universe.scanner_manager import ScannerError, ScannerState

TWICE = ["09:35", "10:00"]
FAILED, OVERRAN, DONE = ScanOutcome.FAILED, ScanOutcome.OVERRAN, ScanOutcome.DONE


def scanning(folder: Path, body: str, **more: Any) -> Scanning:
    """Return a manager of one class, `Mine`, with the body given, and a rule behind it."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    written(folder, f"class Mine(Scanner):\n{lines}\n")
    mine = {"scanner": "mine.py:Mine", "at": TWICE, **more}
    return Scanning(mine, {"name": "rule", "where": "close > 0", "at": TWICE}, folder=folder)


def outcomes(records: list[ScanRecord], name: str = "Mine") -> list[ScanOutcome]:
    return [record.outcome for record in records if record.scanner == name]


SCAN = "def scan(self, view): return ['S1']"
RAISING = "raise ValueError('no prices')"


def test_one_whose_setup_raises_is_off_for_that_session_alone(tmp_path: Path) -> None:
    setup = f"def setup(self, view):\n    if self.fails:\n        Mine.fails = False\n        {RAISING}"
    body = f"fails = True\n{setup}\n{SCAN}"
    one = scanning(tmp_path, body)
    (failed,) = one.begin()
    assert (failed.scanner, failed.frontier, failed.outcome) == ("Mine", 0, FAILED)
    assert failed.error == "setup: ValueError: no prices (mine.py, line 7)"
    assert one.manager.status()[0].state is ScannerState.OFF
    assert [record.scanner for record in one.run()] == ["rule", "rule"]
    assert one.begin() == ()
    assert outcomes(one.run()) == [DONE, DONE]
    one.teardown()


def test_one_that_raises_in_a_scan_runs_again(tmp_path: Path) -> None:
    one = scanning(
        tmp_path, f"def scan(self, view):\n    return self.found()\ndef found(self):\n    {RAISING}"
    )
    one.begin()
    records = one.run()
    assert outcomes(records) == [FAILED, FAILED]
    assert outcomes(records, "rule") == [DONE, DONE]
    assert records[0].error == "ValueError: no prices (mine.py, line 6)"
    lines = records[0].traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('mine.py", line 4, in scan'), "it begins with the user's own code"
    status = one.manager.status()[0]
    assert (status.runs, status.failures, status.error) == (2, 2, records[0].error)
    one.teardown()


@pytest.mark.parametrize("raised", ["SystemExit(3)", "KeyboardInterrupt()", "RecursionError('deep')"])
def test_any_exception_is_a_failure(tmp_path: Path, raised: str) -> None:
    one = scanning(tmp_path, f"def scan(self, view):\n    raise {raised}")
    one.begin()
    assert outcomes(one.run()) == [FAILED, FAILED]
    one.teardown()


def test_hooks_at_the_end_that_raise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = scanning(
        tmp_path,
        f"{SCAN}\ndef on_session_end(self):\n    {RAISING}\ndef teardown(self):\n    raise OSError('gone')",
    )
    one.begin()
    *runs, ended = one.run()
    assert outcomes(runs) == [DONE, DONE]
    assert (ended.frontier, ended.error) == (390, "on_session_end: ValueError: no prices (mine.py, line 5)")
    one.teardown()
    status = one.manager.status()[0]
    assert (status.state, status.failures) == (ScannerState.ENDED, 2)
    assert status.error == "teardown: OSError: gone (mine.py, line 7)"
    assert "gone" in caplog.text


@pytest.mark.parametrize("hook", ["setup", "scan"])
def test_a_required_one_that_fails_ends_the_run(tmp_path: Path, hook: str) -> None:
    bodies = {
        "setup": f"def setup(self, view):\n    {RAISING}\n{SCAN}",
        "scan": f"def scan(self, view):\n    {RAISING}",
    }
    one = scanning(tmp_path, bodies[hook], required=True)
    if hook == "scan":
        one.begin()
    with pytest.raises(ScannerError, match=r"Mine failed, and is required: .*no prices") as caught:
        one.begin() if hook == "setup" else one.run()
    assert caught.value.record.outcome is FAILED
    one.teardown()


def test_a_scan_that_never_ends_is_left_and_its_thread_ended(tmp_path: Path) -> None:
    one = scanning(tmp_path, "def scan(self, view):\n    while True:\n        pass", timeout_seconds=0.05)
    one.begin()
    records = one.run()
    assert outcomes(records) == [OVERRAN], "off to the end of the run"
    assert outcomes(records, "rule") == [DONE, DONE]
    error = records[0].error
    assert error is not None
    assert error.startswith("took longer than timeout_seconds: 0.05 (mine.py, line ")
    assert "in scan" in records[0].traceback
    assert records[0].traceback.splitlines()[1].strip().startswith("File"), "no frame of tapedeck above it"
    assert one.begin() == ()
    assert outcomes(one.run()) == []
    assert one.manager.status()[0].state is ScannerState.OFF
    one.teardown()
    assert_no_threads()


@pytest.mark.parametrize("hook", ["setup", "on_session_end", "teardown"])
def test_other_calls_that_never_end_are_left(tmp_path: Path, hook: str) -> None:
    arguments = "self, view" if hook == "setup" else "self"
    one = scanning(tmp_path, f"{SCAN}\ndef {hook}({arguments}):\n    while True: pass", timeout_seconds=0.05)
    records = [*one.begin(), *one.run()]
    one.teardown()
    assert outcomes(records, "rule") == [DONE, DONE]
    assert outcomes(records) == {"setup": [OVERRAN], "teardown": [DONE] * 2}.get(hook, [DONE, DONE, OVERRAN])
    status = one.manager.status()
    assert [one.state for one in status] == [ScannerState.OFF, ScannerState.ENDED]
    assert (status[0].failures, str(status[0].error).partition(" (")[0]) == (
        1,
        f"{hook}: took longer than timeout_seconds: 0.05",
    )
    assert_no_threads()


def test_a_scan_that_waits_for_ever_is_left_and_others_run_in_a_new_thread(tmp_path: Path) -> None:
    body = "class Other(Scanner):\n    def scan(self, view):\n        return ['S2']\n"
    wait = "import threading\nlet_go = threading.Event()\n"
    mine = "class Mine(Scanner):\n    def scan(self, view):\n        let_go.wait()\n"
    written(tmp_path, f"{wait}{mine}{body}")
    hanging = {"scanner": "mine.py:Mine", "at": TWICE, "timeout_seconds": 0.05}
    one = Scanning(hanging, {"scanner": "mine.py:Other", "at": TWICE}, folder=tmp_path)
    one.begin()
    records = one.run()
    assert (outcomes(records), outcomes(records, "Other")) == ([OVERRAN], [DONE, DONE])
    assert "let_go.wait()" in records[0].traceback
    one.teardown()
    made_of = one.manager._scanners[0].scanner_class
    assert made_of is not None
    made_of.loaded.scan.__globals__["let_go"].set()
    assert_no_threads()


def assert_no_threads() -> None:
    """Assert that the threads of scanners end."""
    for thread in threading.enumerate():
        if thread.name == "tapedeck-scanners":
            thread.join(WAIT_S)
            assert not thread.is_alive()


class _StoppedError(Exception):
    pass


def test_a_stop_of_the_run_interrupts_a_scan(tmp_path: Path) -> None:
    def stop() -> None:
        raise _StoppedError

    gone = tmp_path / "gone"
    body = f"def scan(self, view):\n    while True: pass\ndef teardown(self):\n    open({str(gone)!r}, 'x')"
    one = scanning(tmp_path, body, timeout_seconds=60)
    one.begin()
    started = time.monotonic()
    with pytest.raises(_StoppedError):
        list(one.manager.scan(5, Waiting(stop).process_messages))
    assert time.monotonic() - started < WAIT_S
    one.teardown()
    assert not gone.exists(), "its thread may still be in the scan"
    assert_no_threads()


def test_unknown_symbols_are_an_error_that_names_them(tmp_path: Path) -> None:
    one = scanning(tmp_path, "def scan(self, view): return ['S1', 'NOPE', Found('S9')]")
    one.begin()
    record = one.run()[0]
    assert (record.outcome, record.found, record.traceback) == (FAILED, (), "")
    assert record.error == "scan found symbols that are not in the universe: NOPE, S9"
    one.teardown()


def test_duplicates_keep_their_first_rank(tmp_path: Path) -> None:
    one = scanning(
        tmp_path, "def scan(self, view):\n    yield from ['S3', Found('S1', {'x': 2}), 'S3', 'S1', 'S0']"
    )
    one.begin()
    found = one.run()[0].found
    assert [(one.rank, one.symbol, one.values) for one in found] == [
        (1, "S3", ()),
        (2, "S1", (("x", 2.0),)),
        (3, "S0", ()),
    ]
    one.teardown()


def test_ten_thousand_symbols_are_found_up_to_the_top(tmp_path: Path) -> None:
    session = universe(10_000)
    for top, count in ((None, 10_000), (50, 50)):
        one = scanning(
            tmp_path, "def scan(self, view): return view.symbols[::-1]", top=top, at=["pre_session"]
        )
        one.begin(session)
        (record,) = [record for record in one.run() if record.scanner == "Mine"]
        assert [found.symbol for found in record.found] == [f"S{9999 - rank}" for rank in range(count)]
        one.teardown()


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ("None", "scan returned None: return a list of symbols or Found"),
        ("'S1'", "scan returned 'S1': return a list of symbols or Found"),
        ("[1]", "scan found 1: return a list of symbols or Found"),
        ("[Found('S1', {'x': 'high'})]", "Found.values of S1 must be numbers by name, not {'x': 'high'}"),
        ("[Found('S1', {'': 1})]", "Found.values of S1 must be numbers by name, not {'': 1}"),
        ("[Found('S1', 3)]", "Found.values of S1 must be numbers by name, not 3"),
    ],
)
def test_what_is_no_result_is_told(tmp_path: Path, result: str, error: str) -> None:
    one = scanning(tmp_path, f"def scan(self, view): return {result}")
    one.begin()
    record = one.run()[0]
    assert (record.outcome, record.error) == (FAILED, error)
    one.teardown()


def test_views_that_are_kept_end_where_they_were_cut(tmp_path: Path) -> None:
    body = (
        "kept = []\ndef scan(self, view):\n    self.kept.append(view)\n"
        "    first, now = (one.bars('close').shape[1] for one in (self.kept[0], view))\n"
        "    return [Found('S0', {'first': first, 'now': now})]"
    )
    one = scanning(tmp_path, body)
    one.begin()
    found = [record.found[0].values for record in one.run() if record.scanner == "Mine"]
    assert found == [(("first", 5.0), ("now", 5.0)), (("first", 5.0), ("now", 30.0))]
    one.teardown()


def test_views_cannot_be_written(tmp_path: Path) -> None:
    one = scanning(tmp_path, "def scan(self, view):\n    view.bars('close')[:] = 0\n    return []")
    one.begin()
    assert outcomes(one.run()) == [FAILED, FAILED]
    one.teardown()
