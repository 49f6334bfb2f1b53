"""Columns of the volume: one, several to add up, or none; of base and quote currency, the base."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.importers.column_names import TICK_VOLUMES, USUAL, plain_name
from tapedeck.engine.importers.column_sample import ColumnSample
from tapedeck.engine.importers.file_rows import UnclearFileError

_OTHER_WORDS: Final = re.compile(
    r"ma\d*|sma\d*|ema\d*|avg|average|mean|delta|change|chg|pct|percent|weighted|quote|buy|sell|taker|bid|ask|profile|osc|oscillator|ratio|usdt?perc"
)
_LIKELY: Final = re.compile(r"vol|qty|quantity|shares|size|amount|contracts")
# `Volume (000s)`, `Volume (K)`, `volume_mln`.
_MULTIPLE: Final = re.compile(
    r"(?<![A-Za-z0-9])(000s?|000000s?|thousands?|k|mln|mm|m|millions?|lakhs?|crores?|cr)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_NEARLY: Final = 0.2
_CLOSELY: Final = 0.05
_SHOWN: Final = 5


def find_volume(
    file: Path, sample: ColumnSample, close: str, taken: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns to add up for the volume, none where the table has none, and notes.

    Raises UnclearFileError where several columns may be the volume.
    """
    exact = sample.first_named(USUAL["volume"], taken)
    ticks = sample.first_named(TICK_VOLUMES, taken)
    if exact is not None and ticks is not None and _is_zero(sample, exact) and not _is_zero(sample, ticks):
        return (ticks,), (f"column {exact!r} holds zeros only: volume is read from {ticks!r}",)
    if exact is not None and (base := _base_beside(sample, exact, close, taken)) is not None:
        return (base,), (f"volume is read from {base!r}; {exact!r} is the same times the price",)
    if exact is not None:
        return (exact,), ()
    if ticks is not None:
        return (ticks,), (f"volume is read from {ticks!r}",)
    return _by_kind(file, sample, close, taken)


def _by_kind(
    file: Path, sample: ColumnSample, close: str, taken: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    free = [name for name in sample.names if name not in taken]
    sides = [sample.first_named((side, f"{side}volume"), taken) for side in ("up", "down")]
    halves = tuple(name for name in sides if name is not None and sample.is_numeric(name))
    if len(halves) == 2:
        return halves, (f"volume is the sum of {halves[0]!r} and {halves[1]!r}",)
    kinds = [name for name in free if _is_kind_of_volume(name)]
    if counted := [name for name in kinds if _MULTIPLE.search(name)]:
        raise _unclear(file, "volumes counted in thousands or more are stored as they are written", counted)
    if len(kinds) == 1:
        return (kinds[0],), ()
    if kinds:
        return _base_of(file, sample, close, kinds)
    likely = [name for name in free if _LIKELY.search(plain_name(name)) and sample.is_numeric(name)]
    if likely:
        raise _unclear(file, "no column is known as the volume", likely)
    return (), ()


def without_volume(sample: ColumnSample, taken: Collection[str]) -> str:
    """Return the note on a table without a volume, with the other columns of numbers, which may be one."""
    note = "no volume column: volume is stored as 0"
    left = [name for name in sample.names if name not in taken and sample.is_numeric(name)]
    if not left:
        return note
    shown = ", ".join(map(repr, left[:_SHOWN])) + (", ..." if len(left) > _SHOWN else "")
    return f"{note} (not read: {shown}; --column volume=NAME takes one)"


def _is_kind_of_volume(name: str) -> bool:
    # `Volume BTC`, `Volume_(Currency)`, `usd_volume`, but not `Volume MA`.
    words = [word for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name.strip()) if word]
    rest = [word.casefold() for word in words if word.casefold() not in ("volume", "vol")]
    return len(rest) == len(words) - 1 == 1 and not _OTHER_WORDS.fullmatch(rest[0])


def _base_of(
    file: Path, sample: ColumnSample, close: str, names: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    # The volume in the quote currency is that in the base currency times the price.
    fitting = [
        (base, quote)
        for base in names
        for quote in names
        if base != quote
        and _is_product(sample, quote, base, close)
        and not _is_product(sample, base, quote, close)
    ]
    bases = {base for base, _ in fitting}
    if len(bases) == 1 and len(names) == 2:
        base, quote = fitting[0]
        return (base,), (f"volume is read from {base!r}; {quote!r} is the same times the price",)
    raise _unclear(file, "several columns may be the volume", names)


def _is_product(sample: ColumnSample, quote: str, base: str, close: str) -> bool:
    if not all(map(sample.is_numeric, (quote, base, close))):
        return False
    values = sample.numbers(base) * sample.numbers(close)
    sound = np.isfinite(values) & (values > 0) & np.isfinite(sample.numbers(quote))
    if not sound.any():
        return False
    ratio = float(np.median(sample.numbers(quote)[sound] / values[sound]))
    return abs(ratio - 1) <= _NEARLY


def _base_beside(sample: ColumnSample, exact: str, close: str, taken: Collection[str]) -> str | None:
    # Another volume of which `exact` is the value in money, row by row, as with Huobi's `amount` and `vol`.
    if not sample.is_numeric(exact) or not sample.is_numeric(close):
        return None
    for name in sample.names:
        is_other = name != exact and name not in taken and sample.is_numeric(name)
        if not is_other or not _LIKELY.search(plain_name(name)):
            continue
        values = sample.numbers(name) * sample.numbers(close)
        sound = np.isfinite(values) & (values > 0) & (sample.numbers(exact) > 0)
        ratios = sample.numbers(exact)[sound] / values[sound]
        is_same_size = bool((np.abs(sample.numbers(close)[sound] - 1) < _NEARLY).any())
        if len(ratios) and not is_same_size and bool((np.abs(ratios - 1) <= _CLOSELY).all()):
            return name
    return None


def _is_zero(sample: ColumnSample, name: str) -> bool:
    return sample.is_numeric(name) and not np.nan_to_num(sample.numbers(name)).any()


def _unclear(file: Path, fault: str, names: Sequence[str]) -> UnclearFileError:
    shown = ", ".join(map(repr, names[:5]))
    return UnclearFileError(
        file, f"{fault}: {shown}. Name it", [{"--column": f"volume={name}"} for name in names[:5]]
    )
