"""Work beside the screen: in a thread, with whatever goes wrong there logged, and told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from tapedeck.console.cli.failures import describe
from tapedeck.engine.errors import TapedeckError

log = logging.getLogger(__name__)

Found = TypeVar("Found")


async def run_in_background(
    what: str, call: Callable[[], Found], tell: Callable[[str], None]
) -> Found | None:
    """Return what a call gives that is made in a thread, None where it failed.

    A failure of any class is logged, as the failure of `what`, and told: it must end neither console nor run.
    It is logged in the thread itself, which goes on where nobody waits for it any more.
    """
    found, failure = await asyncio.to_thread(_tried, what, call)
    if failure:
        tell(failure)
    return found


def _tried(what: str, call: Callable[[], Found]) -> tuple[Found | None, str]:
    """Return what a call gives, or what is told of its failure."""
    try:
        return call(), ""
    except Exception as error:  # nobody else would tell of what ends a worker
        log.error("%s failed: %s", what, error, exc_info=None if isinstance(error, TapedeckError) else error)
        return None, describe(error)
