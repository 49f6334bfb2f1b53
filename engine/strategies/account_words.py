"""Account words of rules, at the slot where a walk stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.conditions.known_values import Figure
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.symbol_state import SymbolState
from tapedeck.engine.tape.bar_grid import Floats, Ints


class AccountWords:
    """The account words as figures of one strategy, at the slot of the market, for the rows of its tape."""

    def __init__(
        self, strategy: str, broker: PaperBroker, market: Market, states: Callable[[], Iterable[SymbolState]]
    ) -> None:
        self._strategy, self._broker, self._market, self._states = strategy, broker, market, states
        self.figures: Mapping[str, Figure] = {
            "position": lambda frontiers: self._of_positions(self._shares),
            "unrealised": lambda frontiers: self._of_positions(self._unrealised),
            "bars_held": lambda frontiers: self._of_positions(self.bars_held),
            "equity": lambda frontiers: self._of_account(self._broker.account.equity(), frontiers),
            "cash": lambda frontiers: self._of_account(self._broker.account.cash, frontiers),
        }

    def bars_held(self, state: SymbolState) -> float:
        """Return the number of a symbol's bars since its position was opened."""
        present = self._market.tape.base.present[state.row, state.since_slot : self._market.slot + 1]
        return state.bars_before + int(np.count_nonzero(present))

    def _of_positions(self, value: Callable[[SymbolState], float]) -> Floats:
        values = np.zeros((len(self._market.tape.symbols), 1))
        for state in self._states():
            if state.lots and state.row >= 0:
                values[state.row] = value(state)
        return values

    def _of_account(self, units: int, frontiers: Ints) -> Floats:
        return np.full((len(self._market.tape.symbols), len(frontiers)), self._broker.scale.amount(units))

    def _shares(self, state: SymbolState) -> float:
        return self._broker.scale.shares(state.lots)

    def _unrealised(self, state: SymbolState) -> float:
        account = self._broker.account
        position = account.positions.of(self._strategy, state.symbol)
        value = account.scale.value(self._market.last_close(state.symbol), position.lots)
        return account.scale.amount(value - position.cost)
