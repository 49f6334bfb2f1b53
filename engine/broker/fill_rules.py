"""Fill rules of market orders: the price, and how many lots of a bar fill (docs/fills.md)."""

from __future__ import annotations

from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.money import Participation
from tapedeck.engine.broker.orders import MARKET_ON_CLOSE, OrderKind
from tapedeck.engine.broker.terms import AccountTerms


class FillRules:
    """The fill rules under the terms of an account. `participation`: None if any quantity fills in a bar."""

    __slots__ = ("_scale", "_slippage", "_tick", "participation")

    def __init__(self, terms: AccountTerms) -> None:
        self._scale = terms.scale
        self._slippage = terms.slippage
        self._tick = 0 if terms.tick_size is None else self._scale.units(terms.tick_size)
        percent = terms.participation_pct
        self.participation = None if percent is None else Participation(percent, terms.lot)

    @property
    def has_slippage(self) -> bool:
        """Whether a price may be another than that of the bar."""
        return self._slippage is not None

    def price(self, kind: OrderKind, sign: int, bar: Bar) -> float:
        """Return the price of a share, slippage included; `sign`: 1 for a buy, -1 for a sell.

        The open of the bar, or its close for market on close. With slippage it is in whole units, at least 0.
        """
        price = bar[3] if kind is MARKET_ON_CLOSE else bar[0]
        if self._slippage is None:
            return price
        scale = self._scale
        base = scale.units(price)
        slipped = self._slippage.of(base, bar, self._tick, scale)
        if slipped <= 0:
            return price
        if self._tick:
            slipped += -slipped % self._tick
        return scale.amount(max(0, base + sign * slipped))

    def shortfall(self, volume: float, wanted: int, taken: int) -> str | None:
        """Return why a bar of this volume fills fewer lots than wanted; None if it fills them.

        `taken`: lots of the bar that orders before it took.
        """
        if self.participation is None:
            return None
        allowed = self.participation.lots(volume)
        if allowed - taken >= wanted:
            return None
        part = f"{self.participation.percent:g} % of the bar's volume of {volume:,.12g} is {allowed:,} lots"
        before = f", {taken:,} of them for orders before it" if taken else ""
        return f"{part}{before}; wanted: {wanted:,}"
