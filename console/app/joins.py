"""Symbols that join after the time shown: a view of the past has them, too, and the screen dims them."""

from __future__ import annotations

from collections.abc import Mapping

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.symbol_changes import ChangeKind


def later_joins(view: SessionView) -> Mapping[str, str]:
    """Return the symbols of a view that joined after its frontier, each with the words `joins at 10:30`."""
    if not view.changes:
        return {}
    joined = {change.symbol: change.frontier for change in view.changes if change.kind is ChangeKind.JOINED}
    return {
        symbol: f"joins at {session_clock(view, joined[symbol])}"
        for symbol in view.symbols
        if joined.get(symbol, 0) > view.frontier
    }


def session_clock(view: SessionView, frontier: int) -> str:
    """Return the time of a frontier of a view's session, at the exchange: `10:30`."""
    clock = utc_from_epoch(view.slot_times.clock(frontier)).astimezone(view.session.zone)
    seconds = ":%S" if view.base_interval.seconds < 60 else ""
    return clock.strftime(f"%H:%M{seconds}")
