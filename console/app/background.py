"""Background calls: work in a thread, with failures logged and reported."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from tapedeck.console.cli.failures import describe
from tapedeck.engine.errors import TapedeckError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


async def run_in_background(
    task: str, call: Callable[[], Result], report: Callable[[str], None]
) -> Result | None:
    """Run a call in a thread; return its result, or None if it failed.

    An exception of any class ends neither the console nor the run: it is logged as the failure of `task`, and
    its description is passed to `report`. It is logged in the thread: the waiting coroutine may be cancelled.
    """
    result, failure = await asyncio.to_thread(_result_or_failure, task, call)
    if failure:
        report(failure)
    return result


def _result_or_failure(task: str, call: Callable[[], Result]) -> tuple[Result | None, str]:
    """Return the result of a call, or the description of its failure."""
    try:
        return call(), ""
    except Exception as error:  # any other handler comes too late: Textual would end the application
        log.error("%s failed: %s", task, error, exc_info=None if isinstance(error, TapedeckError) else error)
        return None, describe(error)
