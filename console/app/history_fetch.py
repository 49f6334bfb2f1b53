"""Reads the earlier bars that charts show, in a thread, after the frame that lacks them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Protocol

from textual.app import App

from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.chart_histories import HistoryKey
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.engine.intervals import Interval

_GROUP: Final = "histories"


class HistoryReader(Protocol):
    """A chart that shows earlier bars."""

    symbol: str
    interval: Interval

    @property
    def wanted_history(self) -> int:
        """Number of earlier candles that it can show; 0 while it is hidden."""
        ...


class HistoryFetch:
    """Reads earlier bars of the charts, for one of them at a time, for `Playback.histories`.

    None are read at maximum speed, where each frame shows another day.
    """

    def __init__(self, app: App[Any], playback: Playback) -> None:
        self._app = app
        self._playback = playback
        self._is_reading = False

    def follow(self, shown: ViewState | None, charts: Sequence[HistoryReader]) -> None:
        """Read what the charts lack; called after each frame, as what they want changes without the run."""
        lacking = None if self._is_reading else self.lacking(shown, charts)
        if lacking is not None:
            self._is_reading = True
            self._app.run_worker(self._fetch(*lacking), group=_GROUP)

    def lacking(
        self, shown: ViewState | None, charts: Sequence[HistoryReader]
    ) -> tuple[HistoryKey, int] | None:
        """Return what is to be read next, and how many candles, None if all is there, or nothing is read."""
        if shown is None or shown.view is None:
            return None
        if shown.is_past_playing and not shown.past_speed if shown.is_past else shown.is_racing:
            return None
        for chart in charts:
            key = HistoryKey(shown.view.trading_day, chart.symbol, chart.interval)
            if chart.wanted_history and self._playback.histories.lacks(key, chart.wanted_history):
                return key, chart.wanted_history
        return None

    async def _fetch(self, key: HistoryKey, candles: int) -> None:
        playback = self._playback
        histories, system = playback.histories, playback.system
        read = partial(system.bars_before, *key, candles)
        try:
            task = f"reading {key.interval} bars of {key.symbol} before {key.trading_day}"
            histories.put(key, candles, await run_in_background(task, read, self._notify_error))
        finally:
            self._is_reading = False

    def _notify_error(self, text: str) -> None:
        self._app.notify(f"no earlier bars: {text}", severity="warning", timeout=10)
