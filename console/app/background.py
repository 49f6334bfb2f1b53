"""Background work: calls in a thread, whose errors are logged and reported."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TypeVar

from tapedeck.console.cli.failures import describe
from tapedeck.engine.errors import TapedeckError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


async def run_in_background(
    task: str, call: Callable[[], Result], report: Callable[[str], None]
) -> Result | None:
    """Run a call in a thread, and return its result, or None if it failed.

    An error of any class is logged as a failure of `task` and passed to `report`: it must end neither console
    nor run. It is logged in the thread, which continues if the awaiting task is cancelled.
    """
    result, failure = await asyncio.to_thread(_call_logged, task, call)
    if failure:
        report(failure)
    return result


def _call_logged(task: str, call: Callable[[], Result]) -> tuple[Result | None, str]:
    """Return the result of a call, or the message of its error."""
    try:
        return call(), ""
    except CancelledError:  # as the run is stopped
        log.info("%s was cancelled", task)
        return None, ""
    except Exception as error:  # an error would end the thread unnoticed
        log.error("%s failed: %s", task, error, exc_info=None if isinstance(error, TapedeckError) else error)
        return None, describe(error)
