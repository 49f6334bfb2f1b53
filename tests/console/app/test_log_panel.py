"""Log panel: times, levels, wrapping, search, scrolling."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.style import Style
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.panels.log import LogPanel, LogView
from tapedeck.console.panel_data.tables import table_text
from tapedeck.engine.metrics.log import close_logging, configure_logging
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, drive, press, type_line, until

FEED = logging.getLogger("tapedeck.engine.run.session_feed")
KEPT = 2000
# 2013-10-08 15:30:05 UTC, 11:30:05 in New York.
MOMENT = 1_381_246_205.25


@pytest.fixture(autouse=True)
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs the test in the time zone of New York's summer, four hours behind UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "EDT4")
        time.tzset()
        yield
    time.tzset()


def write(text: str, level: int = logging.INFO, error: Exception | None = None) -> None:
    """Log a line with the time `MOMENT`."""
    trace = None if error is None else (type(error), error, error.__traceback__)
    record = FEED.makeRecord(FEED.name, level, __file__, 1, text, (), trace)
    record.created = MOMENT
    FEED.handle(record)


def panel(console: ConsoleRun) -> LogPanel:
    found = console.app.main.panels["log"]
    assert isinstance(found, LogPanel)
    return found


def view(console: ConsoleRun) -> LogView:
    return panel(console).view


def strips(console: ConsoleRun) -> list[tuple[str, Style | None]]:
    """Return the visible rows: text, and the style at the start of the message."""
    shown = []
    for y in range(view(console).size.height):
        strip = view(console).render_line(y)
        said = strip.crop(11, 12)
        shown.append((strip.text.rstrip(), next(iter(said)).style if said else None))
    return shown


def row_texts(console: ConsoleRun) -> list[str]:
    return [text for text, _ in strips(console) if text]


async def open_log(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await press(pilot, "7")
    await until(pilot, lambda: bool(row_texts(console)), "the log")


def test_a_line_has_its_time_of_day_on_this_machine_and_its_level_as_a_letter(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        for level in (logging.INFO, logging.WARNING, logging.ERROR):
            write("four bars are late", level)
        rows = [f"11:30:05 {letter} session feed: four bars are late" for letter in "IWE"]
        await until(pilot, lambda: row_texts(console)[-3:] == rows, "the lines")
        styles = [style and style.color for _, style in strips(console)[len(row_texts(console)) - 3 :][:3]]
        assert len(set(styles)) == 3, "each level has a colour of its own"
        assert panel(console).heading == "7 log, times in EDT"
        table = panel(console).as_table(console.app.view_state())
        assert json.loads(table_text(table, "json"))[-2] == {
            "time": "2013-10-08T15:30:05.250Z",
            "level": "warning",
            "source": "session feed",
            "message": "four bars are late",
        }, "copied as in the log file"

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_new_lines_are_followed_until_the_user_scrolls_up_and_again_from_the_end(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        for number in range(100):
            write(f"line {number}")
        await until(pilot, lambda: row_texts(console)[-1].endswith("line 99"), "the end")
        await press(pilot, "up", "up")
        before = row_texts(console)
        assert before[-1].endswith("line 97")
        for number in range(100, 150):
            write(f"line {number}")
        await until(pilot, lambda: view(console).max_scroll_y >= 150 - view(console).size.height, "taken")
        assert row_texts(console) == before
        await press(pilot, "end")
        assert row_texts(console)[-1].endswith("line 149")
        write("and on")
        await until(pilot, lambda: row_texts(console)[-1].endswith("and on"), "followed again")
        await pilot._post_mouse_events([MouseScrollUp], view(console), button=0)
        write("one more")
        await until(pilot, lambda: view(console).max_scroll_y > view(console).scroll_y + 1, "scrolled up")
        assert not row_texts(console)[-1].endswith("one more")
        await press(pilot, "home")
        assert "line" not in row_texts(console)[0]
        await press(pilot, "pagedown")
        assert row_texts(console)[-1] != before[-1]

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_lines_before_the_last_two_thousand_are_dropped_and_the_scroll_position_stays(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        for number in range(KEPT):
            write(f"line {number}.")
        await until(pilot, lambda: row_texts(console)[-1].endswith(f"line {KEPT - 1}."), "the end")
        await press(pilot, "pageup")
        before = row_texts(console)
        for number in range(1000):
            write(f"later {number}.")
        await until(pilot, lambda: console_lines(console)[0].endswith("line 1000."), "the oldest are gone")
        assert len(console_lines(console)) == KEPT
        assert row_texts(console) == before
        for number in range(KEPT):
            write(f"latest {number}.")
        # What was read is no longer kept: the oldest line that is takes its place.
        await until(pilot, lambda: row_texts(console)[0].endswith("latest 0."), "the oldest line")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def console_lines(console: ConsoleRun) -> list[str]:
    return [str(row[-1]) for row in panel(console).as_table(console.app.view_state()).rows]


def test_a_slash_searches_text_source_and_level_and_escape_shows_all(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        write("BBB has no bars", logging.WARNING)
        write("BBB is back")
        await press(pilot, "slash")
        await type_line(pilot, "warning bbb")
        warning = "11:30:05 W session feed: BBB has no bars"
        await until(pilot, lambda: row_texts(console) == [warning], "what matches")
        write("AAA has no bars", logging.WARNING)
        write("BBB has none again", logging.WARNING)
        await until(pilot, lambda: len(row_texts(console)) == 2, "what matches since")
        assert row_texts(console)[-1].endswith("BBB has none again")
        await press(pilot, "slash")
        await type_line(pilot, "no such thing")
        face = "#log Face"
        await until(pilot, lambda: "no match for 'no such thing'" in console.text(face), "the notice")
        write("such a thing, no")
        await until(
            pilot, lambda: row_texts(console) == ["11:30:05 I session feed: such a thing, no"], "found"
        )
        await press(pilot, "slash", "escape")
        await until(pilot, lambda: warning in row_texts(console) and len(row_texts(console)) > 4, "all again")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_long_lines_are_wrapped_below_their_text_at_any_width(
    console_store: BarStore, tmp_path: Path
) -> None:
    words = " ".join(f"word{number}" for number in range(30)) + " " + "x" * 200

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        write(words)
        for width in (80, 60):
            await pilot.resize_terminal(width, 24)
            await until(pilot, lambda: row_texts(console)[-1].endswith("xx"), "the end")
            rows = row_texts(console)
            first = next(at for at, row in enumerate(rows) if "word0" in row)
            assert all(row.startswith(" " * 11) and row[11] != " " for row in rows[first + 1 :])
            text = " ".join(row[11:] for row in rows[first:]).removeprefix("session feed: ")
            assert text.replace("x ", "x") == words
            assert max(map(len, rows)) <= width

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def fail(depth: int) -> None:
    if depth:
        fail(depth - 1)
    raise ValueError("no bar at 10:31")


def test_a_traceback_has_the_error_first_then_the_frames(console_store: BarStore, tmp_path: Path) -> None:
    def failure() -> Exception:
        try:
            try:
                fail(10)
            except ValueError as cause:
                raise RuntimeError("the session cannot be played") from cause
        except RuntimeError as error:
            return error
        raise AssertionError

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        await press(pilot, "z")  # all of its rows
        write("data processor failed", logging.ERROR, failure())
        await until(pilot, lambda: any("more callers" in row for row in row_texts(console)), "the traceback")
        rows = row_texts(console)
        rows = rows[rows.index("11:30:05 E session feed: data processor failed") + 1 :]
        place = Path(__file__).name
        assert rows[0] == " " * 11 + "RuntimeError: the session cannot be played"
        assert rows[1].startswith(" " * 13 + f"at {place}:")
        assert rows[1].endswith(", failure")
        assert rows[2] == " " * 11 + "from ValueError: no bar at 10:31"
        assert [row.endswith(", fail") for row in rows[3:9]] == [True] * 6
        assert rows[9] == " " * 13 + "and 6 more callers, in the log file"
        assert len(rows) == 10

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_hidden_log_is_not_updated(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert not panel(console).display
        write("unseen")
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        await pilot.pause()
        assert view(console).virtual_size.height == 0
        await open_log(console, pilot)
        await until(pilot, lambda: any(row.endswith("unseen") for row in row_texts(console)), "the line")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_new_lines_are_followed_after_the_log_was_hidden_and_the_terminal_resized(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        for number in range(100):
            write(f"line {number}")
        await until(pilot, lambda: row_texts(console)[-1].endswith("line 99"), "the end")
        await press(pilot, "1")
        write("while hidden")
        await press(pilot, "7")
        await until(pilot, lambda: row_texts(console)[-1].endswith("while hidden"), "the end")
        for height in (12, 40):
            await pilot.resize_terminal(80, height)
            write(f"at height {height}")
            await until(
                pilot, lambda height=height: row_texts(console)[-1].endswith(f"height {height}"), "the end"
            )

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_the_latest_lines_are_kept() -> None:
    lines = LogLines()
    for number in range(2 * KEPT):
        lines.handle(FEED.makeRecord(FEED.name, logging.INFO, __file__, 1, "line %d", (number,), None))
    kept = lines.lines()
    assert [kept[0].text, kept[-1].text, len(kept)] == [f"line {KEPT}", f"line {2 * KEPT - 1}", KEPT]
    assert lines.count == 2 * KEPT


def test_the_panel_has_levels_that_the_file_leaves_out(tmp_path: Path) -> None:
    path = configure_logging(tmp_path, level="error")
    try:
        with LogLines() as lines:
            FEED.info("a session")
            FEED.error("a fault")
    finally:
        close_logging()
    assert [line.text for line in lines.lines()] == ["a session", "a fault"]
    assert [line.split("] ")[1] for line in path.read_text().splitlines()] == ["a fault"]


def test_a_message_that_does_not_fit_its_arguments_is_kept_as_it_is() -> None:
    lines = LogLines()
    for text, argument in (("bars: %d", "many"), ("100 %", "x"), ("%(there)s", {"here": 1})):
        lines.handle(FEED.makeRecord(FEED.name, logging.INFO, __file__, 1, text, (argument,), None))
    assert [line.text for line in lines.lines()] == ["bars: %d", "100 %", "%(there)s"]


def test_at_maximum_speed_the_log_is_updated_a_few_times_a_second_and_a_search_at_once(
    console_store: BarStore, tmp_path: Path
) -> None:
    now = [1000.0]

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await open_log(console, pilot)
        view_state = console.app.view_state()
        racing = replace(view_state, snapshot=replace(view_state.snapshot, state=RunState.RUNNING, speed=0.0))
        panel(console).clock = lambda: now[0]
        update = panel(console).update

        def shows(text: str) -> bool:
            return any(text in line.text for line in view(console).lines)

        update(view_state)
        write("one of very many")
        now[0] += 0.1
        update(racing)
        assert not shows("very many")
        now[0] += 0.15
        update(racing)
        assert shows("very many")
        write("the line searched for")
        panel(console).filter_by("searched for")
        update(racing)
        assert shows("searched for")
        panel(console).filter_by("")
        write("not at full speed")
        update(view_state)
        assert shows("not at full")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)
