"""Answers of the live recorder, waited for in the coordinator's thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from tapedeck.engine.run.messages import Message, Wake
from tapedeck.engine.run.session_feed import ProcessMessages

Answer = TypeVar("Answer")


def answer_of(
    future: Future[Answer], send: Callable[[Message], None], process_messages: ProcessMessages
) -> Answer:
    """Wait for the recorder, and return its answer, or raise its error; commands still take effect."""
    future.add_done_callback(lambda _: send(Wake()))
    while not future.done():
        process_messages(None)
    if future.exception() is not None:
        process_messages(0)  # if the recorder has failed, it has sent why
    return future.result()
