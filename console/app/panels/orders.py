"""Orders panel: the account, its equity in the session, and below positions and orders, newest first."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from tapedeck.console.app.account_texts import fitted_amounts, price_text, share_count, signed_amount
from tapedeck.console.app.grid_text import MISSING
from tapedeck.console.app.panels.list_lines import Line, TextLine
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.widgets import EquityCurve, EquityData, LineList, StyledLine
from tapedeck.console.app.widgets.figures import direction
from tapedeck.console.app.widgets.line_list import Part
from tapedeck.console.panel_data.account_table import (
    ShownOrder,
    ShownPosition,
    account_table,
    shown_order,
    shown_positions,
)
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.broker.orders import OrderKind, OrderState
from tapedeck.engine.tape.session_view import SessionView

MOST_ORDERS: Final = 500
"""Most orders listed, the latest ones."""
_STATE_INKS: Final = {
    OrderState.WORKING: "mark",
    OrderState.FILLED: "good",
    OrderState.REFUSED: "bad",
    OrderState.CANCELLED: "fair",
    OrderState.EXPIRED: "fair",
}
_KINDS: Final = {OrderKind.MARKET: "", OrderKind.MARKET_ON_CLOSE: " on close"}
_GAINS: Final = {1: "good", -1: "bad", 0: "base"}


@dataclass(frozen=True, slots=True)
class PositionLine:
    """A position, in columns of the widths given."""

    position: ShownPosition
    parts: Sequence[Part]

    @property
    def key(self) -> Hashable:
        """Strategy and symbol."""
        return self.position.strategy, self.position.symbol


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order; its text is made when it is drawn. `widths`: of strategies, symbols, shares."""

    order: ShownOrder
    view: SessionView
    widths: tuple[int, int, int]

    @property
    def parts(self) -> Sequence[Part]:
        """When it was decided, by which strategy, what it orders, its state, and why."""
        shown, order = self.order, self.order.order
        *names, count = self.widths
        strategy, symbol = (
            name.ljust(width) for name, width in zip((order.strategy, order.symbol), names, strict=True)
        )
        return (
            (f"{_decided(shown, self.view)} ", "quiet"),
            (f"{strategy} ", "base"),
            (f"{symbol} ", "strong"),
            (f"{order.side.value:4} {share_count(shown.shares):>{count}}{_KINDS[order.kind]}  ", "base"),
            (_state(shown), _STATE_INKS[order.state]),
            (f"  {shown.text}" if shown.text else "", "quiet"),
        )

    @property
    def key(self) -> Hashable:
        """The order's number."""
        return self.order.order.number


class OrdersPanel(Panel):
    """Account, equity curve, positions and orders of the strategies, cut at the time shown.

    Enter on a position focuses its symbol; on an order it goes to the moment of its decision, too.
    """

    NAME: ClassVar[str] = "orders"

    class Chosen(Message):
        """A position or an order was chosen. `place`: day and frontier of the order's decision, or None."""

        def __init__(self, symbol: str, place: tuple[date, int] | None) -> None:
            super().__init__()
            self.symbol = symbol
            self.place = place

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.line = StyledLine(id="account-line")
        self.curve = EquityCurve()
        self.list = LineList(newest_last=False)
        self._lines: Sequence[Line] = ()
        self._view: SessionView | None = None
        self._shown: tuple[object, ...] | None = None

    def content(self) -> ComposeResult:
        """Compose account, curve and list."""
        yield self.line
        yield self.curve
        yield self.list

    def keyboard_target(self) -> Widget:
        """Return the list."""
        return self.list

    def show(self, view_state: ViewState) -> None:
        """Show the account at the time shown."""
        view = view_state.view
        account = None if view is None else view.account
        if view is None or account is None:
            self.face("empty", "no account yet: the strategies have not begun")
            return
        self.fill()
        shown = (account.record, account.frontier, view.edition, self.line.size.width)
        if shown == self._shown:
            return
        self._shown, self._view = shown, view
        self.line.show([fitted_amounts(account, view, self.line.size.width or self.app.size.width)])
        self.curve.show(_equity(account, view))
        self._lines = list(_all_lines(account, view))
        self.list.show_lines(len(self._lines), self._parts, self._key)

    @property
    def strategy(self) -> str | None:
        """The strategy of the line under the cursor, else the first one; None without an account."""
        if self._view is None or self._view.account is None:
            return None
        match self._lines[self.list.cursor] if self._lines else None:
            case PositionLine(position=position):
                return position.strategy
            case OrderLine(order=ShownOrder(order=order)):
                return order.strategy
        return self._view.account.record.strategies[0]

    def as_table(self, view_state: ViewState) -> Table:
        """Return account, positions and orders at the time shown."""
        view = view_state.view
        if view is None or view.account is None:
            return super().as_table(view_state)
        return account_table(view.account, view)

    @on(LineList.Chosen)
    def _line_chosen(self, message: LineList.Chosen) -> None:
        message.stop()
        match self._lines[self.list.cursor]:  # it has moved with its line, if others came since
            case PositionLine(position=position):
                self.post_message(self.Chosen(position.symbol, None))
            case OrderLine(order=ShownOrder(order=order)):
                self.post_message(self.Chosen(order.symbol, (order.day, order.slot + 1)))

    def _parts(self, line: int) -> Sequence[Part]:
        return self._lines[line].parts

    def _key(self, line: int) -> Hashable:
        return self._lines[line].key


def _equity(account: AccountAt, view: SessionView) -> EquityData:
    scale = account.record.scale
    per_one = scale.units(1.0)
    return EquityData(
        account.equity_so_far / per_one, view.slots, scale.amount(account.record.opening_equity)
    )


# Lines


def _all_lines(account: AccountAt, view: SessionView) -> Iterator[Line]:
    positions = list(shown_positions(account, view))
    yield TextLine("positions" if positions else "no position")
    yield from _position_lines(positions)
    latest = account.latest_orders(MOST_ORDERS + 1)
    yield TextLine("")
    yield TextLine(
        "orders of this session by the time they were given, newest first" if latest else "no order yet"
    )
    orders = [shown_order(order, account, view) for order in reversed(latest[-MOST_ORDERS:])]
    columns = ((shown.order.strategy, shown.order.symbol, share_count(shown.shares)) for shown in orders)
    strategy, symbol, count = (
        (max(map(len, column)) for column in zip(*columns, strict=True)) if orders else (0, 0, 0)
    )
    for shown in orders:
        yield OrderLine(shown, view, (strategy, symbol, count))
    if len(latest) > MOST_ORDERS:
        yield TextLine(f"earlier orders are not listed: {len(account.orders) - MOST_ORDERS:,}")


def _position_lines(positions: Sequence[ShownPosition]) -> Iterator[PositionLine]:
    """Yield a line per position, in aligned columns."""
    rows = [_position_cells(one) for one in positions]
    widths = [max(len(text) for text, _ in column) for column in zip(*rows, strict=True)]
    for position, row in zip(positions, rows, strict=True):
        texts = (
            text.ljust(width) if at < 3 else text.rjust(width)
            for at, ((text, _), width) in enumerate(zip(row, widths, strict=True))
        )
        gaps = ("  ", *(" " if at < 3 else "  " for at in range(1, len(row))))
        cells = [(gap + text, ink) for gap, text, (_, ink) in zip(gaps, texts, row, strict=True)]
        yield PositionLine(position, cells)


def _position_cells(one: ShownPosition) -> list[Part]:
    profit = MISSING if one.profit is None else signed_amount(one.profit)
    ink = _GAINS[0 if one.profit is None else direction(one.profit)]
    return [
        (one.strategy, "base"),
        (one.symbol, "strong"),
        ("long" if one.shares > 0 else "short", "base"),
        (share_count(abs(one.shares)), "base"),
        (f"at {price_text(one.average)}", "quiet"),
        (f"now {MISSING if one.last is None else price_text(one.last)}", "base"),
        (profit, ink),
    ]


def _decided(shown: ShownOrder, view: SessionView) -> str:
    """Return when an order was decided: its time, its day if it is an earlier one."""
    if shown.decided is None:
        return f"{shown.order.day:%m-%d}"
    return f"{shown.decided.astimezone(view.session.zone):%H:%M:%S}".removesuffix(":00")


def _state(shown: ShownOrder) -> str:
    """Return the state, with how much has filled at which price."""
    state, price = shown.order.state, shown.price
    if price is None:
        return state.value
    part = "" if state is OrderState.FILLED else f" {share_count(shown.filled)}"
    return f"{state.value}{part} at {price_text(price)}"
