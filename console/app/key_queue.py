"""Keys, one after the other: each goes where the ones before it lead, however fast they are typed."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from textual.app import App
from textual.events import Key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import ModalScreen
from textual.timer import Timer

# A widget that is removed loses what waits for it; its keys are then taken as dealt with after this time.
_LONGEST_S: Final = 0.2


class Passed(Message):
    """Follows a key through the same widgets: once it has come to the application, the key is dealt with."""


class KeyQueue:
    """Lets a key go to the widget in focus once the key before has been dealt with.

    Textual gives all that was typed in one breath to the widget that has the focus then. A key that opens a
    prompt comes back from there, as its table does not know it, and opens it; those behind it would come
    back, too, to find a screen that has no use for them. A key that closes one says so by a message of its
    own, and what was asked for is done by the screen below.
    """

    def __init__(self, app: App[Any], send: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._send = send
        self._waiting: deque[Key] = deque()
        self._under_way: tuple[Passed, Timer] | None = None
        self._ways: deque[MessagePump | None] = deque()

    async def take(self, key: Key) -> None:
        """Take a key that was pressed just now."""
        self._waiting.append(key)
        await self._send_next()

    async def passed(self, mark: Passed) -> None:
        """Go on with the next way of this mark's key, or with the next key, if it is the one under way."""
        if self._under_way is None or self._under_way[0] is not mark:
            return
        if not self._follow():
            await self._end(mark)

    async def _send_next(self) -> None:
        while self._waiting and self._under_way is None:
            target = self._in_focus()
            closes = isinstance(self._app.screen, ModalScreen)
            self._ways.extend([target, target, None] if closes else [target])
            mark = Passed()
            self._under_way = mark, self._app.set_timer(_LONGEST_S, partial(self._end, mark))
            await self._send(self._waiting.popleft())
            self._follow()

    def _follow(self) -> bool:
        """Send the mark on its next way; return whether there was one that it can go."""
        while self._ways and self._under_way is not None:
            target = self._ways.popleft() or self._in_focus()
            mark = self._under_way[0]
            mark.set_sender(target)  # what the application itself sends would end below it
            if target.post_message(mark):
                return True
        return False

    async def _end(self, mark: Passed) -> None:
        if self._under_way is None or self._under_way[0] is not mark:
            return
        self._under_way[1].stop()
        self._under_way = None
        self._ways.clear()
        await self._send_next()

    def _in_focus(self) -> MessagePump:
        return self._app.focused or self._app.screen
