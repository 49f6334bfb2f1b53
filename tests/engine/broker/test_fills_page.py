"""docs/fills.md: the broker does what each table says, with the table's bars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.commission import AtLeast, Commission, PercentOfValue, PerShare, PerTrade
from tapedeck.engine.broker.orders import OrderKind, OrderRecord, Side, TimeInForce
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.broker.slippage import PercentSlippage, RangeSlippage, Slippage, TickSlippage
from tapedeck.engine.broker.terms import AccountTerms

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "fills.md").read_text(encoding="utf-8")
STRATEGIES = ("A", "B")
ORDER = re.compile(
    r"(?:(?P<strategy>[AB]): )?(?P<side>buy|sell) (?P<shares>\d+)(?: (?P<end>AIG|day|on close))?"
)
FIGURE = re.compile(r"(cash|commission|holds|cost|realised) (-?[\d,.]+)")


class Row(NamedTuple):
    slot: int
    bar: Bar | None
    decided: list[str]
    happens: list[str]


class Example(NamedTuple):
    title: str
    terms: dict[str, Any]
    sessions: list[list[Row]]


def examples() -> Iterator[Example]:
    """Yield each table of the page, with the title and the terms above it."""
    title, terms, rows = "", {}, list[Row]()
    for line in [*PAGE.splitlines(), ""]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[0].isdigit():
                rows.append(_row(cells))
        elif rows:
            yield Example(title, terms, _sessions(rows))
            terms, rows = {}, []
        if line.startswith("#"):
            title, terms = line.strip("# "), {}
        elif re.fullmatch(r"`[^`]+`", line):
            terms = yaml.safe_load("{" + line.strip("`") + "}")


def _row(cells: list[str]) -> Row:
    slot, *prices, decided, happens = cells
    first, high, low, last, volume = (float(price or 0) for price in prices)
    bar = (first, high, low, last, volume) if prices[0] else None
    # "the session ended; 10 of 20 filled" is one text.
    return Row(int(slot), bar, re.split("; ", decided) if decided else [], re.split(r"; (?!\d)", happens))


def _sessions(rows: list[Row]) -> list[list[Row]]:
    sessions: list[list[Row]] = []
    for row in rows:
        if row.slot == 0:
            sessions.append([])
        sessions[-1].append(row)
    return sessions


def account_terms(terms: dict[str, Any]) -> AccountTerms:
    named = dict(terms)
    participation = named.pop("participation", None)
    slippage = named.pop("slippage", None)
    commission = named.pop("commission", None)
    return AccountTerms(
        participation_pct=participation,
        slippage=None if slippage is None else _slippage(slippage),
        commission=None if commission is None else _commission(commission),
        **named,
    )


def _slippage(terms: dict[str, Any]) -> Slippage:
    ((kind, number),) = terms.items()
    kinds: dict[str, Any] = {"ticks": TickSlippage, "percent": PercentSlippage, "range": RangeSlippage}
    slippage: Slippage = kinds[kind](number)
    return slippage


def _commission(terms: dict[str, float]) -> Commission:
    kinds = {"per_share": PerShare, "per_trade": PerTrade, "percent": PercentOfValue}
    (commission,) = (kinds[kind](amount) for kind, amount in terms.items() if kind in kinds)
    return AtLeast(terms["minimum"], commission) if "minimum" in terms else commission


class Played:
    """An example played by the broker, row by row."""

    def __init__(self, example: Example) -> None:
        self.closes = {"AIG": 10.0}
        self.terms = account_terms(example.terms)
        self.broker = PaperBroker(
            self.terms, STRATEGIES, lambda symbol: self.closes.get(symbol, float("nan"))
        )
        self.names_strategies = any(
            "A: " in text for rows in example.sessions for row in rows for text in row.decided
        )
        day = date(2013, 10, 1)
        for rows in example.sessions:
            self.broker.begin_session(day, len(rows), ["SPY", "AIG"])
            for row in rows:
                self.play(row, is_last=row is rows[-1])
            day += timedelta(days=1)

    def play(self, row: Row, *, is_last: bool) -> None:
        working = {order.number for order in self.broker.working()}
        fills = self.broker.try_orders(row.slot, lambda symbol: row.bar if symbol == "SPY" else None)
        if row.bar is not None:
            self.closes["SPY"] = row.bar[3]
        happened = [self.told(fill) for fill in fills]
        happened += [
            f"expired: {order.state_reason}"
            for order in self.broker.session_orders
            if order.number in working and order.state.value == "expired"
        ]
        figures = self.figures(fills)
        records = [self.order(text, row.slot) for text in row.decided]
        happened += [f"refused: {one.state_reason}" for one in records if one.state.value == "refused"]
        if is_last:
            happened += [f"expired: {order.state_reason}" for order in self.broker.end_session()]
        told = [text for text in row.happens if text and not FIGURE.fullmatch(text)]
        assert told == happened
        for name, amount in FIGURE.findall("; ".join(row.happens)):
            assert float(amount.replace(",", "")) == figures[name], name

    def told(self, fill: Fill) -> str:
        strategy = f"{fill.strategy}: " * self.names_strategies
        shares = self.terms.scale.shares(fill.lots)
        price = f"{fill.price:.2f}" if round(fill.price, 2) == fill.price else f"{fill.price}"
        return f"{strategy}{fill.side.value}s {shares:g} at {price}"

    def figures(self, fills: list[Fill]) -> dict[str, float]:
        amount = self.terms.scale.amount
        holding = self.broker.account.holding("A", "SPY")
        return {
            "cash": amount(self.broker.account.cash),
            "commission": amount(sum(fill.commission for fill in fills)),
            "holds": self.broker.account.lots("A", "SPY"),
            "cost": 0.0 if holding is None else amount(holding.cost),
            "realised": amount(self.broker.account.figures().realised),
        }

    def order(self, text: str, slot: int) -> OrderRecord:
        found = ORDER.fullmatch(text)
        assert found, text
        return self.broker.submit(
            found["strategy"] or "A",
            "AIG" if found["end"] == "AIG" else "SPY",
            Side(found["side"]),
            self.terms.scale.whole_lots(float(found["shares"])),
            slot,
            kind=OrderKind.MARKET_ON_CLOSE if found["end"] == "on close" else OrderKind.MARKET,
            time_in_force=TimeInForce.DAY if found["end"] == "day" else TimeInForce.GTC,
        )


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_the_broker_does_what_the_table_says(example: Example) -> None:
    Played(example)


def test_the_tables_show_fills_refusals_and_expired_orders() -> None:
    texts = [text for one in examples() for rows in one.sessions for row in rows for text in row.happens]
    assert sum(" at " in text for text in texts) > 40
    assert sum("refused" in text for text in texts) > 8
    assert sum("expired" in text for text in texts) == 3
