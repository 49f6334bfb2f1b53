"""Joining symbols: loaded alone, each has the values that it would have had in the run from the open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots, day_label
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import DataMissingError, EngineError
from tapedeck.engine.intervals import DAY, MINUTE, WEEK, Interval
from tapedeck.engine.run.joining import JoiningSymbols, LoadedSymbols
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.tape.earlier_values import Series
from tapedeck.engine.tape.tape import Tape
from tests.support.files import TRAILING, plan_of, session_file
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.runs import play_recorded
from tests.support.tapes import same_bits, sessions_of

FILE = ("AAA", "BBB")
OTHERS = ("DAYS", "GONE", "LATE", "THIN")
"""With stored 1d bars; without bars from the second session on; listed on that day; with few bars."""
DAYS = tuple(map(date.fromisoformat, ("2013-11-26", "2013-11-27", "2013-11-29")))
INDICATORS = {
    "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
    "rsi_5m": {"type": "RSI", "interval": "5m", "timeperiod": 3},
    "ad_days": {"type": "AD", "interval": "1d"},
    "sma_weeks": {"type": "SMA", "interval": "1w", "timeperiod": 1},
    "obv": {"type": "OBV", "interval": "1m"},
    "vwap": {"type": "VWAP", "interval": "1h"},
    "rel": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"},
}
HISTORICAL = {
    "data": [
        {"trailing_days": 3, "intervals": ["5m"], "apply_to": ["AAA"]},
        {"trailing_days": 1, "intervals": ["1m", "1d", "1w"]},
    ],
    "indicators": TRAILING,
}


def config_of(symbols: tuple[str, ...]) -> SessionConfig:
    return session_file(
        symbols,
        ["1m", "5m", "1h", "1d"],
        DAYS[0].isoformat(),
        DAYS[-1].isoformat(),
        historical=HISTORICAL,
        indicators=INDICATORS,
    )


def fill(store: BarStore) -> None:
    fill_store(store, FILE, "2013-11-11", "2013-11-29", missing=0.05)
    fill_store(store, ("DAYS",), "2013-11-13", "2013-11-29", missing=0.1, seed=3)
    fill_store(store, ("DAYS",), "2013-11-06", "2013-11-29", interval=DAY, seed=4)
    fill_store(store, ("GONE",), "2013-11-18", "2013-11-26", missing=0.1, seed=5)
    fill_store(store, ("THIN",), "2013-11-18", "2013-11-29", missing=0.7, seed=9)
    listed = [SessionSlots(day, MINUTE).opened_at for day in sessions_of("2013-11-27", "2013-11-29")]
    store.write("LATE", MINUTE, random_bars(np.concatenate(listed), seed=7))
    store.confirm_empty("LATE", MINUTE, listed[0][30:60])
    store.write("OnlyDays", DAY, random_bars(np.array([day_label(DAYS[0].toordinal())]), seed=1))
    for name in ("Case", "CASE"):
        store.write(name, MINUTE, random_bars(listed[0], seed=8))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, BarStore]]:
    folder: Path = tmp_path_factory.mktemp("joining")
    with open_new_store(folder / "bars.db") as sqlite, open_new_store(folder / "bars") as parquet:
        fill(sqlite)
        fill(parquet)
        yield {"sqlite": sqlite, "parquet": parquet}


@pytest.fixture(scope="module")
def expected(stores: Mapping[str, BarStore]) -> dict[date, Tape]:
    """The sessions of a run that has all symbols from the open."""
    records = play_recorded(config_of((*FILE, *OTHERS)), stores["sqlite"]).records
    return {record.tape.session.trading_day: record.tape for record in records}


def joining_of(store: BarStore, *, arriving: tuple[Interval, ...] = ()) -> JoiningSymbols:
    """Return what loads symbols for a run over the file's."""
    config = config_of(FILE)
    time = TimeManager(config.exchange)
    return JoiningSymbols(config, plan_of(config, store), time, DataManager(store), arriving=arriving)


def arrays_of(tape: Tape, symbol: str) -> dict[str, np.ndarray]:
    """Return all that a tape holds of one symbol."""
    row = tape.rows[symbol]
    found: dict[str, np.ndarray] = {}
    for interval in tape.intervals:
        grid = tape.grid(interval)
        found[f"bars {interval}"], found[f"present {interval}"] = grid.values[:, row], grid.present[row]
    found |= {name: column.values[row] for name, column in tape.indicators.items()}
    for name, value in tape.historical.items():
        found[f"{name} value"], found[f"{name} used"] = np.array(value.values[row]), np.array(value.used[row])
    empty = np.zeros(tape.base.shape, dtype=np.bool_) if tape.empty is None else tape.empty
    prior, quality = tape.prior_close, tape.historical_quality
    scores = sorted((str(i), q.actual, q.expected or 0) for (name, i), q in quality.items() if name == symbol)
    assert tape.scores is not None
    found |= {
        "empty": empty[row],
        "scores": tape.scores[row],
        "prior close": np.array([prior.values[row], prior.opened_at[row], prior.is_daily[row]]),
        "history's quality": np.array([[actual, of] for _, actual, of in scores]),
    }
    for kept in tape.kept_history:
        found[f"kept {kept.interval}"] = kept.values(row, row + 1)[:, 0, kept.first[row] :]
        found[f"times {kept.interval}"] = kept.opened_at[kept.first[row] :]
    return found


def differences(one: Tape, other: Tape, symbol: str) -> list[str]:
    found, wanted = arrays_of(one, symbol), arrays_of(other, symbol)
    assert found.keys() == wanted.keys()
    return [name for name in wanted if not same_bits(found[name], wanted[name])]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["sqlite", "parquet"]),
    symbols=st.permutations(OTHERS).flatmap(
        lambda order: st.integers(1, 2).map(lambda count: tuple(order[:count]))
    ),
    day=st.sampled_from(DAYS),
    share=st.floats(0, 1),
)
def test_symbols_loaded_alone_have_the_values_of_a_run_that_has_them_from_the_open(
    stores: Mapping[str, BarStore],
    expected: Mapping[date, Tape],
    kind: str,
    symbols: tuple[str, ...],
    day: date,
    share: float,
) -> None:
    """Whatever they are loaded with, from either store, and however far they were computed first."""
    loaded = joining_of(stores[kind]).load(symbols, day)
    tape, wanted = loaded.tape, expected[day]
    assert loaded.symbols == symbols == tape.symbols
    at = int(share * len(tape))
    computer, scores = loaded.computed(at, at // 2)
    assert (tape.processed, tape.scored, tape.frontier) == (at, at // 2, at // 2)
    assert scores is not None
    computer.compute(at, len(tape))
    scores.advance(tape.base.present, len(tape), empty=tape.base.confirmed_empty)
    assert {symbol: differences(tape, wanted, symbol) for symbol in symbols} == {s: [] for s in symbols}


def test_a_symbol_without_bars_that_day_is_loaded_and_empty(stores: Mapping[str, BarStore]) -> None:
    loaded = joining_of(stores["sqlite"]).load(["GONE"], DAYS[2])
    loaded.computed(len(loaded.tape), len(loaded.tape))
    assert not loaded.tape.base.present.any()
    assert len(loaded.data.history.days(MINUTE, 1, DAYS[2])) == 1
    assert loaded.data.requested_history.keys() == {MINUTE, Interval.parse("5m"), DAY, WEEK}


def test_a_day_that_the_run_does_not_play_is_refused(stores: Mapping[str, BarStore]) -> None:
    with pytest.raises(EngineError, match="2013-11-28 is not a session of this run"):
        joining_of(stores["sqlite"]).load(["GONE"], date(2013, 11, 28))


@pytest.mark.parametrize("kind", ["sqlite", "parquet"])
def test_symbols_are_known_by_their_base_bars_and_found_in_other_case(
    stores: Mapping[str, BarStore], kind: str
) -> None:
    joining = joining_of(stores[kind])
    assert joining.known_symbols() == tuple(sorted((*FILE, *OTHERS, "CASE", "Case")))
    assert [joining.stored_name(word) for word in ("late", "LATE", "Case")] == ["LATE", "LATE", "Case"]
    with pytest.raises(DataMissingError, match="CASE and Case differ in case alone"):
        joining.stored_name("case")
    with pytest.raises(DataMissingError, match=r"LATER: no bars stored\. Did you mean 'LATE'"):
        joining.stored_name("LATER")
    with pytest.raises(
        DataMissingError, match=r"(?s)OnlyDays: no 1m bars stored, .*`tapedeck import lean PATH"
    ):
        joining.stored_name("onlydays")
    with pytest.raises(DataMissingError, match="OnlyDays: no 1m bars"):
        joining.load(["OnlyDays"], DAYS[0])


def test_bars_that_arrive_count_as_stored(stores: Mapping[str, BarStore]) -> None:
    joining = joining_of(stores["sqlite"], arriving=(MINUTE,))
    assert "OnlyDays" in joining.known_symbols()
    assert [joining.stored_name(word) for word in ("onlydays", "NEW", "late")] == ["OnlyDays", "NEW", "LATE"]
    loaded = joining.load(["NEW"], DAYS[0])
    loaded.computed(10, 10)
    assert not loaded.tape.base.present.any()


def test_values_of_earlier_sessions_are_of_the_symbols_own_rows(
    stores: Mapping[str, BarStore], expected: Mapping[date, Tape]
) -> None:
    """Conditions on a joined symbol look back in its own sessions."""
    loaded = joining_of(stores["parquet"]).load(["THIN", "DAYS"], DAYS[2])
    before = expected[DAYS[1]]
    for row, symbol in enumerate(loaded.symbols):
        for name in ("ema_5", "ad_days"):
            found = loaded.tape.earlier.at_end(Series(name, None, row, row + 1), 0)
            values = before.indicators[name].values[before.rows[symbol]]
            assert found[0] == values[~np.isnan(values)][-1]
        closes = before.base.values[3, before.rows[symbol]]
        assert loaded.tape.earlier.at_bars(Series("close", None, row, row + 1), 2)[0].tolist() == (
            closes[~np.isnan(closes)][-2:].tolist()
        )


def test_a_join_reads_neither_the_list_of_all_symbols_nor_bars_of_others(
    stores: Mapping[str, BarStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    joining, store = joining_of(stores["parquet"]), stores["parquet"]
    monkeypatch.setattr(type(store), "series", lambda self: pytest.fail("all symbols were listed"))
    assert joining.stored_name("LATE") == "LATE"
    loaded: LoadedSymbols = joining.load(["LATE"], DAYS[1])
    assert loaded.tape.base.present.any()
