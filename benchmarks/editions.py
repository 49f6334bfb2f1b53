"""Time from a correction to the new edition in place, at the end of a session of one-minute bars.

    python -m benchmarks.editions

The session has 5m and 15m bars, SMA 20, EMA 20, RSI 14, VWAP and quality. References of the same run: all
rows computed again, and a plain copy of the tape's grids.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

from benchmarks.market import make_bars, sessions_of, symbols_of
from benchmarks.measure import row, seconds
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.run.editions import Corrections, mended
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Floats
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape

ROUNDS = 30
TARGET_MS = 100
SPECS = (
    IndicatorSpec("sma_20", "SMA", MINUTE, {"timeperiod": 20}),
    IndicatorSpec("ema_20", "EMA", MINUTE, {"timeperiod": 20}),
    IndicatorSpec("rsi_14", "RSI", MINUTE, {"timeperiod": 14}),
    IndicatorSpec("vwap", "VWAP", MINUTE),
)
DERIVED = (Interval.parse("5m"), Interval.parse("15m"))


class Session:
    """A session of one-minute bars with 4 % missing, played up to its last slot but one."""

    def __init__(self, symbols: int) -> None:
        *earlier, day = sessions_of(1)
        self._slots = SessionSlots(day, MINUTE)
        self._symbols = tuple(symbols_of(symbols))
        length = len(self._slots)
        values = random_days(symbols, length, len(earlier) + 1)
        self._history = [BarGrid.loaded(part) for part in values[:-1]]
        self._values = values[-1]
        self._stop = length - 1
        self.data = SessionData()
        for symbol in self._symbols:
            self.data.register_symbol_data(symbol)
        self.computer, self.scores = self.play()

    def play(self) -> tuple[BlockComputer, RunningScores]:
        """Play the session, and make its tape the current one."""
        base = BarGrid(self._values.copy())
        tape = Tape.over(self._slots, self._symbols, base, derived=DERIVED)
        computer = BlockComputer(tape, SPECS, lambda interval: self._history if interval == MINUTE else ())
        assert tape.scores is not None
        scores = RunningScores(tape.scores)
        computer.compute(0, self._stop)
        scores.advance(base.present, self._stop)
        tape.frontier = tape.processed = tape.scored = self._stop
        self.data.load_tape(tape)
        return computer, scores

    def correct(self, random: np.random.Generator) -> None:
        """Correct one bar, and put the new edition in place."""
        tape = self.data.require_tape()
        at, slot = random.integers(len(self._symbols), size=1), random.integers(self._stop, size=1)
        corrections = Corrections(at, slot, np.array([[100.0], [101.0], [99.0], [100.5], [1234.0]]))
        self.data.replace_tape(mended(tape, corrections, self.computer, self.scores))


def random_days(symbols: int, slots: int, days: int) -> list[Floats]:
    """Return the bars of some days, float64 (5, S, n) each, with 4 % missing."""
    sessions = sessions_of(days)[:days]
    one = make_bars(sessions, 0.0, 1)
    base = np.stack([np.asarray(getattr(one, name), dtype=np.float64) for name in FIELDS])
    random = np.random.default_rng(2)
    made = []
    for day in range(days):
        values = np.repeat(base[:, None, day * slots : (day + 1) * slots], symbols, axis=1)
        values[:4] += random.integers(0, 5000, symbols)[:, None] / 100
        values[:, random.random(values.shape[1:]) < 0.04] = np.nan
        made.append(values)
    return made


def copied(tape: Tape) -> object:
    """Return copies of the tape's grids."""
    assert tape.scores is not None
    grids = (tape.base, *tape.derived.values())
    arrays = [grid.values for grid in grids] + [column.values for column in tape.indicators.values()]
    return [array.copy() for array in (*arrays, tape.scores)]


def times(work: Callable[[], object], rounds: int) -> list[float]:
    """Return the sorted durations of some work, after one that is not counted."""
    work()
    return sorted(seconds(work) for _ in range(rounds))


def main() -> None:
    """Print the table."""
    print("| what | measured | target | reference, same run |\n|---|---|---|---|")
    for symbols in (500, 5000):
        session, random = Session(symbols), np.random.default_rng(5)
        # Until two editions have been replaced, whole arrays are copied.
        first = max(seconds(lambda session=session, random=random: session.correct(random)) for _ in range(2))
        corrections = times(lambda session=session, random=random: session.correct(random), ROUNDS)
        copies = statistics.median(times(lambda session=session: copied(session.data.require_tape()), 5))
        whole = statistics.median(times(session.play, 2))
        median = statistics.median(corrections)
        figure = (
            f"median {1e3 * median:.1f} ms, worst {1e3 * corrections[-1]:.1f} ms, "
            f"the first ones {1e3 * first:.0f} ms"
        )
        reference = (
            f"{median / copies:.2f} × copies of all grids ({1e3 * copies:.0f} ms), "
            f"1/{whole / median:.0f} of all rows ({1e3 * whole:.0f} ms)"
        )
        print(row(f"one correction, {symbols} symbols", figure, f"≤ {TARGET_MS} ms", reference), flush=True)


if __name__ == "__main__":
    main()
