"""Explanations of symbols that joined a session: those of a run that has them from the open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.read.explain.explanation import Explanation
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.quotes import fill_quotes
from tests.support.runs import LIMIT_S, at_frontier
from tests.support.tapes import sessions_of

JOINED = ("DAYS", "LATE")
"""With stored 1d bars; listed five sessions before."""
FIRST = date(2013, 11, 26)
HISTORICAL = {
    "data": [{"trailing_days": 2, "intervals": ["1m", "1d", "1w"]}],
    "indicators": {
        "usual": {"type": "trailing_average", "period": "2d", "granularity": "minute", "field": "volume"},
        "high_2w": {"type": "trailing_max", "period": "2w", "field": "high"},
    },
}


def indicators() -> dict[str, dict[str, object]]:
    """Return every own kind, and of TA-Lib one of each way to count history, on several intervals."""
    found: dict[str, dict[str, object]] = {}
    for type_ in REGISTRY.own_types():
        against = {} if REGISTRY.kind(type_).against is None else {"against": "usual"}
        found[f"{type_.lower()}_1m"] = {"type": type_, "interval": "1m", **against}
    for type_, interval in (
        ("RSI", "1m"), ("EMA", "5m"), ("SMA", "1d"), ("OBV", "1m"), ("AD", "1d"), ("SMA", "1w"), ("AD", "1w"),
    ):  # fmt: skip
        length = {"timeperiod": 2} if type_ in ("RSI", "EMA", "SMA") else {}
        found[f"{type_.lower()}_{interval}"] = {"type": type_, "interval": interval, **length}
    return found


def config_of(symbols: Sequence[str]) -> SessionConfig:
    return session_file(
        symbols,
        ["1m", "5m", "1d", "quotes"],
        "2013-11-26",
        "2013-11-27",
        historical=HISTORICAL,
        indicators=indicators(),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    with open_new_store(tmp_path / "bars") as made:
        fill_store(made, ("AAA", "BBB"), "2013-11-04", "2013-11-27", missing=0.05)
        fill_store(made, ("DAYS",), "2013-11-11", "2013-11-27", missing=0.1, seed=3)
        fill_store(made, ("DAYS",), "2013-10-21", "2013-11-27", interval=DAY, seed=4)
        fill_quotes(made, "LATE", "2013-11-26", "2013-11-26", missing=0.6)
        listed = [SessionSlots(day, MINUTE).opened_at for day in sessions_of("2013-11-19", "2013-11-27")]
        made.write("LATE", MINUTE, random_bars(np.concatenate(listed), seed=7, missing=0.1))
        yield made


def started(config: SessionConfig, store: BarStore) -> SystemManager:
    system = SystemManager(config, store, tape_cache_bytes=1)
    system.start(paused=True)
    return system


def go_to(system: SystemManager, session: int, frontier: int, slots: int) -> None:
    system.step(slots)
    assert system.wait_for(at_frontier(system, session, frontier), LIMIT_S)


def explained(system: SystemManager, symbol: str, frontier: int | None = None, day: date | None = None):
    """Return the explanations of all numbers of a symbol."""
    session = None if day is None else system.recompute_session(day)
    view = (session or system.session_data).view(frontier)
    assert view is not None
    names = [*FIELDS, "last", "quality", "missing", "gaps", *DAY_FIGURES]
    names += [*QUOTE_FIGURES, *view.indicator_names(), *view.historical_names()]
    wanted = [(name, None) for name in names] + [("close", i) for i in view.intervals]
    return {
        (name, interval): system.explain(symbol, name, frontier, interval=interval, session=session)
        for name, interval in wanted
    }


def parts(found: object) -> list[object]:
    """Return the fields of an explanation, arrays as their bits."""
    if isinstance(found, np.ndarray):
        return [found.dtype, found.shape, found.tobytes()]
    if isinstance(found, tuple):
        return [parts(part) for part in found]
    if hasattr(found, "__dataclass_fields__"):
        return [(field.name, parts(getattr(found, field.name))) for field in fields(found)]
    return [found]


def differing(one: dict[object, Explanation], other: dict[object, Explanation]) -> list[object]:
    assert one.keys() == other.keys()
    return [key for key in other if repr(parts(one[key])) != repr(parts(other[key]))]


def test_all_numbers_of_a_joined_symbol_are_explained_as_if_it_had_been_there(store: BarStore) -> None:
    """While it is there, looking back once it has left, and on an earlier day."""
    with_all, joins = (
        started(config_of(["AAA", "BBB", *JOINED]), store),
        started(config_of(["AAA", "BBB"]), store),
    )
    try:
        go_to(with_all, 1, 300, 300)
        go_to(joins, 1, 100, 100)
        for symbol in JOINED:
            joins.add_symbol(symbol, keep=symbol == "LATE")
        joins.remove_symbol("AAA")
        go_to(joins, 1, 300, 200)
        for symbol in (*JOINED, "BBB"):
            wanted = explained(with_all, symbol)
            assert differing(explained(joins, symbol), wanted) == [], symbol
        wanted_data = with_all.session_data.get_symbol_data("LATE").historical
        found_data = joins.session_data.get_symbol_data("LATE").historical
        assert repr(parts(found_data.bars[MINUTE])) == repr(parts(wanted_data.bars[MINUTE]))
        joins.remove_symbol("DAYS")
        with pytest.raises(EngineError, match="unknown symbol 'DAYS'"):
            joins.explain("DAYS", "last")
        for symbol, frontier in (("DAYS", 250), ("AAA", 60)):
            assert differing(explained(joins, symbol, frontier), explained(with_all, symbol, frontier)) == []
        for system in (with_all, joins):
            go_to(system, 2, 10, 390 - 300 + 10)
            assert system.wait_until_recorded(LIMIT_S)
        assert differing(explained(joins, "LATE"), explained(with_all, "LATE")) == []
        for symbol, frontier in (("LATE", None), ("DAYS", 250)):
            ours, theirs = (explained(run, symbol, frontier, day=FIRST) for run in (joins, with_all))
            assert differing(ours, theirs) == []
    finally:
        with_all.stop(LIMIT_S)
        joins.stop(LIMIT_S)
