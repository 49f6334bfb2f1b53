"""The registry of indicators: every kind that a session file may ask for, tapedeck's own and TA-Lib's.

To add a kind, write one file in `kinds/` with a subclass of `IndicatorKind` (`kind.py` says what it may tell:
parameters, inputs, kernel, history, formula, explanation, how it is drawn), and add one line to `OWN_KINDS`
below. Session files, `config schema`, history, conditions, exports, *why*, chart and tables then know it, and
the tests of every indicator try it. `kinds/session_extremes.py` is a short example over base bars,
`kinds/rolling_vwap.py` one with history. TA-Lib's functions come from `talib_adapter.py`; an own kind goes
before one of TA-Lib's of the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from tapedeck.engine.config.faults import fault
from tapedeck.engine.errors import TapedeckError, nearest
from tapedeck.engine.indicators.kind import IndicatorKind
from tapedeck.engine.indicators.kinds.opening_range import OPENING_RANGE_HIGH, OPENING_RANGE_LOW
from tapedeck.engine.indicators.kinds.relative_volume import RELATIVE_VOLUME
from tapedeck.engine.indicators.kinds.rolling_vwap import ROLLING_VWAP
from tapedeck.engine.indicators.kinds.session_extremes import SESSION_HIGH, SESSION_LOW
from tapedeck.engine.indicators.kinds.vwap import VWAP
from tapedeck.engine.indicators.talib_adapter import all_talib_names, talib_kinds

OWN_KINDS: Final[tuple[IndicatorKind, ...]] = (
    VWAP,
    ROLLING_VWAP,
    SESSION_HIGH,
    SESSION_LOW,
    OPENING_RANGE_HIGH,
    OPENING_RANGE_LOW,
    RELATIVE_VOLUME,
)


class IndicatorRegistry:
    """Finds kinds by type: own ones first, then TA-Lib's."""

    def __init__(self, own: Sequence[IndicatorKind]) -> None:
        self._own = {kind.type: kind for kind in own}

    def types(self) -> tuple[str, ...]:
        """Return every type, sorted."""
        return tuple(sorted({*self._own, *talib_kinds()}))

    def own_types(self) -> tuple[str, ...]:
        """Return the types that are not TA-Lib's, in the order of the list."""
        return tuple(self._own)

    def kind(self, type_: str) -> IndicatorKind:
        """Return the kind of a type, in capitals; TapedeckError where there is none."""
        kind = self._own.get(type_) or talib_kinds().get(type_)
        if kind is None:
            raise TapedeckError(f"unknown indicator type {type_!r}")
        return kind

    def read_type(self, text: str) -> IndicatorKind:
        """Return the kind that a session file names, in any case; a fault names the nearest."""
        type_ = text.strip().upper()
        if type_ in self._own or type_ in talib_kinds():
            return self.kind(type_)
        if type_ in all_talib_names():
            raise fault(f"{text!r} needs more than prices and volume, and cannot be computed from bars alone")
        raise fault(
            f"unknown indicator type {text!r}: use a TA-Lib function such as SMA, EMA, RSI, MACD, BBANDS, "
            f"ATR, or {', '.join(self._own)}",
            nearest(type_, self.types()),
        )

    @contextmanager
    def added(self, kind: IndicatorKind) -> Iterator[None]:
        """Have one more own kind within a `with` block; TapedeckError where its type is taken."""
        if kind.type in self._own:
            raise TapedeckError(f"the indicator type {kind.type!r} is taken")
        self._own[kind.type] = kind
        try:
            yield
        finally:
            del self._own[kind.type]


REGISTRY: Final = IndicatorRegistry(OWN_KINDS)
