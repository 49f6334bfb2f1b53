"""Law of confirmed-empty slots: scores and gaps are those of pandas over bars and facts, in any store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.run.editions import Corrections, mended
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.coverage import measure_coverage
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import BarGrid
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape
from tests.support.files import session_file
from tests.support.markets import open_new_store, random_bars
from tests.support.runs import LIMIT_S, KeepRecords, play_recorded
from tests.support.tapes import random_values
from tests.support.tapes import slots_of as session_slots

SYMBOLS = ("AAA", "BBB")
EARLIER, DAY_PLAYED = "2013-11-27", "2013-11-29"  # around Thanksgiving; the second has 210 minutes
MINUTES = exchange_calendars.get_calendar("XNYS", start="2013-11-01", end="2013-12-31")


def labels(day: str) -> pd.Index:
    """Return the minutes of a session by the calendar, seconds UTC."""
    return pd.Index([int(minute.timestamp()) for minute in MINUTES.session_minutes(day)])


REGULAR = frozenset([*labels(EARLIER), *labels(DAY_PLAYED)])


class Market(NamedTuple):
    """Minutes of each symbol, of both days: those without a bar, and those confirmed empty."""

    missing: Mapping[str, frozenset[int]]
    facts: Mapping[str, frozenset[int]]

    def bars(self, symbol: str) -> frozenset[int]:
        """Return the minutes with a bar."""
        return REGULAR - self.missing[symbol]


def seconds(times: Iterable[str]) -> list[int]:
    return [int(pd.Timestamp(time).timestamp()) for time in times]


@st.composite
def runs(draw: st.DrawFn) -> frozenset[int]:
    """Draw minutes of both days as a few runs; some reach past the session, a minute may be drawn twice."""
    found: set[int] = set()
    for day, length in ((EARLIER, 390), (DAY_PLAYED, 210)):
        opened = int(labels(day)[0])
        for _ in range(draw(st.integers(0, 5))):
            first = draw(st.integers(-3, length))
            slots = range(first, first + draw(st.sampled_from((1, 2, 3, 7, 30))))
            found |= {opened + 60 * slot for slot in slots}
    return frozenset(found)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Draw a market: missing bars and facts overlap in any way."""
    missing = {symbol: draw(runs()) for symbol in SYMBOLS}
    facts = {}
    for symbol in SYMBOLS:
        confirmed = draw(st.sampled_from(("none", "all", "some", "any")))
        some = frozenset(sorted(missing[symbol])[::2])
        facts[symbol] = {
            "none": frozenset(), "all": missing[symbol], "some": some, "any": draw(runs())
        }[confirmed]  # fmt: skip
    return Market(missing, facts)


def fill(store: BarStore, market: Market) -> None:
    for number, symbol in enumerate(SYMBOLS):
        times = np.array(sorted(market.bars(symbol)), np.int64)
        store.confirm_empty(symbol, MINUTE, np.array(sorted(market.facts[symbol])[::3], np.int64))
        store.write(symbol, MINUTE, random_bars(times, seed=number))
        store.confirm_empty(symbol, MINUTE, np.array(sorted(market.facts[symbol]), np.int64))


def slots_of(market: Market, symbol: str, day: str) -> pd.DataFrame:
    """Return the slots of a session: whether each has a bar, and whether it is expected to."""
    index = labels(day)
    has_bar = index.isin(market.bars(symbol))
    return pd.DataFrame({"bar": has_bar, "expected": has_bar | ~index.isin(market.facts[symbol])}, index)


def gaps_of(slots: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the first and last label of each run of expected slots without a bar."""
    missing = slots["expected"] & ~slots["bar"]
    numbers = (missing != missing.shift()).cumsum()[missing]
    return [(group.index[0], group.index[-1]) for _, group in slots[missing].groupby(numbers)]


def file_over(**session_data: object) -> SessionConfig:
    return session_file(
        SYMBOLS,
        ["1m", "5m"],
        DAY_PLAYED,
        DAY_PLAYED,
        historical={
            "enable_quality": True,
            "data": [{"trailing_days": 1, "intervals": ["1m", "5m", "1d"], "apply_to": "all"}],
        },
        session_data=session_data or None,
    )


def exported(folder: Path, config: SessionConfig, store: BarStore) -> tuple[SystemManager, KeepRecords]:
    """Play the day with an export."""
    export, kept = CsvExport(folder, config), KeepRecords()
    system = SystemManager(config, store, sinks=[export, kept])
    try:
        system.start()
        assert system.wait(LIMIT_S)
    finally:
        system.stop(LIMIT_S)
    assert system.error is None, system.error
    export.finish(system.summary(), system.metrics)
    return system, kept


def check_tape(view: SessionView, tape_values: KnownValues, market: Market) -> None:
    """Compare scores and gaps at every frontier with those of pandas."""
    rows = slice(0, len(SYMBOLS))
    scores = view.quality_grid()
    assert scores is not None
    words = {name: tape_values.value(name, rows) for name in ("quality", "missing", "gaps")}
    for row, symbol in enumerate(SYMBOLS):
        slots = slots_of(market, symbol, DAY_PLAYED)
        bars, expected = slots["bar"].cumsum(), slots["expected"].cumsum()
        wanted = (bars * 100.0 / expected).where(expected > 0, 100.0)
        assert scores[row, 1:].tolist() == wanted.tolist()
        assert words["quality"][row, 1:].tolist() == wanted.tolist()
        assert words["missing"][row, 1:].tolist() == (expected - bars).tolist()
        gaps, opened_at = gaps_of(slots), view.slot_times.opened_at
        assert [(opened_at[gap.first], opened_at[gap.last]) for gap in view.gaps(symbol)] == gaps
        begun = [sum(first <= label for first, _ in gaps) for label in slots.index]
        assert words["gaps"][row, 1:].tolist() == begun
        assert int(view.missing_counts()[row]) == int(expected.iloc[-1] - bars.iloc[-1])
        history = view.historical_quality[symbol, MINUTE]
        before = slots_of(market, symbol, EARLIER)
        assert (history.actual, history.expected) == (before["bar"].sum(), before["expected"].sum())
        for interval, minutes in (("5m", 5), ("1d", 390)):
            buckets = before.groupby(np.arange(390) // minutes).any()
            found = view.historical_quality[symbol, Interval.parse(interval)]
            assert (found.actual, found.expected) == (buckets["bar"].sum(), buckets["expected"].sum())


def check_export(folder: Path, market: Market) -> None:
    """Compare quality.csv and session.json with pandas, and validate the export."""
    report = validate_export(folder)
    assert report.ok, report
    table = pd.read_csv(folder / "quality.csv")
    document = json.loads((folder / "session.json").read_text())["symbols"]
    for symbol in SYMBOLS:
        slots = slots_of(market, symbol, DAY_PLAYED)
        own = table[(table["symbol"] == symbol) & (table["interval"] == "1m")]
        counts = [int(slots["expected"].sum()), int(slots["bar"].sum())]
        assert own[["expected", "actual"]].drop_duplicates().to_numpy().tolist() == [counts]
        starts, ends = (seconds(own[name].dropna()) for name in ("gap_start", "gap_end"))
        assert list(zip(starts, ends, strict=True)) == gaps_of(slots)
        quality = document[symbol]["quality"]
        assert [quality["expected"], quality["actual"]] == counts
        assert document[symbol]["intervals"]["1m"]["expected"] == counts[0]


@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(market=markets(), blocks=st.lists(st.integers(0, 210), max_size=3))
def test_scores_and_gaps_are_those_of_bars_and_facts(market: Market, blocks: list[int]) -> None:
    config, digests = file_over(), set()
    session = TimeManager("XNYS").get_trading_session(date.fromisoformat(DAY_PLAYED))
    for location in ("bars.db", "bars"):
        with TemporaryDirectory() as folder, open_new_store(Path(folder) / location) as store:
            fill(store, market)
            system, kept = exported(Path(folder) / "export", config, store)
            [record] = kept.records
            tape = record.tape
            check_tape(SessionView(tape), KnownValues(tape, 0, len(tape)), market)
            check_export(Path(folder) / "export", market)
            gaps = [event for event in system.events() if event.kind is EventKind.GAP]
            wanted = [gap for symbol in SYMBOLS for gap in gaps_of(slots_of(market, symbol, DAY_PLAYED))]
            assert len(gaps) == len(wanted)
            coverage = measure_coverage(SYMBOLS, [MINUTE], [session], store)
            for row in coverage.symbols:
                slots = slots_of(market, row.symbol, DAY_PLAYED)
                assert (row.days[0].bars, row.days[0].expected) == (
                    slots["bar"].sum(),
                    slots["expected"].sum(),
                )
            digests.add(system.summary().stamp)
            # Block by block, as the run may have been cut.
            again = np.full((len(SYMBOLS), 211), 100.0)
            running = RunningScores(again)
            for stop in [*sorted(blocks), 210]:
                running.advance(tape.base.present, stop, empty=tape.empty)
            assert tape.scores is not None
            assert again.tobytes() == tape.scores.tobytes()
    assert len(digests) == 1


GAP = frozenset(labels(DAY_PLAYED)[100:103])
ONE_CONFIRMED = Market(dict.fromkeys(SYMBOLS, GAP), {"AAA": frozenset([min(GAP)]), "BBB": frozenset()})


def played(market: Market, folder: Path) -> tuple[SystemManager, KeepRecords]:
    with open_new_store(folder / "bars.db") as store:
        fill(store, market)
        return exported(folder / "export", file_over(), store)


def test_facts_change_the_stamp_and_facts_beside_bars_do_not(tmp_path: Path) -> None:
    bars = dict.fromkeys(SYMBOLS, GAP)
    beside = frozenset([*labels(DAY_PLAYED)[:50], labels(DAY_PLAYED)[0] - 60])
    cases = {
        "none": Market(bars, dict.fromkeys(SYMBOLS, frozenset())),
        "beside": Market(bars, dict.fromkeys(SYMBOLS, beside)),
        "one": ONE_CONFIRMED,
        "all": Market(bars, dict.fromkeys(SYMBOLS, GAP)),
    }
    stamps, masks = {}, {}
    for name, market in cases.items():
        system, kept = played(market, tmp_path / name)
        stamps[name], masks[name] = system.summary().stamp, kept.records[0].tape.empty
        document = json.loads((tmp_path / name / "export" / "manifest.json").read_text())
        found = document["sessions"][0].get("empty")
        assert found == {"none": None, "beside": None, "one": 1, "all": 6}[name]
    assert stamps["none"] == stamps["beside"]
    assert len({stamps[name] for name in ("none", "one", "all")}) == 3
    assert masks["none"] is None
    assert masks["beside"] is None
    assert set(kept.records[0].tape.scores[:, -1].tolist()) == {100.0}


def test_facts_past_the_frontier_are_in_no_digest(tmp_path: Path) -> None:
    tapes = []
    for name, facts in (("without", frozenset()), ("with", GAP)):
        _, kept = played(Market(dict.fromkeys(SYMBOLS, GAP), dict.fromkeys(SYMBOLS, facts)), tmp_path / name)
        tapes.append(kept.records[0].tape)
    for before, at in pairwise((0, 50, 100)):
        assert session_digest(tapes[0], before) != session_digest(tapes[0], at)
        assert session_digest(tapes[0], at) == session_digest(tapes[1], at)
    assert session_digest(tapes[0], 101) != session_digest(tapes[1], 101)


def test_an_export_whose_gaps_leave_out_an_unconfirmed_slot_is_found(tmp_path: Path) -> None:
    played(ONE_CONFIRMED, tmp_path)
    file = tmp_path / "export" / "quality.csv"
    lines = file.read_text().splitlines()
    changed = [
        line.replace(",209,207,", ",207,207,").rsplit(",", 3)[0] + ",,," if "AAA" in line else line
        for line in lines
    ]
    file.write_text("\n".join(changed) + "\n")
    texts = [str(finding) for finding in validate_export(tmp_path / "export").findings]
    assert any("3 slots without a bar are in no gap, but 1 are confirmed empty" in text for text in texts), (
        texts
    )


def test_why_quality_names_the_confirmed_empty_slots(tmp_path: Path) -> None:
    system, _ = played(ONE_CONFIRMED, tmp_path)
    why = {symbol: system.explain(symbol, "quality") for symbol in SYMBOLS}
    assert why["AAA"].terms == {"bars present": 207, "slots elapsed": 210, "slots confirmed empty": 1}
    assert why["AAA"].formula == "100 × bars present ÷ (slots elapsed − slots confirmed empty)"
    assert why["AAA"].value == pytest.approx(100 * 207 / 209)
    assert why["BBB"].terms == {"bars present": 207, "slots elapsed": 210}


def test_a_day_that_is_confirmed_empty_is_expected_in_no_history(tmp_path: Path) -> None:
    """Stored 1d bars: the first week and 20 November have none, 21 November has a fact and a bar."""
    sessions = MINUTES.sessions_in_range("2013-11-11", "2013-11-27")
    days = [int(pd.Timestamp(session, tz="UTC").timestamp()) for session in sessions]
    first_week, gone = days[:5], {*days[:5], days[7]}
    historical = {
        "enable_quality": True,
        "data": [{"trailing_days": 13, "intervals": ["1d", "1w"], "apply_to": "all"}],
    }
    config = session_file(["AAA"], ["1d"], DAY_PLAYED, DAY_PLAYED, historical=historical)
    found = {}
    for name, facts in (("without", []), ("with", [*first_week, days[8]])):
        with open_new_store(tmp_path / f"{name}.db") as store:
            times = [*(day for day in days if day not in gone), days[-1] + 2 * 86400]
            store.write("AAA", DAY, random_bars(np.array(times), seed=1))
            store.confirm_empty("AAA", DAY, np.array(facts, np.int64))
            quality = play_recorded(config, store).records[0].historical_quality
        found[name] = {str(interval): (one.actual, one.expected) for (_, interval), one in quality.items()}
    assert found == {"without": {"1d": (7, 13), "1w": (1, 2)}, "with": {"1d": (7, 8), "1w": (1, 1)}}


class Step(NamedTuple):
    """Something that is told at a frontier: a bar, or that a slot is empty."""

    frontier: int
    row: int
    slot: int
    is_bar: bool


told = st.builds(Step, st.integers(0, 210), st.integers(0, 2), st.integers(0, 209), st.booleans())


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(told, max_size=12), seed=st.integers(0, 100))
def test_facts_that_come_late_give_the_tape_that_had_them_from_the_start(
    steps: list[Step], seed: int
) -> None:
    slots = session_slots(DAY_PLAYED)
    whole = random_values(3, 210, seed=seed)
    known = whole.copy()
    known[:, np.random.default_rng(seed).random((3, 210)) < 0.1] = np.nan
    final, empty = known.copy(), np.zeros((3, 210), dtype=np.bool_)
    for step in steps:
        if step.is_bar:
            final[:, step.row, step.slot] = whole[:, step.row, step.slot]
        else:
            empty[step.row, step.slot] = True

    tape = Tape.over(slots, ("A", "B", "C"), BarGrid.loaded(known), derived=[Interval.parse("5m")])
    assert tape.scores is not None
    computer, running = BlockComputer(tape, [], lambda _: []), RunningScores(tape.scores)
    views = []
    for step in [*sorted(steps), Step(210, 0, 0, False)]:
        base = tape.base
        computer.compute(tape.processed, step.frontier)
        running.advance(base.present, step.frontier, empty=base.confirmed_empty, full=base.full is True)
        tape.frontier = tape.processed = tape.scored = step.frontier
        views.append((SessionView(tape), [SessionView(tape).gaps(symbol) for symbol in tape.symbols]))
        if step not in steps:
            break
        at = np.array([step.row]), np.array([step.slot])
        none = np.empty(0, np.int64)
        corrections = (
            Corrections(*at, whole[:, [step.row], [step.slot]])
            if step.is_bar
            else Corrections(none, none, np.empty((5, 0)), *at)
        )
        tape = mended(tape, corrections, computer, running)
    same = Tape.over(slots, tape.symbols, BarGrid.loaded(final, empty), derived=[Interval.parse("5m")])
    assert same.scores is not None
    BlockComputer(same, [], lambda _: []).compute(0, 210)
    RunningScores(same.scores).advance(same.base.present, 210, empty=same.empty)
    same.frontier = same.processed = same.scored = 210
    assert session_digest(tape, 210) == session_digest(same, 210)
    assert [SessionView(tape).gaps(name) for name in tape.symbols] == [
        SessionView(same).gaps(name) for name in tape.symbols
    ]
    # Views keep the edition that they were cut from.
    assert all([view.gaps(symbol) for symbol in tape.symbols] == gaps for view, gaps in views)
