"""What the strategies of a run did, and what became of their account, as short lines of a report."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from tapedeck.engine.broker.account_summary import StrategyResult
from tapedeck.engine.tape.session_record import SessionSummary


def strategy_lines(sessions: Sequence[SessionSummary]) -> list[str]:
    """Return what each strategy did: `cross: 12 orders, 10 fills, 5 trades, profit -20.10`.

    Numbers of all sessions together; the profit is that of the trades, after commission. Behind the orders
    that were refused stands why the last of them was. Empty without strategies.
    """
    results = chain.from_iterable(one.account.strategies for one in sessions if one.account is not None)
    found: dict[str, list[StrategyResult]] = {}
    for result in results:
        found.setdefault(result.strategy, []).append(result)
    return [_text(name, own) for name, own in found.items()]


def account_line(sessions: Sequence[SessionSummary]) -> str:
    """Return how equity went: `equity 101,234.50 at the end, 1,234.50 more than at the start; cash …`.

    Empty without strategies.
    """
    accounts = [session.account for session in sessions if session.account is not None]
    if not accounts:
        return ""
    start, end = accounts[0].opening, accounts[-1].closing
    change = end.equity - start.equity
    went = f"{money(abs(change))} {'less' if change < 0 else 'more'} than" if change else "as"
    held = count(len(end.positions), "position") if end.positions else "no position"
    paid = end.commission - start.commission
    return (
        f"equity {money(end.equity)} at the end, {went} at the start; cash {money(end.cash)}, {held} held, "
        f"commission {money(paid)}"
    )


def money(amount: float) -> str:
    """Return an amount with two decimal places: `-1,234.50`; never `-0.00`."""
    return f"{round(amount, 2) + 0.0:,.2f}"


def count(number: int, word: str) -> str:
    """Return a number with its word: `1 fill`, `1,200 fills`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _text(name: str, own: Sequence[StrategyResult]) -> str:
    orders, refused, fills, trades = (
        sum(getattr(one, number) for one in own) for number in ("orders", "refused", "fills", "trades")
    )
    why = next((f", the last: {one.last_refusal}" for one in reversed(own) if one.last_refusal), "")
    words = [f"{name}: {count(orders, 'order')}" + (f" ({refused:,} refused{why})" if refused else "")]
    words += [count(fills, "fill"), count(trades, "trade")]
    words += [f"profit {money(sum(one.profit for one in own))}"] if trades else []
    return ", ".join(words)
