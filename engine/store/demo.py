"""Demo market: a store of synthetic bars, made on first use, and its session file."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.output_file import sync_folder, write_file
from tapedeck.engine.store.demo_market import DEMO_EXCHANGE, DEMO_SYMBOLS, demo_bars
from tapedeck.engine.store.locations import open_store

DEMO_LIVE_DAY: Final = date(2024, 11, 26)
"""Trading day of the demo market that is played as live."""
DEMO_LIVE_TIME: Final = time(11, 30)
"""Exchange time at which it begins: the morning is there at once, and one symbol is halted at 11:38."""
DEMO_VERSION: Final = 1
"""Version of the demo market's bars; a store of another version is replaced."""
_MARK: Final = "tapedeck demo market"
_FAR_FUTURE: Final = 1 << 40

Progress = Callable[[int, int], None]


def demo_session_document() -> dict[str, Any]:
    """Return the session file of the demo market: ten trading days with an early close."""
    return {
        "session_name": "Demo market (synthetic)",
        "exchange_group": DEMO_EXCHANGE,
        "asset_class": "EQUITY",
        "mode": "backtest",
        "backtest_config": {
            "start_date": "2024-11-22",
            "end_date": "2024-12-06",
            "speed_multiplier": 0,
            "prefetch_days": 2,
        },
        "session_data_config": {
            "symbols": list(DEMO_SYMBOLS),
            "streams": ["1m", "5m", "15m", "1d"],
            "historical": {
                "enable_quality": True,
                "data": [
                    {"trailing_days": 5, "intervals": ["1m"], "apply_to": "all"},
                    {"trailing_days": 260, "intervals": ["1d"], "apply_to": "all"},
                ],
                "indicators": {
                    "avg_volume": {
                        "type": "trailing_average",
                        "period": "10d",
                        "granularity": "daily",
                        "field": "volume",
                        "skip_early_close": True,
                    },
                    "avg_volume_minute": {
                        "type": "trailing_average",
                        "period": "5d",
                        "granularity": "minute",
                        "field": "volume",
                    },
                    "high_52w": {"type": "trailing_max", "period": "52w", "field": "high"},
                },
            },
            "indicators": {
                "sma_20": {"type": "SMA", "interval": "1m", "timeperiod": 20},
                "ema_20": {"type": "EMA", "interval": "1m", "timeperiod": 20},
                "rsi_14": {"type": "RSI", "interval": "1m", "timeperiod": 14},
                "macd": {"type": "MACD", "interval": "5m"},
                "vwap": {"type": "VWAP", "interval": "1m"},
                "rel_volume": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "avg_volume_minute"},
            },
        },
        "metadata": {"synthetic": True},
    }


def demo_live_document() -> dict[str, Any]:
    """Return the session file of a day of the demo market that is played as live."""
    document = demo_session_document()
    del document["backtest_config"]
    name = "Demo market as live (synthetic)"
    return document | {"session_name": name, "mode": "live", "api_config": {"data_api": "replay"}}


def ensure_demo_market(location: Path, *, progress: Progress | None = None) -> bool:
    """Make the demo market at `location` unless a complete one of this version exists; return True if made.

    Raises StoreError if `location` holds other data, which is not changed.
    """
    if is_demo_market(location):
        return False
    make_demo_market(location, progress=progress)
    return True


def make_demo_market(location: Path, *, progress: Progress | None = None) -> None:
    """Make the demo market: a database if `location` ends in .db, else a Parquet folder.

    It is made in a temporary folder, then renamed, so that it is never incomplete. An earlier demo market is
    replaced; StoreError if `location` holds other data, which is not changed. `progress` is called with the
    number of symbols done and their total.
    """
    _check_location(location)
    try:
        location.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_staging_prefix(location), dir=location.parent) as folder:
            made = Path(folder, location.name)
            _write(made, progress)
            _install(made, location)
    except (OSError, StoreError) as error:
        # Another process may have finished first, and removed this one's temporary folder.
        if not is_demo_market(location):
            raise StoreError(
                f"{location}: the demo market cannot be made here ({error}). "
                "Check the folder's permissions and the free space, or use another path"
            ) from error
    for leftover in location.parent.glob(f"{_staging_prefix(location)}*"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a killed run


def is_demo_market(location: Path) -> bool:
    """Whether `location` holds a complete demo market of this version."""
    stamp = _stamp(location)
    if not location.exists() or stamp is None or stamp.get("version") != DEMO_VERSION:
        return False
    try:
        return _spans(location) == stamp.get("spans")
    except StoreError:
        return False


def _write(location: Path, progress: Progress | None) -> None:
    with open_store(location, create=True) as store, store.batch():
        for done, (symbol, series) in enumerate(demo_bars()):
            if progress is not None:
                progress(done, len(DEMO_SYMBOLS))
            for interval, bars in series.items():
                store.write(symbol, interval, bars)
    if progress is not None:
        progress(len(DEMO_SYMBOLS), len(DEMO_SYMBOLS))


def _spans(location: Path) -> dict[str, list[int | None]]:
    # First and last time of every demo series; they show whether a store is incomplete.
    with open_store(location) as store:
        return {
            f"{symbol} {interval}": [
                store.first_at_or_after(symbol, interval, 0),
                store.last_before(symbol, interval, _FAR_FUTURE),
            ]
            for symbol in DEMO_SYMBOLS
            for interval in (MINUTE, DAY)
        }


def _install(made: Path, location: Path) -> None:
    # The stamp first: a store without one counts as the user's own, and is never replaced.
    stamp = {"content": _MARK, "version": DEMO_VERSION, "spans": _spans(made)}
    if location.is_dir():
        shutil.rmtree(location)
    elif location.exists():
        location.unlink()
    write_file(_stamp_path(made), json.dumps(stamp, indent=1).encode())
    os.replace(_stamp_path(made), _stamp_path(location))
    os.replace(made, location)
    sync_folder(location.parent)


def _check_location(location: Path) -> None:
    if not location.exists():
        return
    stamp = _stamp(location)
    if stamp is None:
        raise StoreError(
            f"{location} exists, and is not a demo market; it was not changed. "
            "Use another path for the demo market, or move this one"
        )
    try:
        with open_store(location) as store:
            own = set(store.series()) - set(DEMO_SYMBOLS)
    except StoreError:
        return  # an unreadable demo market can be replaced without loss
    if own:
        raise StoreError(
            f"{location} is an incomplete or older demo market, but also holds {', '.join(sorted(own)[:5])}; "
            "it was not changed. Move it, and a new demo market is made"
        )


def _stamp(location: Path) -> dict[str, Any] | None:
    try:
        stamp = json.loads(_stamp_path(location).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) and stamp.get("content") == _MARK else None


def _stamp_path(location: Path) -> Path:
    return location.with_name(f"{location.name}.demo.json")


def _staging_prefix(location: Path) -> str:
    return f".{location.name}.making-"
