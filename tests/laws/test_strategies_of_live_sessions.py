"""Strategies of a live session do what they do in the backtest of its bars, wherever it is killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.live_sessions import MARKETS, Run, Template, scratch, template

NAMES = ("early close", "break")


@pytest.fixture(scope="module")
def templates() -> Iterator[dict[str, Template]]:
    with scratch() as folder:
        yield {name: template(folder / name, MARKETS[name], is_short=False) for name in NAMES}


@pytest.mark.parametrize(("seeds", "kills"), [(range(100, 102), 0), (range(200, 202), 20)])
def test_orders_fills_and_equity_are_those_of_the_backtest_also_if_the_run_is_killed_at_twenty_moments(
    templates: dict[str, Template], seeds: range, kills: int
) -> None:
    counts: Counter[str] = Counter()
    with scratch() as folder:
        for seed in seeds:
            outcome = Run(seed, templates, folder / "run").calm(kills).outcome()
            assert not outcome.findings
            counts += outcome.counts
    assert counts["accounts compared with the backtest"] == len(seeds)
    assert counts["fills"] > 30 * len(seeds)
    assert counts["kills"] >= kills * len(seeds) * 0.8
    assert (counts["fills before kills"] > 0) == (kills > 0)


@pytest.mark.parametrize(("seeds", "kills"), [(range(110, 111), 0), (range(211, 212), 20)])
def test_so_are_those_of_strategies_that_decide_on_quotes(
    templates: dict[str, Template], seeds: range, kills: int
) -> None:
    counts: Counter[str] = Counter()
    with scratch() as folder:
        for seed in seeds:
            run = Run(seed, templates, folder / "run").calm(kills, has_quotes=True)
            outcome = run.outcome()
            assert not outcome.findings
            counts += outcome.counts
    assert counts["accounts compared with the backtest"] == len(seeds)
    assert counts["fills"] > 10 * len(seeds)
    assert counts["quotes stored"] > 8 * len(seeds)  # those due while it is killed are never sent
    assert (counts["fills before kills"] > 0) == (kills > 0)
