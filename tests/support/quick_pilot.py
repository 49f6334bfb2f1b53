"""A quicker pilot for the tests' consoles: it asks only widgets that have messages to process.

Textual's own asks each widget of the screen after each key, and each then also does what it does when idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual.app import ScreenStackError
from textual.message_pump import MessagePump
from textual.pilot import Pilot, WaitForScreenTimeout


@contextmanager
def quick_pilot() -> Iterator[None]:
    """Wait for the app, the screen, and what is at work on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pilot, "_wait_for_screen", wait_for_screen)
        yield


def is_at_rest(pump: MessagePump) -> bool:
    """Whether it waits for a message, and has none, nor anything to call."""
    queue = pump._message_queue
    is_waiting = any(not waiter.done() for waiter in queue.ready_event._waiters)
    return is_waiting and queue.empty() and pump._pending_message is None and not pump._next_callbacks


async def wait_for_screen(pilot: Pilot[object], timeout: float = 30.0) -> bool:
    """Wait until all messages sent so far are processed; return whether they are, or the app failed."""
    app = pilot.app
    try:
        screen = app.screen
    except ScreenStackError:
        return False
    asked = [app, screen, *(widget for widget in screen.walk_children() if not is_at_rest(widget))]
    answers = []
    for pump in asked:
        is_answered = asyncio.Event()
        if pump.call_later(is_answered.set):
            answers.append(asyncio.ensure_future(is_answered.wait()))
    fault = asyncio.ensure_future(app._exception_event.wait())
    answered = asyncio.gather(*answers)
    try:
        done, _ = await asyncio.wait((answered, fault), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        fault.cancel()
        answered.cancel()
    if not done:
        raise WaitForScreenTimeout("messages are not processed")
    return answered in done
