"""Lines of a recording without a screen: text for people, or JSON for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from tapedeck.console.cli.live_news import Minute, News, SessionOver, Waiting
from tapedeck.console.cli.opening_times import next_session_text
from tapedeck.console.cli.status_line import StatusLine
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.feeds.live_status import Alert, LivePhase
from tapedeck.engine.read.events import Event, EventKind
from tapedeck.engine.read.snapshot import Snapshot

_LINES_EVERY_S: Final = 0.25
"""Shortest time between two lines of progress, seconds."""


class LiveOutput(Protocol):
    """Output of a recording while it runs."""

    def tell(self, news: Sequence[News], error: str | None = None) -> None:
        """Write what became known; `error`: the one that has ended the run, which is reported at its end."""
        ...

    def look(self, snapshot: Snapshot) -> None:
        """Show the present state, if the output has a place for it."""
        ...

    def close(self) -> None:
        """End the output, so that a report can follow."""
        ...


class TextLines:
    """A line for each minute of the market, at most four a second; one for each alert and breakpoint.

    On a terminal the clock, or a countdown to the open, stands below. `zone`: of the exchange.
    """

    def __init__(
        self, terminal: Terminal, zone: ZoneInfo, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._terminal = terminal
        self._zone = zone
        self._monotonic = monotonic
        self._status = StatusLine(terminal)
        self._written_at = float("-inf")

    def tell(self, news: Sequence[News], error: str | None = None) -> None:
        """Write what became known; of several minutes the last one, and not what the error says again."""
        latest = next((one for one in reversed(news) if isinstance(one, Minute)), None)
        for one in news:
            if error and isinstance(one, Alert | Event) and one.text.endswith(error):
                continue
            if isinstance(one, Minute):
                if one.is_last or (one is latest and self._is_due()):
                    self._write(minute_line(one))
            elif (line := self._line(one)) is not None:
                self._write(line)

    def look(self, snapshot: Snapshot) -> None:
        """Show the clock, or how long it is until the open, on the last line of a terminal."""
        self._status.show(status_text(snapshot, self._zone))

    def close(self) -> None:
        """Remove the last line."""
        self._status.clear()

    def _is_due(self) -> bool:
        now = self._monotonic()
        if now - self._written_at < _LINES_EVERY_S:
            return False
        self._written_at = now
        return True

    def _write(self, line: str) -> None:
        self._status.clear()
        self._terminal.write(line)

    def _line(self, one: News) -> str | None:
        if isinstance(one, Waiting):
            return next_session_text(one.opens_day, one.opens, one.now)
        if isinstance(one, Alert):
            return f"{self._time(one.at)}  alert: {one.text}"
        # The lines of minutes count gaps, and tell opens and closes; a breakpoint is an alert.
        if isinstance(one, Event) and one.kind is EventKind.ERROR:
            return f"{self._time(one.clock)}  warning: {one.text}"
        if isinstance(one, Event) and one.kind is EventKind.SYMBOL:
            return f"{self._time(one.clock)}  {one.symbol} {one.text}"
        return None

    def _time(self, at: datetime | None) -> str:
        return "--:--:--" if at is None else f"{at.astimezone(self._zone):%H:%M:%S %Z}"


class JsonLines:
    """One JSON document in a line for each minute, event, breakpoint, alert, wait and session."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def tell(self, news: Sequence[News], error: str | None = None) -> None:
        """Write what became known."""
        del error
        for one in news:
            self._terminal.write_json_line(json_line(one))

    def look(self, snapshot: Snapshot) -> None:
        """Do nothing: stdout has documents only."""

    def close(self) -> None:
        """Do nothing: the summary follows."""


def minute_line(minute: Minute) -> str:
    """Return the line of text of a minute: its end, slot, bars so far, missing bars, alerts."""
    clock = f"{minute.clock.astimezone(minute.zone):%H:%M:%S %Z}"
    slot = f"{minute.slot:>{len(str(minute.slots))}} of {minute.slots}"
    return (
        f"{clock}  slot {slot}  {_count(minute.total, 'bar')}, {minute.lacking:,} missing, "
        f"{_count(minute.alerts, 'alert')}"
    )


def status_text(snapshot: Snapshot, zone: ZoneInfo) -> str:
    """Return the present state in a line: what is done, the market's time, the feed."""
    live = snapshot.live
    if live is None:
        return "starting"
    if live.phase is LivePhase.WAITING and live.opens is not None and live.opens_day is not None:
        return next_session_text(live.opens_day, live.opens, live.now)
    now = f"{live.now.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
    reason = f" ({live.feed.reason})" if live.feed.reason else ""
    return f"{live.phase.value}, {now}, feed {live.feed.name}: {live.feed.state.value}{reason}"


def json_line(one: News) -> Mapping[str, object]:
    """Return the document of a line; `kind` names what it is, and instants are UTC in ISO form."""
    if isinstance(one, Minute):
        return _minute_document(one)
    if isinstance(one, Event):
        return _event_document(one)
    if isinstance(one, Alert):
        return {
            "kind": "alert",
            "number": one.number,
            "at": one.at.isoformat(),
            "severe": one.is_severe,
            "text": one.text,
        }
    if isinstance(one, SessionOver):
        return {
            "kind": "session",
            "trading_day": one.session.trading_day,
            "slots": one.session.slots,
            "bars": one.session.bars,
            "quality_pct": one.session.quality_pct,
            "digest": one.session.digest,
            "stamp": one.stamp,
        }
    seconds = (one.opens - one.now).total_seconds()
    return {
        "kind": "waiting",
        "now": one.now.isoformat(),
        "opens": one.opens.isoformat(),
        "trading_day": one.opens_day.isoformat(),
        "seconds": round(seconds, 3),
    }


def _minute_document(minute: Minute) -> Mapping[str, object]:
    return {
        "kind": "minute",
        "trading_day": minute.trading_day.isoformat(),
        "clock": minute.clock.isoformat(),
        "slot": minute.slot,
        "slots": minute.slots,
        "bars": minute.bars,
        "missing": list(minute.missing),
        "bars_so_far": minute.total,
        "missing_so_far": minute.lacking,
        "edition": minute.edition,
    }


def _event_document(event: Event) -> Mapping[str, object]:
    is_break = event.kind is EventKind.BREAK
    return {
        "kind": "break" if is_break else "event",
        "number": event.number,
        **({} if is_break else {"event": event.kind.value}),
        "trading_day": None if event.trading_day is None else event.trading_day.isoformat(),
        "clock": None if event.clock is None else event.clock.isoformat(),
        "slots_over": None if event.slot is None else event.slot + 1,
        "symbol": event.symbol,
        "text": event.text,
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
