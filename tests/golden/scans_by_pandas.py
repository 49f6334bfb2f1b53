"""The shipped scanners by plain pandas over minute bars, from their rules in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

Hours = Mapping[str, tuple[pd.Timestamp, pd.Timestamp]]
"""Open and close of each trading day, ascending."""


@dataclass(frozen=True)
class Rule:
    """A rule in words of pandas. `names`: the values it looks at, `matches` and `by`: of their table."""

    names: tuple[str, ...]
    matches: Callable[[pd.DataFrame], pd.Series]
    by: Callable[[pd.DataFrame], pd.Series]
    top: int
    times: tuple[str, ...]


_UNUSUAL = Rule(
    ("day_volume", "avg_volume_to_now"),
    # Where the average is zero, the ratio is missing, and what is missing does not rank.
    lambda t: (t["day_volume"] > 1.8 * t["avg_volume_to_now"]) & (t["avg_volume_to_now"] > 0),
    lambda t: t["day_volume"] / t["avg_volume_to_now"],
    20,
    ("09:35", "10:00", "12:00"),
)
RULES: Mapping[str, Rule] = {
    "gap_up": Rule(
        ("gap_pct", "day_volume", "avg_volume_to_now"),
        lambda t: (t["gap_pct"] > 0.5) & (t["day_volume"] > 1.5 * t["avg_volume_to_now"]),
        lambda t: t["gap_pct"],
        20,
        ("09:35", "10:00"),
    ),
    "momentum": Rule(
        ("change_open_pct", "last", "vwap", "day_high"),
        lambda t: (
            (t["change_open_pct"] > 0.5) & (t["last"] > t["vwap"]) & (t["last"] > 0.995 * t["day_high"])
        ),
        lambda t: t["change_open_pct"],
        3,
        tuple(f"{hour}:{minute}" for hour in range(10, 16) for minute in ("00", "30")),
    ),
    "unusual_volume": _UNUSUAL,
    "unusual_volume_class": _UNUSUAL,
}


@dataclass(frozen=True)
class Hit:
    """A symbol found, with the values that the rule looked at."""

    symbol: str
    values: Mapping[str, float]


class Market:
    """A market's bars in frames.

    `minutes`: all 1m bars, also outside regular hours, with the columns symbol, time (of the open), open,
    high, low, close and volume, by symbol and time. `daily`: closes of stored 1d bars, with the columns
    symbol, day and close.
    """

    def __init__(self, minutes: pd.DataFrame, hours: Hours, daily: pd.DataFrame | None = None) -> None:
        self.hours = hours
        self.minutes = minutes
        self.daily = pd.DataFrame(columns=["symbol", "day", "close"]) if daily is None else daily
        self._figures: dict[tuple[str, str, int], pd.DataFrame] = {}
        self.regular = pd.concat([self._of_day(day) for day in hours], ignore_index=True)

    def _of_day(self, day: str) -> pd.DataFrame:
        opened, closed = self.hours[day]
        bars = self.minutes[(self.minutes["time"] >= opened) & (self.minutes["time"] < closed)]
        return bars.assign(day=day, minute=(bars["time"] - opened) // pd.Timedelta("1min"))

    def found(self, rule: Rule, day: str, at: str, average_days: int = 10) -> list[Hit]:
        """Return what a rule finds on a day at a time, in the order of its ranks."""
        table = self.figures(day, at, average_days)
        hits = table[rule.matches(table)]
        hits = hits.assign(by=rule.by(hits)).reset_index()
        hits = hits.sort_values(["by", "symbol"], ascending=[False, True]).head(rule.top)
        return [Hit(row["symbol"], {name: row[name] for name in rule.names}) for _, row in hits.iterrows()]

    def figures(self, day: str, at: str, average_days: int = 10) -> pd.DataFrame:
        """Return the figures of each symbol with a bar so far on a day, by symbol."""
        key = (day, at, average_days)
        if key not in self._figures:
            self._figures[key] = self._computed(*key)
        return self._figures[key]

    def _computed(self, day: str, at: str, average_days: int) -> pd.DataFrame:
        minutes = (pd.Timestamp(f"{day} {at}", tz="America/New_York") - self.hours[day][0]) // pd.Timedelta(
            "1min"
        )
        bars = self.regular[(self.regular["day"] == day) & (self.regular["minute"] < minutes)]
        typical = (bars["high"] + bars["low"] + bars["close"]) / 3
        bars = bars.assign(paid=typical * bars["volume"]).groupby("symbol")
        table = pd.DataFrame(
            {
                "last": bars["close"].last(),
                "day_open": bars["open"].first(),
                "day_high": bars["high"].max(),
                "day_volume": bars["volume"].sum(),
                "vwap": bars["paid"].sum() / bars["volume"].sum(),
            }
        )
        table["prev_close"] = self._prior_closes(day)
        table["gap_pct"] = (table["day_open"] / table["prev_close"] - 1) * 100
        table["change_open_pct"] = (table["last"] / table["day_open"] - 1) * 100
        table["avg_volume_to_now"] = self._average_volumes(day, minutes, average_days)
        return table

    def _prior_closes(self, day: str) -> pd.Series:
        """Return the last regular close of the trading day before, else that of the stored daily bar."""
        days = list(self.hours)
        before = days[days.index(day) - 1]
        closes = self.regular[self.regular["day"] == before].groupby("symbol")["close"].last()
        return closes.combine_first(self.daily[self.daily["day"] == before].set_index("symbol")["close"])

    def _average_volumes(self, day: str, minutes: int, average_days: int) -> pd.Series:
        """Return the mean volume of earlier days by the same minute; days without a bar do not count."""
        days = list(self.hours)
        at = days.index(day)
        earlier = self.regular[self.regular["day"].isin(days[max(0, at - average_days) : at])]
        there = earlier.groupby(["symbol", "day"])["volume"].size()
        so_far = earlier[earlier["minute"] < minutes].groupby(["symbol", "day"])["volume"].sum()
        return so_far.reindex(there.index, fill_value=0).groupby("symbol").mean()
