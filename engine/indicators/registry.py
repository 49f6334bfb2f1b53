"""Registry of indicators: every kind for session files, tapedeck's own and TA-Lib's.

To add a kind, write one file in `kinds/` with a subclass of `IndicatorKind` and the tuple `KINDS`, and add
the file's name to `_MODULES` below. Session files, `config schema`, history, conditions, exports, *why*,
chart and tables then include it, as do the tests of every indicator. `kind.py` describes the attributes:
parameters, inputs, kernel, history, formula, explanation, drawing (over the price or in a pane, with its
levels). Examples: `kinds/relative_volume.py`
computes each bar by itself, `kinds/session_extremes.py` runs over base bars, `kinds/rolling_vwap.py` reads
earlier sessions. A kernel calls `canonical` on the values that it writes, and
names in `carries` what it keeps from block to block. TA-Lib's functions come from
`talib_adapter.py`; an own kind takes precedence over one of TA-Lib's of the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from typing import Final

from tapedeck.engine.config.faults import fault
from tapedeck.engine.errors import TapedeckError, nearest
from tapedeck.engine.indicators import kinds
from tapedeck.engine.indicators.kind import IndicatorKind
from tapedeck.engine.indicators.talib_adapter import all_talib_names, talib_kinds

_MODULES: Final = (
    "vwap",
    "rolling_vwap",
    "session_extremes",
    "opening_range",
    "relative_volume",
)
"""The files of `kinds/`."""


def _kinds_of(module: str) -> tuple[IndicatorKind, ...]:
    found: tuple[IndicatorKind, ...] = import_module(f"{kinds.__name__}.{module}").KINDS
    return found


OWN_KINDS: Final[tuple[IndicatorKind, ...]] = tuple(chain.from_iterable(map(_kinds_of, _MODULES)))
"""tapedeck's own kinds, in the order of error messages."""


class IndicatorRegistry:
    """Kinds by type: own ones first, then TA-Lib's."""

    def __init__(self, own: Sequence[IndicatorKind]) -> None:
        self._own = {kind.type: kind for kind in own}

    def types(self) -> tuple[str, ...]:
        """Return every type, sorted."""
        return tuple(sorted({*self._own, *talib_kinds()}))

    def own_types(self) -> tuple[str, ...]:
        """Return the types of tapedeck's own kinds, in the order of registration."""
        return tuple(self._own)

    def kind(self, type_: str) -> IndicatorKind:
        """Return the kind of a type, given in capitals; TapedeckError for an unknown one."""
        kind = self._own.get(type_) or talib_kinds().get(type_)
        if kind is None:
            raise TapedeckError(f"unknown indicator type {type_!r}")
        return kind

    def read_type(self, text: str) -> IndicatorKind:
        """Return the kind of a type in any case; raises a fault for an unknown one, with the nearest."""
        type_ = text.strip().upper()
        if type_ in self._own or type_ in talib_kinds():
            return self.kind(type_)
        if type_ in all_talib_names():
            raise fault(
                f"unusable indicator type {text!r}: it needs more inputs than the prices and volumes of bars"
            )
        raise fault(
            f"unknown indicator type {text!r}: use a TA-Lib function such as SMA, EMA, RSI, MACD, BBANDS, "
            f"ATR, or {', '.join(self._own)}",
            nearest(type_, self.types()),
        )

    @contextmanager
    def added(self, kind: IndicatorKind) -> Iterator[None]:
        """Register one more own kind for a `with` block; TapedeckError if its type is registered already."""
        if kind.type in self._own:
            raise TapedeckError(f"indicator type {kind.type!r} is registered already: choose another name")
        self._own[kind.type] = kind
        try:
            yield
        finally:
            del self._own[kind.type]


REGISTRY: Final = IndicatorRegistry(OWN_KINDS)
