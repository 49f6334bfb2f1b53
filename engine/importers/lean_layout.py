"""Layout of LEAN's folders: market, symbol, interval and day from a path, and the files to import."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.report import SkippedFile
from tapedeck.engine.importers.zones import FIRST_YEAR, LAST_YEAR
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.symbols import symbol_fault

_EQUITY_SCALE: Final = 10000.0
_INTERVALS: Final = {"second": SECOND, "minute": MINUTE, "daily": DAY}
_ASSET_CLASSES: Final = ("equity", "crypto", "index")
_RESOLUTIONS: Final = (*_INTERVALS, "hour", "tick")
_ZONES: Final = {
    "usa": "America/New_York",
    "india": "Asia/Kolkata",
    "hkfe": "Asia/Hong_Kong",
    "eurex": "Europe/Berlin",
    "ose": "Asia/Tokyo",
}
_EXPECTED: Final = (
    "name a folder of LEAN data (it has folders such as equity, crypto or index), a folder in it, or one "
    "file. Expected paths are equity/usa/minute/spy/20131007_trade.zip, equity/usa/daily/spy.zip, "
    "crypto/coinbase/minute/btcusd/20180404_trade.zip or index/usa/minute/spx/20210104_trade.zip"
)
_DAY_FILE: Final = re.compile(r"(\d{8})_(trade|quote|openinterest)\.zip")


@dataclass(frozen=True, slots=True)
class LeanFile:
    """A LEAN file, described by its path.

    `day` is the trading day of a second or minute file, None for daily bars; `zone` the time zone of its
    times, `scale` the number by which its prices are divided. `is_quotes`: bars of bid and ask.
    """

    path: Path
    asset_class: str
    market: str
    symbol: str
    interval: Interval
    day: date | None
    zone: ZoneInfo
    scale: float
    is_quotes: bool = False


def find_lean_files(root: Path) -> tuple[list[LeanFile], list[SkippedFile]]:
    """Return the files of trades and quotes below `root` (or `root` itself), by path, and the skipped files.

    Raises BarImportError where `root` does not exist, holds no bars of LEAN, or holds bars of one
    symbol from two markets, which a store cannot keep apart.
    """
    root = Path(os.path.abspath(root))
    if not root.exists():
        raise BarImportError(f"{root} does not exist: {_EXPECTED}")
    found: list[LeanFile] = []
    skipped: list[SkippedFile] = []
    for path in [root] if root.is_file() else sorted(_files_below(root)):
        lean_file = describe(path)
        if isinstance(lean_file, LeanFile):
            found.append(lean_file)
        else:
            skipped.append(SkippedFile(path, lean_file))
    if not found:
        raise BarImportError(_nothing_found(root, skipped))
    _check_markets(found)
    return found, skipped


def describe(path: Path) -> LeanFile | str:
    """Return the LEAN file at `path`, or the reason why it cannot be imported."""
    folders = [part.lower() for part in path.parts[:-1]]
    name = path.name.lower()
    if not name.endswith(".zip"):
        return "not a zip file of bars"
    for depth in (1, 2):
        # Daily files share one folder; files of a day are in a folder of their symbol.
        resolution = folders[-depth] if len(folders) >= depth + 2 else ""
        if resolution in _RESOLUTIONS:
            market, asset_class = folders[-depth - 1], folders[-depth - 2]
            reason = _unfit(asset_class, market, resolution, depth)
            return reason or _describe_bars(path, asset_class, market, resolution)
    return "not in a folder of second, minute or daily bars"


def _unfit(asset_class: str, market: str, resolution: str, depth: int) -> str | None:
    if asset_class not in _ASSET_CLASSES:
        return f"asset class {asset_class!r} is not supported, only {', '.join(_ASSET_CLASSES)}"
    if resolution == "hour":
        return "hour bars are derived from finer ones, not stored: import minute bars"
    if resolution == "tick":
        return "ticks are not stored: import second or minute bars"
    if depth != (1 if resolution == "daily" else 2):
        place = "directly in the folder 'daily'" if depth == 2 else "in a folder named after their symbol"
        return f"{resolution} bars are expected {place}"
    if asset_class != "crypto" and market not in _ZONES:
        return f"market {market!r} is not supported, only {', '.join(_ZONES)}: its time zone is unknown"
    return None


def _describe_bars(path: Path, asset_class: str, market: str, resolution: str) -> LeanFile | str:
    name = path.name.lower()
    day, symbol = None, path.parent.name
    kind = "trade"
    if resolution == "daily":
        symbol, _, kind = path.stem.partition("_")
    elif (match := _DAY_FILE.fullmatch(name)) is None:
        return "the name should be like 20131007_trade.zip"
    else:
        kind, day = match[2], _date(match[1])
        if day is None:
            return "the name should begin with a date like 20131007"
    if fault := symbol_fault(symbol):
        return fault
    if kind.lower() not in ("", "trade", "quote"):
        return f"{kind.lower()} bars are not stored, only those of trades and quotes"
    return LeanFile(
        path=path,
        asset_class=asset_class,
        market=market,
        symbol=symbol.upper(),
        interval=_INTERVALS[resolution],
        day=day,
        zone=ZoneInfo("UTC" if asset_class == "crypto" else _ZONES[market]),
        scale=_EQUITY_SCALE if asset_class == "equity" else 1.0,
        is_quotes=kind.lower() == "quote",
    )


def _date(digits: str) -> date | None:
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _files_below(root: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        # A link to a folder above would never end.
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in names)


def _check_markets(found: list[LeanFile]) -> None:
    places: dict[str, str] = {}
    for file in found:
        place = f"{file.asset_class}/{file.market}"
        other = places.setdefault(file.symbol, place)
        if other != place:
            raise BarImportError(
                f"{file.symbol} is in both {other} and {place}, but a store holds one series per symbol. "
                "Import one of the two folders, or each into a separate store"
            )


def _nothing_found(root: Path, skipped: list[SkippedFile]) -> str:
    if not skipped:
        return f"no files in {root}: {_EXPECTED}"
    reason, count = Counter(entry.reason for entry in skipped).most_common(1)[0]
    if root.is_file():
        return f"{root} cannot be imported ({reason}): {_EXPECTED}"
    skips = f"{count:,} of {len(skipped):,} files skipped: {reason}"
    return f"no LEAN bars in {root} ({skips}): {_EXPECTED}"
