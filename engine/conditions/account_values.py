"""Account values: the account of a session's strategies at any frontiers, as figures of conditions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tapedeck.engine.broker.account_record import AccountRecord, PositionKey
from tapedeck.engine.conditions.account_words import MONEY_WORDS, POSITION_WORDS
from tapedeck.engine.conditions.known_values import Figure
from tapedeck.engine.conditions.syntax import Node, references
from tapedeck.engine.tape.bar_grid import CLOSE, Floats, Ints
from tapedeck.engine.tape.held_values import held_values
from tapedeck.engine.tape.tape import Tape


class _Steps(NamedTuple):
    """A position of a session: before its first fill and after each, int64 (fills + 1,).

    `slots`: of the fills. `since`: the slot since which it has been open, 0 if from an earlier session;
    `bars_before`: bars held in earlier sessions.
    """

    slots: Ints
    lots: Ints
    cost: Ints
    since: Ints
    bars_before: Ints


class AccountValues:
    """The words of the account for the rows of a tape.

    `record`: of the tape's session. `strategy`: whose positions are read, None for all together. `symbols`:
    the only ones that are read, None for all. Values are known as far as strategies have walked, and missing
    (NaN) after that. Money is in the currency.
    """

    def __init__(
        self,
        record: AccountRecord,
        tape: Tape,
        strategy: str | None = None,
        symbols: Collection[str] | None = None,
    ) -> None:
        self._record, self._tape, self._strategy, self._symbols = record, tape, strategy, symbols
        self.figures: Mapping[str, Figure] = {
            "position": self._position,
            "unrealised": self._unrealised,
            "bars_held": self._bars_held,
            "equity": self._equity,
            "cash": self._cash,
        }

    @cached_property
    def _positions(self) -> Mapping[str, tuple[_Steps, ...]]:
        """The positions of each symbol that has any."""
        record, found = self._record, dict[str, tuple[_Steps, ...]]()
        opening = ((one.strategy, one.symbol) for one in record.opening_positions)
        for strategy, symbol in dict.fromkeys((*opening, *record.fills_of_positions)):
            if self._strategy in {None, strategy} and (self._symbols is None or symbol in self._symbols):
                found[symbol] = (*found.get(symbol, ()), self._steps((strategy, symbol)))
        return found

    def _steps(self, key: PositionKey) -> _Steps:
        opening, fills = self._record.opening_position(*key), self._record.fills_of_positions.get(key, ())
        bars = self._record.opening_bars_held.get(key, 0)
        rows = [(opening.lots, opening.cost, 0, bars)]
        for fill in fills:
            lots, _, since, before = rows[-1]
            since, before = (since, before) if lots else (fill.slot, 0)
            rows.append((fill.held, fill.cost, since, before))
        lots, cost, since, before = np.array(rows, dtype=np.int64).T
        return _Steps(np.array([fill.slot for fill in fills], dtype=np.int64), lots, cost, since, before)

    def _position(self, frontiers: Ints) -> Floats:
        values = np.zeros((len(self._tape.symbols), len(frontiers)))
        for symbol, positions in self._positions.items():
            if (row := self._tape.rows.get(symbol)) is not None:
                lots = sum(one.lots[_fills_before(one, frontiers)] for one in positions)
                values[row] = [self._record.scale.shares(int(count)) for count in np.atleast_1d(lots)]
        return self._as_known(values, frontiers)

    def _unrealised(self, frontiers: Ints) -> Floats:
        scale = self._record.scale
        values = np.zeros((len(self._tape.symbols), len(frontiers)))
        for symbol, positions in self._positions.items():
            row = self._tape.rows.get(symbol)
            if row is None:
                continue
            closes = self._closes(symbol, row, frontiers)
            is_missing = np.zeros(len(frontiers), dtype=np.bool_)
            units = np.zeros(len(frontiers), dtype=np.int64)
            for one in positions:
                at = _fills_before(one, frontiers)
                lots = one.lots[at]
                is_missing |= np.isnan(closes) & (lots != 0)
                units += scale.values(closes, np.where(np.isnan(closes), 0, lots)) - one.cost[at]
            values[row] = np.where(is_missing, np.nan, [scale.amount(int(count)) for count in units])
        return self._as_known(values, frontiers)

    def _closes(self, symbol: str, row: int, frontiers: Ints) -> Floats:
        """Return the last close known at each frontier, of an earlier session before the first bar."""
        closes = held_values(self._tape.base.values[CLOSE, row : row + 1], frontiers)[0]
        earlier = self._record.opening_closes.get(symbol, self._tape.prior_close.values[row])
        known: Floats = np.where(np.isnan(closes), earlier, closes)
        return known

    def _bars_held(self, frontiers: Ints) -> Floats:
        """Of one strategy: the symbol's bars since its position was opened."""
        values = np.zeros((len(self._tape.symbols), len(frontiers)))
        for symbol, positions in self._positions.items():
            if (row := self._tape.rows.get(symbol)) is None:
                continue
            present = self._tape.base.present[row, : int(frontiers[-1])]
            counts = np.concatenate([[0], np.cumsum(present)])
            for one in positions:
                at = _fills_before(one, frontiers)
                since = np.minimum(one.since[at], frontiers)
                bars = one.bars_before[at] + counts[frontiers] - counts[since]
                values[row] += np.where(one.lots[at] != 0, bars, 0)
        return self._as_known(values, frontiers)

    def _equity(self, frontiers: Ints) -> Floats:
        return self._money(np.concatenate([[self._record.opening_equity], self._record.equity]), frontiers)

    def _cash(self, frontiers: Ints) -> Floats:
        fills = self._record.fills
        slots = np.array([fill.slot for fill in fills], dtype=np.int64)
        cash = np.array([self._record.opening_cash, *(fill.cash for fill in fills)], dtype=np.int64)
        return self._money(cash, frontiers, np.searchsorted(slots, frontiers))

    def _money(self, units: Ints, frontiers: Ints, at: Ints | None = None) -> Floats:
        """Return amounts as one row; `at`: place of each frontier in `units`, by default the frontier."""
        places = np.minimum(frontiers if at is None else at, len(units) - 1)
        amounts = np.array([[self._record.scale.amount(int(units[place])) for place in places]])
        return self._as_known(amounts, frontiers)

    def _as_known(self, values: Floats, frontiers: Ints) -> Floats:
        values[:, frontiers > self._record.walked] = np.nan
        return values


def account_figures(tape: Tape, node: Node) -> Mapping[str, Figure]:
    """Return the words of the account of a tape, of all strategies together; missing without an account.

    `node`: the condition that reads them.
    """
    if tape.account is None:
        return dict.fromkeys((*POSITION_WORDS, *MONEY_WORDS), _missing)
    return AccountValues(tape.account.record, tape, symbols=symbols_read(node)).figures


def symbols_read(*nodes: Node) -> frozenset[str] | None:
    """Return the symbols that conditions and values name; None for those with `any` or `all`."""
    found = [reference for node in nodes for reference in references(node)]
    if any(reference.quantifier is not None for reference in found):
        return None
    return frozenset(reference.symbol for reference in found if reference.symbol is not None)


def _missing(frontiers: Ints) -> Floats:
    return np.full((1, len(frontiers)), np.nan)


def _fills_before(steps: _Steps, frontiers: Ints) -> Ints:
    """Return the number of fills that were over at each frontier."""
    return np.searchsorted(steps.slots, frontiers)
