"""Bars of the demo market: made by integer arithmetic from a fixed stream of bits, the same on all platforms.

Floats are not rounded and no distribution is sampled, as both may differ between platforms and versions. Only
the last step, a division of whole cents by 100, gives float64; IEEE 754 defines its result exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.demo_paths import (
    UNITS_PER_CENT,
    Bits,
    PriceModel,
    Run,
    scaled,
    to_bars,
    walk_days_before,
    walk_minutes,
)

DEMO_EXCHANGE: Final = "XNYS"
MINUTES_FROM: Final = date(2024, 11, 1)
MINUTES_UNTIL: Final = date(2024, 12, 6)
DAYS_FROM: Final = date(2023, 9, 1)
_EXTENDED_MINUTES: Final = 120
_MINUTE: Final = MINUTE.seconds


@dataclass(frozen=True, slots=True)
class DemoSymbol:
    """Parameters of one symbol, which starts at `price_cents`.

    One in `dropped_one_in` minutes is missing (and up to two after it), or all but one in `kept_one_in`;
    0: none. `halts`: long gaps, as trading day, first slot, number of slots.
    """

    name: str
    price_cents: int
    model: PriceModel
    dropped_one_in: int = 0
    kept_one_in: int = 0
    halts: tuple[tuple[date, int, int], ...] = ()
    has_extended_hours: bool = False
    first_day: date = DAYS_FROM


_SYMBOLS: Final = (
    DemoSymbol("DEMO_CALM", 48_250, PriceModel(180, 1, 9_000)),
    DemoSymbol("DEMO_CLIMB", 18_420, PriceModel(320, 6, 14_000), dropped_one_in=260),
    DemoSymbol("DEMO_SLIDE", 9_180, PriceModel(380, -7, 11_000), 320, halts=((date(2024, 11, 26), 128, 47),)),
    DemoSymbol(
        "DEMO_WILD",
        3_640,
        PriceModel(800, 2, 26_000),
        dropped_one_in=140,
        halts=((date(2024, 11, 29), 60, 25), (date(2024, 12, 4), 300, 90)),
        has_extended_hours=True,
    ),
    DemoSymbol("DEMO_THIN", 6_275, PriceModel(360, -1, 320), kept_one_in=3),
    DemoSymbol(
        "DEMO_NEW", 2_500, PriceModel(560, 4, 18_000), dropped_one_in=400, first_day=date(2024, 11, 26)
    ),
)
DEMO_SYMBOLS: Final = tuple(symbol.name for symbol in _SYMBOLS)


def demo_bars() -> Iterator[tuple[str, Mapping[Interval, BarColumns]]]:
    """Yield each demo symbol's name, and its minute and daily bars; always the same."""
    sessions = TimeManager(DEMO_EXCHANGE).trading_sessions(DAYS_FROM, MINUTES_UNTIL)
    for seed, symbol in enumerate(_SYMBOLS, start=1):
        bits = Bits(seed)
        own = [session for session in sessions if session.trading_day >= symbol.first_day]
        played = [session for session in own if session.trading_day >= MINUTES_FROM]
        before = [session.trading_day for session in own if session.trading_day < MINUTES_FROM]
        minutes, days = _play(symbol, played, bits)
        if before:
            start = symbol.price_cents * UNITS_PER_CENT
            days.insert(0, walk_days_before(before, start, symbol.model, bits))
        yield symbol.name, {MINUTE: to_bars(minutes), DAY: to_bars(days)}


def _play(symbol: DemoSymbol, sessions: Sequence[TradingSession], bits: Bits) -> tuple[list[Run], list[Run]]:
    # The minutes of all sessions, and the daily bars made from their regular hours.
    price = symbol.price_cents * UNITS_PER_CENT
    minutes, days = [], []
    for session in sessions:
        slots = SessionSlots(session, MINUTE).opened_at
        price += int(scaled(price, bits.noise(1), symbol.model.volatility * 6)[0])
        if symbol.has_extended_hours:
            early = _extended(symbol, int(slots[0]) - _EXTENDED_MINUTES * _MINUTE, price, bits)
            price = int(early.close[-1])
            minutes.append(early.only(bits.whole(_EXTENDED_MINUTES, 4) == 0))
        regular = walk_minutes(slots, price, symbol.model, bits)
        price = int(regular.close[-1])
        regular = regular.only(_present(symbol, session.trading_day, len(slots), bits))
        minutes.append(regular)
        days.append(regular.as_day(session.trading_day))
        if symbol.has_extended_hours:
            late = _extended(symbol, int(slots[-1]) + _MINUTE, price, bits)
            price = int(late.close[-1])
            minutes.append(late.only(bits.whole(_EXTENDED_MINUTES, 5) == 0))
    return minutes, days


def _extended(symbol: DemoSymbol, start: int, price: int, bits: Bits) -> Run:
    quiet = PriceModel(symbol.model.volatility // 4, 0, symbol.model.volume // 12)
    times = start + _MINUTE * np.arange(_EXTENDED_MINUTES, dtype=np.int64)
    return walk_minutes(times, price, quiet, bits)


def _present(symbol: DemoSymbol, trading_day: date, slots: int, bits: Bits) -> NDArray[np.bool_]:
    # Marks the slots that have a bar.
    present = np.ones(slots, bool)
    if symbol.kept_one_in:
        present = bits.whole(slots, symbol.kept_one_in) == 0
    if symbol.dropped_one_in:
        lengths = bits.whole(slots, 3)
        for first in np.flatnonzero(bits.whole(slots, symbol.dropped_one_in) == 0):
            present[first : first + 1 + lengths[first]] = False
    for day, first_slot, length in symbol.halts:
        if day == trading_day:
            present[first_slot : first_slot + length] = False
    return present
