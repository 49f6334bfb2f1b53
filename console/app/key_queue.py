"""Queue of keys: each key is delivered after the one before has been handled, however fast they are typed."""

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

# A removed widget loses its pending messages; its key counts as handled after this time.
_LONGEST_S: Final = 0.2


class KeyMarker(Message):
    """Message that follows a key through the widgets; once it reaches the application, the key is handled."""


class KeyQueue:
    """Sends a key to the focused widget once the key before has been handled.

    Textual sends keys that arrive together to the widget that has the focus at that time. A key that opens a
    prompt bubbles up from there until the screen's binding opens it; the keys behind it would bubble up, too,
    to a screen that has no binding for them. A key that closes a prompt posts a further message, and the
    screen below acts on the answer.
    """

    def __init__(self, app: App[Any], send: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._send = send
        self._waiting: deque[Key] = deque()
        self._current: tuple[KeyMarker, Timer] | None = None
        self._routes: deque[MessagePump | None] = deque()

    async def take(self, key: Key) -> None:
        """Append a key that was pressed just now."""
        self._waiting.append(key)
        await self._send_next()

    async def marker_arrived(self, marker: KeyMarker) -> None:
        """Send the marker along its next route, or send the next key; ignore markers of earlier keys."""
        if self._current is None or self._current[0] is not marker:
            return
        if not self._follow():
            await self._end(marker)

    async def _send_next(self) -> None:
        while self._waiting and self._current is None:
            target = self._in_focus()
            closes = isinstance(self._app.screen, ModalScreen)
            self._routes.extend([target, target, None] if closes else [target])
            marker = KeyMarker()
            self._current = marker, self._app.set_timer(_LONGEST_S, partial(self._end, marker))
            await self._send(self._waiting.popleft())
            self._follow()

    def _follow(self) -> bool:
        """Send the marker along its next route; return whether there was one that accepts it."""
        while self._routes and self._current is not None:
            target = self._routes.popleft() or self._in_focus()
            marker = self._current[0]
            marker.set_sender(target)  # a message sent by the application itself would not reach it
            if target.post_message(marker):
                return True
        return False

    async def _end(self, marker: KeyMarker) -> None:
        if self._current is None or self._current[0] is not marker:
            return
        self._current[1].stop()
        self._current = None
        self._routes.clear()
        await self._send_next()

    def _in_focus(self) -> MessagePump:
        return self._app.focused or self._app.screen
