"""Variants of the prices in one table: of bid, ask or middle, or in several currencies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tapedeck.engine.importers.column_names import PRICES, USUAL, plain_name
from tapedeck.engine.importers.column_order import positions_of
from tapedeck.engine.importers.column_sample import ColumnSample
from tapedeck.engine.importers.file_rows import UnclearFileError

_IN_BRACKETS: Final = re.compile(r"(.*)[(\[]([^()\[\]]+)[)\]]\s*")


def find_variant(
    file: Path, sample: ColumnSample, found: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the prices (role to column) of the only variant in a table, and a note; nothing without one.

    `found`: columns of other roles. Raises UnclearFileError with a way for each of several variants.
    """
    variants = _sides(sample) | _in_brackets(sample)
    if len(variants) > 1:
        volume = sample.first_named(USUAL["volume"])
        others = dict(found) | ({"volume": volume} if volume is not None else {})
        ways = [{"--columns": positions_of(sample.names, others | prices)} for prices in variants.values()]
        raise UnclearFileError(file, f"it has prices of {' and of '.join(variants)}; choose one", ways)
    for label, prices in variants.items():
        return prices, (f"the prices are those of {label}",)
    return {}, ()


def _sides(sample: ColumnSample) -> dict[str, dict[str, str]]:
    variants = {}
    for side in ("bid", "ask", "mid"):
        forms = {role: (f"{side}{role}", f"{role}{side}", f"{side}{role[0]}") for role in PRICES}
        prices = {role: sample.first_named(names) for role, names in forms.items()}
        if all(prices.values()):
            variants[side] = {role: name for role, name in prices.items() if name is not None}
    return variants


def _in_brackets(sample: ColumnSample) -> dict[str, dict[str, str]]:
    # `open (USD)`, `high (USD)`, ...
    variants: dict[str, dict[str, str]] = {}
    for name in sample.names:
        match = _IN_BRACKETS.fullmatch(name)
        if match and (role := plain_name(match[1])) in PRICES:
            variants.setdefault(match[2].strip(), {}).setdefault(role, name)
    return {label: prices for label, prices in variants.items() if len(prices) == len(PRICES)}
