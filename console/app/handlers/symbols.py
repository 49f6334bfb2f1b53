"""Symbol handlers: have symbols join and leave the session, in threads, in the order of the keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from tapedeck.console.actions.symbol_changes import PendingChange, SymbolCommand, told
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.screens.symbol import SymbolScreen
from tapedeck.console.cli.failures import describe
from tapedeck.engine.errors import EngineError, TapedeckError
from tapedeck.engine.read.events import Event
from tapedeck.engine.tape.symbol_changes import ChangeKind

log = logging.getLogger(__name__)

Report = Callable[[str], None]
SYMBOL_CHANGES = "symbol changes"
"""Group of the background work that has symbols join and leave."""


class SymbolHandlers:
    """Changes the symbols of the present session, whatever time is shown."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._playback = app.playback
        self._recording = app.recording
        self._one_change = asyncio.Lock()
        self._changes = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_busy(self) -> bool:
        """Whether a symbol is joining or leaving."""
        return self._changes > 0

    async def idle(self) -> None:
        """Wait until no symbol is joining or leaving."""
        await self._idle.wait()

    def change(self, command: SymbolCommand) -> None:
        """Have a symbol join or leave; errors are shown as notices."""
        self._recording.omit_action()  # written once it has taken effect
        self._begin(command, self._notify_error)

    def change_for_script(self, command: SymbolCommand) -> PendingChange:
        """Have a symbol join or leave; the script raises the error."""
        return self._begin(command, lambda _text: None)

    async def ask_add(self, _argument: str) -> None:
        """Prompt for a symbol that joins."""
        await self._ask("add", "Add a symbol", ChangeKind.JOINED)

    async def ask_remove(self, _argument: str) -> None:
        """Prompt for a symbol that leaves; the line begins with the selected one."""
        selected = self._app.main.symbol
        value = selected if selected in self._present_symbols() else ""
        await self._ask("remove", "Remove a symbol", ChangeKind.LEFT, value)

    async def focus_or_offer(self, symbol: str) -> None:
        """Focus a symbol of the session shown; prompt for adding one that is not in it.

        EngineError if it cannot be added now.
        """
        if symbol in self._app.symbols:
            self._app.main.focus_symbol(symbol)
        elif symbol in self._present_symbols():
            raise EngineError(f"{symbol} is not in the session shown, but in the present one")
        elif self._playback.system.state.is_over:
            raise EngineError(f"{symbol} is not in this session, and the run is over")
        else:
            await self._ask("add", f"{symbol} is not in the session: add it?", ChangeKind.JOINED, symbol)

    # Within

    async def _ask(self, action: str, title: str, kind: ChangeKind, value: str = "") -> None:
        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do(action, answer)

        system = self._playback.system
        names = system.joinable_symbols if kind is ChangeKind.JOINED else self._present_symbols
        takes_any = kind is ChangeKind.JOINED and self._playback.is_live  # what the feed has is not known
        await self._app.open(SymbolScreen(title, kind, names, value=value, takes_any=takes_any), chosen)

    def _present_symbols(self) -> tuple[str, ...]:
        return tuple(self._playback.system.session_data.get_active_symbols())

    def _begin(self, command: SymbolCommand, report: Report) -> PendingChange:
        pending = PendingChange()
        self._changes += 1
        self._idle.clear()
        self._app.start_work(self._change(command, pending, report), SYMBOL_CHANGES)
        return pending

    async def _change(self, command: SymbolCommand, pending: PendingChange, report: Report) -> None:
        try:
            async with self._one_change:
                pending.set_result(await self._carry_out(command))
        except Exception as error:  # of any class: it must not end the console
            expected = isinstance(error, TapedeckError)
            log.error("%s %s failed: %s", command.action, command.symbol, error, exc_info=not expected)
            pending.set_exception(error)
            report(describe(error))
        finally:
            self._changes -= 1
            if not self._changes:
                self._idle.set()

    async def _carry_out(self, command: SymbolCommand) -> Event:
        self._recording.begin_change()
        try:
            event = await asyncio.to_thread(partial(command.make, self._playback.system))
        except BaseException:  # also where the console is ending
            self._recording.cancel_change()
            raise
        assert event.symbol is not None
        assert event.trading_day is not None
        assert event.clock is not None
        session = self._playback.system.time.get_trading_session(event.trading_day)
        self._recording.end_change(command.action, command.argument(event.symbol), session, event.clock)
        self._tell(event)
        if command.kind is ChangeKind.JOINED and self._playback.viewpoint.position is None:
            self._app.main.focus_symbol(event.symbol)
        return event

    def _tell(self, event: Event) -> None:
        is_past = self._playback.viewpoint.position is not None
        note = " (the screen shows an earlier time)" if is_past else ""
        self._app.notify(f"{told(event, self._playback.system)}{note}", timeout=5)

    def _notify_error(self, text: str) -> None:
        self._app.notify(text, severity="error", timeout=8)
