"""An event loop in a thread of its own ends within a second, whatever it does, and nothing waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tapedeck.engine.feeds.ccxt.loop_thread import LoopEndedError, LoopThread

LIMIT_S = 5.0


class Line:
    """A loop with a farewell that takes a while, and the errors that it told."""

    def __init__(self) -> None:
        self.farewell_s = 0.0
        self.errors: list[BaseException] = []
        self.is_over = False
        self.loop = LoopThread("tapedeck-feed-test", self.farewell, self.errors.append)

    async def farewell(self) -> None:
        await asyncio.sleep(self.farewell_s)
        self.is_over = True


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    made.loop.start()
    yield made
    assert made.loop.stop()
    assert "tapedeck-feed-test" not in [thread.name for thread in threading.enumerate()]


async def forever(started: threading.Event) -> None:
    started.set()
    await asyncio.Event().wait()


def test_a_result_is_returned_and_an_error_raised(line: Line) -> None:
    async def value() -> int:
        return 7

    async def error() -> None:
        raise KeyError("told")

    assert line.loop.run(value, LIMIT_S) == 7
    with pytest.raises(KeyError, match="told"):
        line.loop.run(error, LIMIT_S)


def test_a_call_that_takes_too_long_is_cancelled(line: Line) -> None:
    cancelled = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        line.loop.run(work, 0.05)
    assert cancelled.wait(LIMIT_S)


def test_stop_ends_a_call_that_hangs_and_what_runs_beside_it(line: Line) -> None:
    started, told = threading.Event(), []

    async def begin() -> None:
        line.loop.keep_running(forever(threading.Event()))

    def call() -> None:
        try:
            line.loop.run(lambda: forever(started), 60.0)
        except LoopEndedError as error:
            told.append(error)

    line.loop.run(begin, LIMIT_S)
    caller = threading.Thread(target=call)
    caller.start()
    assert started.wait(LIMIT_S)
    began = time.monotonic()
    assert line.loop.stop()
    caller.join(LIMIT_S)
    assert time.monotonic() - began < 1.0
    assert (len(told), line.is_over) == (1, True)


def test_a_farewell_that_hangs_is_cut_within_the_second(line: Line) -> None:
    line.farewell_s = 60.0
    began = time.monotonic()
    assert line.loop.stop()
    assert time.monotonic() - began < 1.0
    assert not line.is_over


def test_a_call_after_the_end_is_an_error_and_a_second_stop_is_none(line: Line) -> None:
    assert line.loop.stop()
    with pytest.raises(LoopEndedError):
        line.loop.run(lambda: forever(threading.Event()), LIMIT_S)
    assert line.loop.stop()


def test_a_loop_that_was_not_started_can_be_stopped() -> None:
    line = Line()
    assert line.loop.stop()


def test_the_error_of_a_callback_is_told(line: Line) -> None:
    async def schedule() -> None:
        asyncio.get_running_loop().call_soon({}.__getitem__, "no")

    async def nothing() -> None:
        await asyncio.sleep(0)

    line.loop.run(schedule, LIMIT_S)
    line.loop.run(nothing, LIMIT_S)
    assert [type(error) for error in line.errors] == [KeyError]


def test_the_error_of_a_task_that_is_to_run_for_ever_is_told(line: Line) -> None:
    async def fail() -> None:
        raise KeyError("told")

    async def begin() -> None:
        line.loop.keep_running(fail())
        await asyncio.sleep(0.01)

    line.loop.run(begin, LIMIT_S)
    assert [type(error) for error in line.errors] == [KeyError]


def test_a_name_that_is_looked_up_for_ever_does_not_hold_up_the_end(line: Line) -> None:
    answer = threading.Event()

    async def look_up() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, answer.wait)

    with pytest.raises(TimeoutError):
        line.loop.run(look_up, 0.05)
    assert line.loop.stop()
    looking = [one for one in threading.enumerate() if one.name == "tapedeck-feed-lookup"]
    assert all(thread.daemon for thread in looking)
    answer.set()
    for thread in looking:
        thread.join(LIMIT_S)
