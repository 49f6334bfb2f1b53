"""docs/indicators.md: a section for each own kind and family, and figures that are the registry's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.talib_adapter import talib_kinds
from tapedeck.engine.indicators.talib_formulas import TALIB_FORMULAS
from tapedeck.engine.indicators.undefined import RULES
from tapedeck.engine.indicators.warm_up import ALL_STORED
from tapedeck.engine.intervals import DAY, Interval

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "indicators.md").read_text(encoding="utf-8")
HEADINGS: Final = set(re.findall(r"[A-Z][A-Z0-9_]+", " ".join(re.findall(r"^### (.*)$", PAGE, re.MULTILINE))))
FIVE: Final = Interval.parse("5m")
TALIB: Final = sorted(set(talib_kinds()) - set(REGISTRY.own_types()))
MINUTES_OF_A_SESSION: Final = 390


def table(first_column: str) -> dict[str, list[str]]:
    """Return the rows of the table whose head begins with a cell, by their first cell."""
    lines = PAGE[PAGE.index(f"| {first_column} |") :].splitlines()[2:]
    rows: dict[str, list[str]] = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[name] = cells
    return rows


@pytest.mark.parametrize("kind", REGISTRY.own_types())
def test_an_own_kind_has_a_section(kind: str) -> None:
    assert kind in HEADINGS


def test_every_recursive_cumulative_and_well_known_function_is_in_the_heading_of_its_family() -> None:
    recursive = {kind for kind in TALIB if REGISTRY.kind(kind).is_recursive({})}
    cumulative = {kind for kind in TALIB if IndicatorSpec("x", kind, DAY).history_bars == ALL_STORED}
    well_known = set(TALIB_FORMULAS) - {"MAX", "MIN"}
    assert (recursive | cumulative | well_known | set(RULES)) - HEADINGS == set()
    assert HEADINGS - set(TALIB) - set(REGISTRY.own_types()) <= {"TA", "CDL"}
    [row] = [name for name in table("kind") if name.startswith("cumulative")]
    assert set(re.findall(r"[A-Z]{2,}", row)) == cumulative


def test_the_table_of_history_is_that_of_the_rules() -> None:
    rows = table("type | parameters | bars")
    assert len(rows) > 10
    for kind, (parameters, bars, *sessions) in rows.items():
        given = dict(re.findall(r"(\w+) ([\d.]+)", parameters))
        kinds = REGISTRY.kind(kind).parameters
        spec = IndicatorSpec("x", kind, FIVE, {n: type(kinds[n].default)(v) for n, v in given.items()})
        assert set(given) == set(kinds)
        assert bars == f"{spec.history_bars:,}"
        for minutes, cell in zip((1, 5, 15, 60), sessions, strict=False):
            per_session = -(-MINUTES_OF_A_SESSION // minutes)
            assert int(cell) == max(2, -(-spec.history_bars // per_session)), kind
        assert sessions[-1] == f"{spec.history_bars:,}"


def test_every_function_that_is_undefined_over_flat_windows_is_listed() -> None:
    named = set(re.findall(r"[A-Z][A-Z_]+", " ".join(table("type | no value where"))))
    # RVOL and VWMA are undefined in TA-Lib itself.
    assert named == {*RULES, "STOCHRSI", "RVOL", "VWMA"}
