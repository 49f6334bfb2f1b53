"""Sessions that are corrected while they are played, without a store or threads; and what they must equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import DAY, WEEK, Interval
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.run.editions import Corrections, mended
from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid, Floats, Mask
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape
from tests.support.quotes import Quote
from tests.support.tapes import random_values, same_bits, slots_of, tape_over

SYMBOLS = 3
_NAMES = tuple(f"S{row}" for row in range(SYMBOLS))
USUAL = "usual"
Bar = tuple[float, float, float, float, float]
Late = tuple[int, int, Bar | None]
"""Row, slot and bar of a correction; no bar for a slot that is confirmed empty."""
LateQuote = tuple[int, int, Quote]
"""Row, slot and quote of a correction."""


@dataclass(frozen=True)
class Market:
    """A session with its history and indicators, whatever its bars are."""

    slots: SessionSlots
    derived: tuple[str, ...]
    specs: tuple[IndicatorSpec, ...]
    history: Mapping[Interval, Sequence[BarGrid]]
    min_completeness: float = 0.0
    symbols: tuple[str, ...] = _NAMES

    @classmethod
    def of(
        cls,
        day: str,
        base: str,
        derived: str,
        *,
        exchange: str = "XNYS",
        min_completeness: float = 0.0,
        missing: float = 0.1,
        symbols: tuple[str, ...] = _NAMES,
    ) -> Market:
        """Return a market with every own kind, and some of TA-Lib, on base, derived and daily bars."""
        slots = slots_of(day, base, exchange)
        lengths = {Interval.parse(base): len(slots), Interval.parse(derived): len(slots) // 3}
        history = {
            interval: [
                BarGrid.loaded(random_values(len(symbols), length, seed=50 + at, missing=missing))
                for at in range(3)
            ]
            for interval, length in lengths.items()
        }
        for interval in (DAY, WEEK):
            history[interval] = [BarGrid.loaded(random_values(len(symbols), 30, seed=60, missing=missing))]
        specs = tuple(_specs(Interval.parse(base), Interval.parse(derived)))
        return cls(slots, (derived, "1d"), specs, history, min_completeness, symbols)

    def tape(self, values: Floats, empty: Mask | None = None, quotes: Floats | None = None) -> Tape:
        """Return a tape over copies of some bars, with the average volume that some kinds compare with.

        `quotes`: those that came, (4, S, n); None without quotes.
        """
        tape = tape_over(self.slots, values, derived=self.derived, symbols=self.symbols)
        if empty is not None:
            tape.base.confirm_empty(*np.nonzero(empty))
        random = np.random.default_rng(3)
        usual: Floats = random.integers(0, 4, (values.shape[1], len(self.slots))).astype(np.float64) * 250
        tape.quotes = None if quotes is None else QuoteGrid(quotes.copy())
        used = np.ones(usual.shape, dtype=np.int64)
        tape.historical[USUAL] = HistoricalValue(USUAL, TrailingKind.AVERAGE, True, usual, used, 1)
        return tape

    def computer(self, tape: Tape) -> BlockComputer:
        """Return a tape's computer."""
        return BlockComputer(
            tape,
            self.specs,
            lambda interval: self.history.get(interval, ()),
            min_completeness=self.min_completeness,
        )

    def played(
        self,
        values: Floats,
        stop: int | None = None,
        empty: Mask | None = None,
        quotes: Floats | None = None,
    ) -> Tape:
        """Return a tape of some bars that was played from the open in one block."""
        tape = self.tape(values, empty, quotes)
        end = len(tape) if stop is None else stop
        self.computer(tape).compute(0, end)
        assert tape.scores is not None
        RunningScores(tape.scores).advance(tape.base.present, end, empty=tape.base.confirmed_empty)
        tape.frontier = tape.processed = tape.scored = end
        return tape


def _specs(base: Interval, derived: Interval) -> Iterable[IndicatorSpec]:
    for type_ in REGISTRY.own_types():
        compares = REGISTRY.kind(type_).against is not None
        parameters = {"minutes": 30} if type_.startswith("OPENING") else {}
        for interval in (base,) if compares else (base, derived):
            name = f"{type_.lower()}_{interval}"
            yield IndicatorSpec(name, type_, interval, parameters, USUAL if compares else None)
    on_base: Mapping[str, dict[str, float | int]] = {
        "SMA": {"timeperiod": 3},
        "EMA": {"timeperiod": 3},
        "MACD": {"fastperiod": 3, "slowperiod": 5, "signalperiod": 2},
        "RSI": {"timeperiod": 3},
        "BBANDS": {"timeperiod": 4},
        "STOCH": {},
        "OBV": {},
        "ADOSC": {},
        "SAR": {},
        "CDLDOJI": {},
        "MAXINDEX": {"timeperiod": 4},
    }
    for type_, parameters in on_base.items():
        yield IndicatorSpec(f"{type_.lower()}_base", type_, base, parameters)
    for type_ in ("EMA", "AD", "STOCHF"):
        yield IndicatorSpec(f"{type_.lower()}_derived", type_, derived)
    yield IndicatorSpec("ad_days", "AD", DAY)
    yield IndicatorSpec("sma_days", "SMA", DAY, {"timeperiod": 3})
    yield IndicatorSpec("sma_weeks", "SMA", WEEK, {"timeperiod": 2})


class MendedSession:
    """A session played in blocks, with corrections between them, as the coordinator does it.

    `input`, `empty`, `quotes`: all bars, confirmed-empty slots and quotes so far, as a session that is played
    from the start would have them.
    """

    def __init__(self, market: Market, values: Floats, quotes: Floats | None = None) -> None:
        self.market = market
        self.input = values.copy()
        self.quotes = None if quotes is None else quotes.copy()
        self.corrected, self.empty = np.zeros((2, *values.shape[1:]), dtype=np.bool_)
        self.data = SessionData()
        tape = market.tape(values, quotes=quotes)
        for symbol in tape.symbols:
            self.data.register_symbol_data(symbol)
        self.data.load_tape(tape)
        self._computer = market.computer(tape)
        assert tape.scores is not None
        self._scores = RunningScores(tape.scores)

    @property
    def tape(self) -> Tape:
        """The newest edition."""
        return self.data.require_tape()

    def play(self, slots: int, *, hidden: int = 0) -> None:
        """Compute some slots more, and reveal all but the last `hidden` of them."""
        tape = self.tape
        stop = min(len(tape), tape.processed + slots)
        if stop > tape.processed:
            self._computer.compute(tape.processed, stop)
            tape.processed = stop
        self._scores.advance(tape.base.present, stop, empty=tape.base.confirmed_empty)
        tape.scored = stop
        tape.frontier = max(tape.frontier, stop - hidden)

    def correct(self, late: Sequence[Late], quotes: Sequence[LateQuote] = ()) -> None:
        """Take bars and quotes that come together: those behind what was computed make an edition.

        And the first quote of a symbol of which anything was computed.
        """
        tape = self.tape
        for row, slot, bar in late:
            if bar is None:
                self.empty[row, slot] = True
            else:
                self.input[:, row, slot] = bar
                self.corrected[row, slot] |= slot < tape.frontier
        self.empty &= np.isnan(self.input[CLOSE])
        if self.quotes is not None:
            for row, slot, quote in quotes:
                self.quotes[:, row, slot] = quote
        behind, ahead = parted(tape, late, quotes)
        if not is_nothing(behind):
            self.data.replace_tape(mended(tape, behind, self._computer, self._scores))
        write_ahead(self.tape, ahead)


def parted(tape: Tape, late: Sequence[Late], quotes: Sequence[LateQuote]) -> tuple[Corrections, Corrections]:
    """Return the corrections that need an edition, and those that can be written in place."""
    first = tape.writable_from
    of_quotes = corrections_of((), quotes)
    waits = (
        [False] * len(quotes)
        if tape.quotes is None
        else tape.quotes.is_late(of_quotes.quote_rows, of_quotes.quote_slots, first).tolist()
    )
    behind = [one for one, is_late in zip(quotes, waits, strict=True) if is_late]
    ahead = [one for one, is_late in zip(quotes, waits, strict=True) if not is_late]
    return (
        corrections_of([one for one in late if one[1] < first], behind),
        corrections_of([one for one in late if one[1] >= first], ahead),
    )


def is_nothing(corrections: Corrections) -> bool:
    """Whether there is nothing to correct."""
    return not (len(corrections.rows) or len(corrections.empty_rows) or len(corrections.quote_rows))


def write_ahead(tape: Tape, ahead: Corrections) -> None:
    """Write what came for slots that are not computed yet."""
    tape.base.write_bars(ahead.rows, ahead.slots, ahead.values)
    tape.base.confirm_empty(ahead.empty_rows, ahead.empty_slots)
    if tape.quotes is not None:
        tape.quotes.write_quotes(ahead.quote_rows, ahead.quote_slots, ahead.quotes)


def corrections_of(late: Sequence[Late], quotes: Sequence[LateQuote] = ()) -> Corrections:
    """Return corrections as arrays."""
    bars = [(row, slot, bar) for row, slot, bar in late if bar is not None]
    empty = np.array([(row, slot) for row, slot, bar in late if bar is None], dtype=np.int64).reshape(-1, 2)
    rows, slots = np.array([(row, slot) for row, slot, _ in bars], dtype=np.int64).reshape(-1, 2).T
    values = np.array([bar for _, _, bar in bars], dtype=np.float64).reshape(-1, 5).T
    quoted = np.array([(row, slot) for row, slot, _ in quotes], dtype=np.int64).reshape(-1, 2)
    came = np.array([quote for _, _, quote in quotes], dtype=np.float64).reshape(-1, 4).T
    return Corrections(rows, slots, values, empty[:, 0], empty[:, 1], quoted[:, 0], quoted[:, 1], came)


def differences(tape: Tape, expected: Tape) -> list[str]:
    """Return the names of the arrays of two tapes that have not the same bits."""
    pairs = {}
    for interval in expected.intervals:
        pairs[f"bars {interval}"] = (tape.grid(interval).values, expected.grid(interval).values)
        pairs[f"present {interval}"] = (tape.grid(interval).present, expected.grid(interval).present)
    for interval, grid in expected.derived.items():
        pairs[f"base bars {interval}"] = (tape.derived[interval].base_bars, grid.base_bars)
    for name, column in expected.indicators.items():
        pairs[name] = (tape.indicators[name].values, column.values)
    empty = [
        np.zeros(one.base.shape, dtype=np.bool_) if one.empty is None else one.empty
        for one in (tape, expected)
    ]
    pairs["confirmed empty"] = (empty[0], empty[1])
    assert tape.scores is not None
    assert expected.scores is not None
    pairs["scores"] = (tape.scores, expected.scores)
    assert (tape.quotes is None) == (expected.quotes is None)
    if tape.quotes is not None and expected.quotes is not None:
        for name in ("came", "values", "made"):
            pairs[f"quotes {name}"] = (getattr(tape.quotes, name), getattr(expected.quotes, name))
    return [name for name, (one, other) in pairs.items() if not same_bits(one, other)]


def random_bar(seed: int) -> Bar:
    """Return a bar near those of `random_values`; some are flat, some without volume."""
    random = np.random.default_rng(seed)
    close = 50 + int(random.integers(-100, 100)) / 100
    spread = 0.0 if seed % 4 == 0 else int(random.integers(1, 9)) / 100
    volume = 0.0 if seed % 5 == 0 else int(random.integers(1, 10_000)) / 7
    return close - spread / 2, close + spread, close - spread, close, volume
