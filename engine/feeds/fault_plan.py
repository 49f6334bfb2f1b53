"""Fault plan: the effect of a script on each bar, and on the connection at each moment; without state."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeVar

import xxhash

from tapedeck.engine.feeds.bar_fate import BarFate
from tapedeck.engine.feeds.fault_script import (
    BarFault,
    Corrected,
    Disconnect,
    Duplicate,
    Early,
    FaultScript,
    HistoryDiffers,
    HistoryFails,
    HistoryLate,
    Late,
    Missing,
    Mute,
    RandomFaults,
    Reorder,
    SpanFault,
)
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.intervals import Interval

NORMAL_DELAY_S: Final = 0.1
"""Market seconds from a bar's end to its message."""

_MINUTE: Final = 60
# Longest faults drawn at random, in seconds.
_REPEAT_S: Final = 90.0
_LATE_S: Final = 300.0
_EARLY_S: Final = 2.0
_CORRECTED_S: Final = 120.0
_HISTORY_S: Final = 120.0
_GAP_S: Final = 15 * 60.0
_SPANS_S: Final = {"gap": _GAP_S, "disconnect": 300.0, "mute": 600.0, "history_fails": 120.0}
_SpanKind = Literal["gap", "disconnect", "mute", "history_fails"]
_SpanFaults = TypeVar("_SpanFaults", Disconnect, Mute, HistoryFails)


class Span(NamedTuple):
    """A span of market time, half-open, seconds UTC."""

    start: float
    end: float


class FaultPlan:
    """A fault script resolved for bars of one interval, with times of day in `zone`.

    `delay`: market seconds from a bar's end to its message without a fault.
    """

    def __init__(
        self,
        script: FaultScript | None,
        interval: Interval,
        zone: tzinfo = UTC,
        *,
        delay: float = NORMAL_DELAY_S,
    ) -> None:
        self.script = script or FaultScript()
        self.interval = interval
        self.delay = delay
        self._zone = zone
        self._bar_faults = tuple(one for one in self.script.faults if isinstance(one, BarFault))
        self._faults_at = lru_cache(4096)(self._find_faults)
        self._random_span = lru_cache(65536)(self._draw_span)
        self.latest = delay + self._longest_delay()
        """Most seconds from a bar's end to its last message."""
        self.earliest = max([one.by for one in self._bar_faults if isinstance(one, Early)], default=0.0)
        """Most seconds from a bar's first message to its end."""
        if self.script.random is not None and self.script.random.early:
            self.earliest = max(self.earliest, _EARLY_S)

    @property
    def changes_bars(self) -> bool:
        """Whether any bar may have another fate than to arrive, and be in history, at `normal_time`."""
        return bool(self._bar_faults) or self.script.random is not None

    def normal_time(self, opened_at: int) -> float:
        """Return when a bar without faults arrives, market time."""
        return opened_at + self.interval.seconds + self.delay

    def fate(self, bar: FeedBar, rank: int = 0) -> BarFate:
        """Return what becomes of a bar; `rank`: its place among the bars of its time."""
        end = bar.opened_at + self.interval.seconds
        fate = BarFate.undisturbed(bar, rank, end, self.normal_time(bar.opened_at))
        seen: set[str] = set()
        for fault, begin in self._faults_at(bar.opened_at):
            if fault.kind not in seen and (not fault.symbol or bar.symbol in fault.symbol):
                seen.add(fault.kind)
                fate = self._with_fault(fate, fault, begin)
        shares = self.script.random
        return fate if shares is None else self._with_random_faults(fate, shares, bar, seen)

    def is_connected(self, now: float) -> bool:
        """Whether a connection is possible at a market time."""
        return self.disconnected(now) is None

    def disconnected(self, now: float) -> Span | None:
        """Return the disconnect at a market time, or None."""
        return next(self._spans_over(Disconnect, "disconnect", now), None)

    def connection_ends(self, after: float, until: float) -> float | None:
        """Return when the connection is lost first, `after < instant <= until`, or None."""
        starts = [
            start
            for fault in self._of(Disconnect)
            for start in fault.at.between(after, until, self._zone)
            if start > after
        ]
        if self.script.random is not None and self.script.random.disconnect:
            drawn = (self._random_span("disconnect", m) for m in _minutes(after - _MINUTE, until))
            starts += [span.start for span in drawn if span is not None and after < span.start <= until]
        return min(starts, default=None)

    def is_heard(self, at: float) -> bool:
        """Whether a message of that market time arrives: the feed is connected and not mute."""
        return self.is_connected(at) and next(self._spans_over(Mute, "mute", at), None) is None

    def history_failure(self, now: float) -> Literal["error", "hang"] | None:
        """Return how a request for history fails at a market time, or None."""
        for fault in self._of(HistoryFails):
            if _last_start(fault, now, self._zone) is not None:
                return fault.how
        return "error" if next(self._random_spans_over("history_fails", now), None) is not None else None

    def _of(self, kind: type[_SpanFaults]) -> list[_SpanFaults]:
        return [one for one in self.script.faults if isinstance(one, kind)]

    def _find_faults(self, opened_at: int) -> tuple[tuple[BarFault, float], ...]:
        """Return the listed faults of bars that open at an instant, each with the begin of its span."""
        found = ((one, _last_start(one, opened_at, self._zone)) for one in self._bar_faults)
        return tuple((one, begin) for one, begin in found if begin is not None)

    def _with_fault(self, fate: BarFate, fault: BarFault, begin: float) -> BarFate:
        match fault:
            case Duplicate():
                fate = fate.duplicate(fault.after, fault.times)
            case Reorder():
                step = self.interval.seconds
                last_end = math.ceil((begin + fault.duration) / step) * step
                fate = fate.together(max(fate.end, last_end) + self.delay)
            case Late():
                fate = fate.late(fault.by)
            case Early():
                fate = fate.early(fault.by)
            case Corrected():
                fate = fate.corrected(fault.after, fault.price, fault.volume)
            case Missing():
                fate = fate.missing(None if fault.history_after == "never" else fault.history_after)
            case HistoryLate():
                fate = fate.history_late(fault.by)
            case HistoryDiffers():
                fate = fate.history_differs(fault.after, fault.price, fault.volume)
        return fate

    def _with_random_faults(
        self, fate: BarFate, shares: RandomFaults, bar: FeedBar, listed: Collection[str]
    ) -> BarFate:
        """Add faults drawn for a bar, of other kinds than those that are `listed` for it."""

        def drawn(what: str) -> float:
            return self._draw(what, bar.symbol, bar.opened_at)

        def happens(kind: str, share: float) -> bool:
            return share > 0 and kind not in listed and drawn(kind) < share

        def price(kind: str) -> float:
            return 1 + (drawn(f"{kind} price") - 0.5) / 250

        def volume(kind: str) -> float:
            return 0.5 + drawn(f"{kind} volume")

        if happens("corrected", shares.corrected):
            after = 5 + (_CORRECTED_S - 5) * drawn("corrected after")
            fate = fate.corrected(after, price("corrected"), volume("corrected"))
        if happens("duplicate", shares.duplicate):
            fate = fate.duplicate(_REPEAT_S * drawn("duplicate after"))
        if happens("reorder", shares.reorder):
            fate = fate.late(self.interval.seconds + self.delay)
        if happens("late", shares.late):
            fate = fate.late(1 + (_LATE_S - 1) * drawn("late by"))
        if happens("early", shares.early):
            fate = fate.early(_EARLY_S * drawn("early by"))
        if happens("history_late", shares.history_late):
            fate = fate.history_late(_HISTORY_S * drawn("history_late by"))
        if happens("history_differs", shares.history_differs):
            after = _HISTORY_S * drawn("history_differs after")
            fate = fate.history_differs(after, price("history_differs"), volume("history_differs"))
        in_gap = next(self._random_spans_over("gap", bar.opened_at), None) is not None
        if "missing" in listed:
            return fate
        if in_gap or happens("missing", shares.missing):
            fate = fate.missing(_HISTORY_S * drawn("missing after"))
        return fate.missing(None) if happens("lost", shares.lost) else fate

    def _spans_over(self, kind: type[_SpanFaults], name: _SpanKind, now: float) -> Iterator[Span]:
        """Yield the spans of a kind of fault, listed and random, that hold a market time."""
        for fault in self._of(kind):
            begin = _last_start(fault, now, self._zone)
            if begin is not None:
                yield Span(begin, begin + fault.duration)
        yield from self._random_spans_over(name, now)

    def _random_spans_over(self, kind: _SpanKind, now: float) -> Iterator[Span]:
        if self.script.random is None or not getattr(self.script.random, kind):
            return
        for minute in _minutes(now - _SPANS_S[kind] - _MINUTE, now):
            span = self._random_span(kind, minute)
            if span is not None and span.start <= now < span.end:
                yield span

    def _draw_span(self, kind: _SpanKind, minute: int) -> Span | None:
        """Return the span of a kind that is drawn to begin in a minute, or None."""
        share: float = getattr(self.script.random, kind)
        if self._draw(kind, "", minute) >= share:
            return None
        length = self._draw(f"{kind} length", "", minute)
        if kind == "gap":  # whole minutes
            return Span(minute, minute + _MINUTE * (1 + int(length * _GAP_S / _MINUTE)))
        start = minute + _MINUTE * self._draw(f"{kind} start", "", minute)
        return Span(start, start + 5 + (_SPANS_S[kind] - 5) * length)

    def _draw(self, what: str, symbol: str, at: int) -> float:
        """Return a number in [0, 1) that depends on the seed and the arguments only."""
        seed = self.script.random.seed if self.script.random is not None else 0
        return xxhash.xxh3_64_intdigest(f"{seed}|{what}|{symbol}|{at}".encode()) / 2**64

    def _longest_delay(self) -> float:
        """Return the most seconds by which faults can delay a bar's last message."""
        delays: list[tuple[str, float]] = [
            (fault.kind, _delay_of(fault, self.interval)) for fault in self._bar_faults
        ]
        shares = self.script.random
        if shares is not None:
            drawn = {
                "late": _LATE_S,
                "duplicate": _REPEAT_S,
                "corrected": _CORRECTED_S,
                "reorder": self.interval.seconds + self.delay,
            }
            delays += [(kind, by) for kind, by in drawn.items() if getattr(shares, kind)]
        longest: dict[str, float] = {}  # of one kind, one fault applies to a bar
        for kind, by in delays:
            longest[kind] = max(by, longest.get(kind, 0.0))
        return sum(longest.values())


def _delay_of(fault: BarFault, interval: Interval) -> float:
    match fault:
        case Late():
            return fault.by
        case Duplicate():
            return fault.after * fault.times
        case Corrected():
            return fault.after
        case Reorder():
            return fault.duration + interval.seconds
        case _:
            return 0.0


def _last_start(fault: BarFault | SpanFault, now: float, zone: tzinfo) -> float | None:
    """Return the begin of the last span of a fault that holds an instant, or None."""
    starts = fault.at.between(now - fault.duration, now, zone)
    held = [start for start in starts if start <= now < start + fault.duration]
    return held[-1] if held else None


def _minutes(first: float, last: float) -> range:
    return range(int(first // _MINUTE) * _MINUTE, int(last // _MINUTE) * _MINUTE + 1, _MINUTE)
