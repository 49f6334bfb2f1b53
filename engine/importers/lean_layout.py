"""Where LEAN keeps bars: what a path in its folders says of the file, and which files can be imported."""

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
from tapedeck.engine.importers.symbols import symbol_fault
from tapedeck.engine.importers.zones import FIRST_YEAR, LAST_YEAR
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval

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
    "expected are folders like equity/usa/minute/spy/20131007_trade.zip, equity/usa/daily/spy.zip, "
    "crypto/coinbase/minute/btcusd/20180404_trade.zip or index/usa/minute/spx/20210104_trade.zip; "
    "name the folder that holds equity, crypto or index, or any folder or file below"
)
_DAY_FILE: Final = re.compile(r"(\d{8})_(trade|quote|openinterest)\.zip")


@dataclass(frozen=True, slots=True)
class LeanFile:
    """What the path of a LEAN file says of the bars in it.

    `day` is the trading day of a second or minute file, None for daily bars; `zone` that of its times,
    `scale` the number by which its prices are divided.
    """

    path: Path
    asset_class: str
    market: str
    symbol: str
    interval: Interval
    day: date | None
    zone: ZoneInfo
    scale: float


def find_lean_files(root: Path) -> tuple[list[LeanFile], list[SkippedFile]]:
    """Return the trade bars below `root` (or in it, if it is one file), by path, and what else lies there.

    Raises BarImportError where `root` does not exist, holds no trade bars of LEAN, or holds one symbol's
    bars of two markets, which a store could not tell apart.
    """
    root = Path(os.path.abspath(root))
    if not root.exists():
        raise BarImportError(f"{root} does not exist; {_EXPECTED}")
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
    """Return what the path says of a file of LEAN bars, or the reason why it cannot be imported."""
    folders = [part.lower() for part in path.parts[:-1]]
    name = path.name.lower()
    if not name.endswith(".zip"):
        return "it is no zip file of bars"
    for depth in (1, 2):
        # Daily files lie beside each other, those of a day in a folder of their symbol.
        resolution = folders[-depth] if len(folders) >= depth + 2 else ""
        if resolution in _RESOLUTIONS:
            market, asset_class = folders[-depth - 1], folders[-depth - 2]
            reason = _unfit(asset_class, market, resolution, depth)
            return reason or _describe_bars(path, asset_class, market, resolution)
    return "it lies in no folder of second, minute or daily bars"


def _unfit(asset_class: str, market: str, resolution: str, depth: int) -> str | None:
    if asset_class not in _ASSET_CLASSES:
        return f"bars of {asset_class!r} are not imported, only those of {', '.join(_ASSET_CLASSES)}"
    if resolution == "hour":
        return "hour bars are derived from finer ones, not stored: import minute bars"
    if resolution == "tick":
        return "ticks are not stored: import second or minute bars"
    if depth != (1 if resolution == "daily" else 2):
        place = "beside each other" if depth == 2 else "into a folder of their symbol"
        return f"{resolution} bars belong {place}"
    if asset_class != "crypto" and market not in _ZONES:
        return f"the time zone of market {market!r} is not known, only of {', '.join(_ZONES)}"
    return None


def _describe_bars(path: Path, asset_class: str, market: str, resolution: str) -> LeanFile | str:
    name = path.name.lower()
    day, symbol = None, path.parent.name
    kind = "trade"
    if resolution == "daily":
        symbol, _, kind = path.stem.partition("_")
    elif (match := _DAY_FILE.fullmatch(name)) is None:
        return "its name is not like 20131007_trade.zip"
    else:
        kind, day = match[2], _date(match[1])
        if day is None:
            return "its name begins with no date like 20131007"
    if fault := symbol_fault(symbol):
        return fault
    if kind.lower() not in ("", "trade"):
        return f"it holds {kind.lower()} bars; only trade bars are stored"
    return LeanFile(
        path=path,
        asset_class=asset_class,
        market=market,
        symbol=symbol.upper(),
        interval=_INTERVALS[resolution],
        day=day,
        zone=ZoneInfo("UTC" if asset_class == "crypto" else _ZONES[market]),
        scale=_EQUITY_SCALE if asset_class == "equity" else 1.0,
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
        # A link to a folder above would lead round for ever.
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
                f"{file.symbol} is there twice, in {other} and in {place}, and one store cannot hold both "
                f"under one name. Import one of the two folders, or each into a store of its own"
            )


def _nothing_found(root: Path, skipped: list[SkippedFile]) -> str:
    if not skipped:
        return f"{root} holds no files; {_EXPECTED}"
    reason, count = Counter(entry.reason for entry in skipped).most_common(1)[0]
    if root.is_file():
        return f"{root} cannot be imported: {reason}; {_EXPECTED}"
    passed = f"{count:,} of its {len(skipped):,} files were passed over ({reason})"
    return f"{root} holds no LEAN trade bars: {passed}; {_EXPECTED}"
