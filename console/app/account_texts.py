"""Texts of an account: its amounts, shares, prices, and the trades of a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from textual.content import Content

from tapedeck.console.app.grid_text import QUIET, Cell, GridLines, counted, figure, flowed, number
from tapedeck.console.app.widgets.figures import decimals_of, direction
from tapedeck.console.panel_data.account_table import shown_positions
from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.broker.orders import BUY
from tapedeck.engine.broker.records import Trade
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.tape.session_view import SessionView

_TONES: Final = {1: "$text-success", -1: "$text-error", 0: ""}
_MOST_TRADES: Final = 100
"""Most trades listed of a day, the latest ones."""
_TRADES: Final = ("strategy", "symbol", "side", "shares", "from", "at", "to", "at", "profit")


def amounts(account: AccountAt, view: SessionView) -> Iterator[Content]:
    """Yield the amounts of an account, the most important one first."""
    scale = account.record.scale
    today = scale.amount(account.equity - account.record.opening_equity)
    open_profit = sum(one.profit or 0.0 for one in shown_positions(account, view))
    yield Content.assemble(("equity ", QUIET), (number(scale.amount(account.equity)), "bold"))
    yield _gain("today", today)
    yield Content.assemble(("cash ", QUIET), number(scale.amount(account.cash)))
    yield _gain("open", open_profit)
    yield _gain("realised", scale.amount(account.realised))
    yield Content.assemble(("commission ", QUIET), number(scale.amount(account.commission)))


def fitted_amounts(account: AccountAt, view: SessionView, width: int) -> Content:
    """Return the first amounts that fit a width on one line."""
    return flowed(list(amounts(account, view)), width)[0]


def account_lines(account: AccountAt, view: SessionView, width: int) -> Sequence[Content]:
    """Return the account at the end of a report's day: amounts, positions, and the trades that ended."""
    lines = flowed(list(amounts(account, view)), width)
    held = [
        _position(one.strategy, one.symbol, one.shares, one.average, one.profit)
        for one in shown_positions(account, view)
    ]
    if held:
        lines += [Content.styled("held:", QUIET), *flowed(held, width)]
    words = ", ".join((counted(len(account.orders), "order"), counted(len(account.fills), "fill")))
    lines.append(Content.styled(words, QUIET))
    if len(account.trades) > _MOST_TRADES:
        lines.append(Content.styled(f"{len(account.trades) - _MOST_TRADES:,} earlier trades", QUIET))
    if account.trades:
        rows = [_trade_row(trade, account, view) for trade in account.trades[-_MOST_TRADES:]]
        lines += GridLines(_TRADES, rows, right="lllrlrlrr", width=width)
    return lines


def _position(strategy: str, symbol: str, shares: float, average: float, profit: float | None) -> Content:
    text = f"{strategy} {symbol} {share_count(shares)} at {price_text(average)}"
    if profit is None:
        return Content(text)
    return Content.assemble(f"{text} ", (signed_amount(profit), _TONES[direction(profit)]))


def _trade_row(trade: Trade, account: AccountAt, view: SessionView) -> tuple[str | Cell, ...]:
    scale = account.record.scale
    profit = scale.amount(trade.profit)
    prices = (
        price_text(abs(scale.price(value, trade.lots))) for value in (trade.entry_value, trade.exit_value)
    )
    entered = (
        _time(view, trade.entry_slot) if trade.entry_day == view.trading_day else f"{trade.entry_day:%m-%d}"
    )
    times = (entered, _time(view, trade.exit_slot))
    (bought, sold) = zip(times, prices, strict=True)
    side = "long" if trade.side is BUY else "short"
    names = (trade.strategy, Cell(trade.symbol, "bold"), side, share_count(scale.shares(trade.lots)))
    return (*names, *bought, *sold, Cell(signed_amount(profit), _TONES[direction(profit)]))


def _time(view: SessionView, slot: int) -> str:
    """Return the close of a slot in the exchange's time."""
    local = utc_from_epoch(view.slot_times.clock(slot + 1)).astimezone(view.session.zone)
    return f"{local:%H:%M:%S}".removesuffix(":00")


def _gain(name: str, value: float) -> Content:
    return Content.assemble((f"{name} ", QUIET), (signed_amount(value), _TONES[direction(value)]))


def signed_amount(value: float) -> str:
    """Return an amount with its sign: `+1,234.50`."""
    return f"{'+' if direction(value) > 0 else ''}{number(value)}"


def share_count(shares: float) -> str:
    """Return a number of shares with at most six decimals."""
    return f"{shares:,.6f}".rstrip("0").rstrip(".")


def price_text(price: float) -> str:
    """Return a price, with as many decimals as its size needs."""
    return figure(price, decimals_of(abs(price)))
