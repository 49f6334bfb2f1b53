"""Log file: levels, formats, rotation, buffering."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapedeck.engine.errors import ConfigError, StoreError
from tapedeck.engine.metrics.log import LOG_FILE, close_logging, configure_logging

LOG = logging.getLogger("tapedeck.engine.run.session_coordinator")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_logging()


def lines_of(folder: Path) -> list[str]:
    close_logging()
    return (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()


def test_a_step_is_one_line_with_time_level_and_place(tmp_path: Path) -> None:
    assert configure_logging(tmp_path / "state") == tmp_path / "state" / LOG_FILE
    LOG.info("session %s activated", "2024-07-03")
    [line] = lines_of(tmp_path / "state")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    tapedeck\.engine\.run\.session_coordinator "
        r"\[\d+ MainThread\] session 2024-07-03 activated",
        line,
    )


def test_json_lines_are_documents(tmp_path: Path) -> None:
    configure_logging(tmp_path, json_lines=True)
    LOG.info("prefetch done: %s in %.3f s", "“Ü”\nnext", 0.25)
    try:
        raise ValueError("of a kind")
    except ValueError:
        LOG.exception("failed")
    first, second = map(json.loads, lines_of(tmp_path))
    assert first["message"] == "prefetch done: “Ü”\nnext in 0.250 s"
    assert first["level"] == "info"
    assert "traceback" not in first
    assert second["traceback"].endswith("ValueError: of a kind")


def test_text_lines_carry_the_traceback_below(tmp_path: Path) -> None:
    configure_logging(tmp_path)
    try:
        raise ValueError("of a kind")
    except ValueError:
        LOG.exception("failed")
    lines = lines_of(tmp_path)
    assert lines[1] == "  Traceback (most recent call last):"
    assert lines[-1] == "  ValueError: of a kind"


@pytest.mark.parametrize(("level", "expected"), [("debug", 4), ("info", 3), ("Warning", 2), ("error", 1)])
def test_levels_decide_what_is_kept(tmp_path: Path, level: str, expected: int) -> None:
    configure_logging(tmp_path, level=level)
    for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        LOG.log(number, "said")
    assert len(lines_of(tmp_path)) == expected


def test_an_unknown_level_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"invalid log level 'warnign'.*Did you mean 'warning'\?"):
        configure_logging(tmp_path, level="warnign")
    assert not (tmp_path / LOG_FILE).exists()


def test_a_warning_is_on_disk_at_once_with_all_before_it(tmp_path: Path) -> None:
    path = configure_logging(tmp_path)
    LOG.info("first")
    assert path.read_text() == ""
    LOG.warning("second")
    assert len(path.read_text().splitlines()) == 2


def test_a_line_does_not_wait_longer_than_a_second_for_the_next(tmp_path: Path) -> None:
    path = configure_logging(tmp_path)

    def say(text: str, created: float) -> None:
        record = LOG.makeRecord(LOG.name, logging.INFO, "", 0, text, (), None)
        record.created = created
        LOG.handle(record)

    say("first", 100.0)
    say("second", 100.9)
    assert path.read_text() == ""
    say("third", 101.0)
    assert len(path.read_text().splitlines()) == 3


def test_lines_of_many_threads_are_all_there(tmp_path: Path) -> None:
    configure_logging(tmp_path)
    threads = [
        threading.Thread(target=lambda: [LOG.info("line %d", i) for i in range(700)], name=f"worker-{n}")
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    lines = lines_of(tmp_path)
    assert len(lines) == 2100
    assert sum("worker-1]" in line for line in lines) == 700


def test_nothing_is_written_on_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    LOG.error("before there is a file")
    configure_logging(tmp_path)
    LOG.error("with one")
    close_logging()
    LOG.error("and after")
    assert capfd.readouterr() == ("", "")


def test_a_second_call_moves_the_log(tmp_path: Path) -> None:
    configure_logging(tmp_path / "a")
    LOG.info("one")
    configure_logging(tmp_path / "b")
    LOG.info("two")
    close_logging()
    close_logging()
    assert [len((tmp_path / name / LOG_FILE).read_text().splitlines()) for name in "ab"] == [1, 1]


def test_a_file_that_has_grown_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / LOG_FILE
    path.write_text("x" * 6_000_000)
    configure_logging(tmp_path)
    LOG.info("fresh")
    assert len(lines_of(tmp_path)) == 1
    assert (tmp_path / f"{LOG_FILE}.1").stat().st_size == 6_000_000


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StoreError, match=r"tapedeck\.log: the log file cannot be written.*TAPEDECK_HOME"):
        configure_logging(tmp_path / "state")


def test_a_disk_that_is_full_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / LOG_FILE).symlink_to(full)
    configure_logging(tmp_path)
    LOG.error("no room")
    close_logging()
    assert capfd.readouterr() == ("", "")
