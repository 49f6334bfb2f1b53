"""Calls of users' code by a walk: which one lasts, and what becomes of one that raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import get_ident
from typing import TypeVar

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import EngineError
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.strategy_error import StrategyError
from tapedeck.engine.user_code.call_failure import failure_of

Item = TypeVar("Item")


class Calls:
    """The calls of one walk, one at a time. `calling`: strategy whose code is called now, else None.

    `standing`: an object that is another one at each call. Any thread may read both.
    """

    __slots__ = ("_is_left", "_market", "_thread", "calling", "standing")

    def __init__(self, market: Market) -> None:
        self._market = market
        self._thread = 0
        self._is_left = False
        self.calling: str | None = None
        self.standing: object = None

    def check(self, strategy: str) -> None:
        """Raise EngineError unless the code of a strategy is called now, in this thread."""
        if self.calling != strategy or self._thread != get_ident():
            raise EngineError(
                f"strategy {strategy}: it can give orders and notes only while one of its methods is called "
                "(on_session_start, on_bar, on_slice, on_order, on_session_end), in the thread of that call"
            )

    def leave(self) -> None:
        """Have the call that hangs now give no orders or notes any more, and be the last one."""
        self._thread, self._is_left = 0, True

    def each(self, strategy: str, hook: Callable[[Item], object], items: Iterable[Item], name: str) -> None:
        """Call a hook of a strategy, of some name, with each of some items; StrategyError if it raises.

        No item may be None, or the same object twice in succession.
        """
        self.calling, self._thread = strategy, get_ident()
        try:
            for item in items:
                self.standing = item
                hook(item)
            self._check_left()
        except BaseException as error:
            raise self._failure(strategy, name, error) from error
        finally:
            self.calling = self.standing = None

    def once(self, strategy: str, hook: Callable[[], Item], name: str) -> Item:
        """Call a hook of a strategy, of some name, and return what it returns; StrategyError if it raises."""
        self.calling, self._thread, self.standing = strategy, get_ident(), object()
        try:
            found = hook()
            self._check_left()
            return found
        except BaseException as error:
            raise self._failure(strategy, name, error) from error
        finally:
            self.calling = self.standing = None

    def _check_left(self) -> None:
        if self._is_left:
            raise EngineError("the call ended after it was left")

    def _failure(self, strategy: str, name: str, error: BaseException) -> StrategyError:
        slots, slot = self._market.tape.slots, self._market.slot
        moment = utc_from_epoch(slots.clock(slot + 1)).astimezone(slots.session.zone)
        failure = failure_of(error)
        message = f"strategy {strategy}, {name} at {moment:%Y-%m-%d %H:%M:%S}: {failure.error}"
        return StrategyError(message, strategy, slot, failure.traceback)
