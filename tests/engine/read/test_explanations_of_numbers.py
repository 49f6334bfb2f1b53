"""Explanations of numbers: recomputed from the listed inputs, every number is the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import talib

from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.imports import import_lean
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier

FIVE = Interval.parse("5m")
NEW_YORK = ZoneInfo("America/New_York")
# One minute of AIG is missing on this day, the one that opens at 13:47: slot 257.
MISSING = 257
FRONTIER = 300


@pytest.fixture(scope="module")
def system(lean_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemManager]:
    """AIG and SPY on 2013-10-07, paused at 14:30 in New York."""
    indicators = {
        "rsi_14": {"type": "RSI", "interval": "1m", "timeperiod": 14},
        "macd": {"type": "MACD", "interval": "1m"},
        "sma_5m": {"type": "SMA", "interval": "5m", "timeperiod": 3},
        "sma_days": {"type": "SMA", "interval": "1d", "timeperiod": 3},
        "doji": {"type": "CDLDOJI", "interval": "1m"},
        "mid": {"type": "MEDPRICE", "interval": "1m"},
        "obv": {"type": "OBV", "interval": "1m"},
        "obv_days": {"type": "OBV", "interval": "1d"},
        "vwap": {"type": "VWAP", "interval": "1m"},
        "vwap_5m": {"type": "VWAP", "interval": "5m"},
        "high_so_far": {"type": "SESSION_HIGH", "interval": "1m"},
        "low_so_far": {"type": "SESSION_LOW", "interval": "1m"},
        "rolling": {"type": "ROLLING_VWAP", "interval": "1m", "timeperiod": 20},
        "rolling_days": {"type": "ROLLING_VWAP", "interval": "1d", "timeperiod": 3},
        "or_high": {"type": "OPENING_RANGE_HIGH", "interval": "5m", "minutes": 15},
        "or_low": {"type": "OPENING_RANGE_LOW", "interval": "1m"},
        "rel": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"},
    }
    historical = {
        "usual": {"type": "trailing_average", "period": "2d", "granularity": "minute", "field": "volume"},
        "high_2w": {"type": "trailing_max", "period": "2w", "field": "high"},
    }
    with open_store(tmp_path_factory.mktemp("why") / "bars.db", create=True) as store:
        for part in ("minute/aig", "minute/spy", "daily/aig.zip", "daily/spy.zip"):
            import_lean(lean_root / "equity" / "usa" / part, store)
        config = session_file(
            ["SPY", "AIG"], ["1m", "5m", "1d"], "2013-10-07", "2013-10-08",
            historical={"indicators": historical}, indicators=indicators,
        )  # fmt: skip
        made = SystemManager(config, store)
        made.start(paused=True)
        made.step(FRONTIER)
        assert made.wait_for(at_frontier(made, 1, FRONTIER), LIMIT_S)
        yield made
        made.stop(LIMIT_S)


def series(explained: Explanation, name: str) -> np.ndarray:
    return next(part.values for part in explained.inputs if part.name == name)


@pytest.mark.parametrize("frontier", [None, 1, 14, 200, MISSING, MISSING + 1])
@pytest.mark.parametrize("symbol", ["SPY", "AIG"])
def test_rsi_of_the_explained_closes_by_talib_is_the_value(
    system: SystemManager, symbol: str, frontier: int | None
) -> None:
    why = system.explain(symbol, "rsi_14", frontier)
    closes = series(why, "close")
    assert why.value == talib.RSI(closes, 14)[-1]
    assert (why.bars_used, why.warm_up_bars, why.is_warm) == (len(closes), 14, True)
    assert why.parameters == {"timeperiod": 14}
    assert why.source == "TA-Lib's RSI, on stored 1m bars"
    assert why.start == "at least 325 bars before the session, in whole sessions"
    assert (why.kind, why.interval) == (Explained.INDICATOR, MINUTE)
    # Of the earlier days the store has only 4 October: a session of 390 minutes.
    opened = pd.to_datetime(why.inputs[0].opened_at, unit="s", utc=True).tz_convert("America/New_York")
    assert sorted(set(opened.strftime("%Y-%m-%d"))) == ["2013-10-04", "2013-10-07"]
    assert int((opened.strftime("%Y-%m-%d") == "2013-10-04").sum()) == why.inputs[0].earlier


def test_bars_that_are_missing_are_counted_and_skipped(system: SystemManager) -> None:
    before, after = (system.explain("AIG", "rsi_14", at) for at in (MISSING, MISSING + 1))
    assert after.value == before.value
    assert after.bar_opened_at == before.bar_opened_at == datetime(2013, 10, 7, 17, 46, tzinfo=UTC)
    later = system.explain("AIG", "rsi_14", MISSING + 2)
    assert later.missing_bars == before.missing_bars + 1
    assert later.bars_used == before.bars_used + 1


def test_a_cumulative_indicator_says_where_it_starts(system: SystemManager) -> None:
    inside, daily = system.explain("SPY", "obv"), system.explain("SPY", "obv_days")
    assert (inside.start, inside.history_sessions) == ("the session's regular open", 0)
    assert inside.bars_used == FRONTIER
    assert "starting with the first bar's volume" in inside.formula
    assert daily.start == "the store's first 1d bar"
    first = pd.to_datetime(daily.inputs[0].opened_at[0], unit="s")
    assert first == pd.Timestamp("1998-01-02 14:30")  # its open, as of the bars of today
    assert daily.history_sessions == daily.bars_used > 3_900


def test_the_explained_one_of_several_outputs_is_named(system: SystemManager) -> None:
    why = system.explain("SPY", "macd_macdsignal")
    assert why.value == talib.MACD(series(why, "close"), 12, 26, 9)[1][-1]
    assert why.source == "TA-Lib's MACD, output macdsignal, on stored 1m bars"
    assert "EMA(fast)" in why.formula


def test_an_indicator_on_derived_bars_lists_those_bars(system: SystemManager) -> None:
    why = system.explain("SPY", "sma_5m")
    assert why.value == pytest.approx(series(why, "close")[-3:].mean(), rel=1e-12)
    assert why.source.endswith("on 5m bars, made from stored 1m bars")
    assert why.bar_opened_at == datetime(2013, 10, 7, 18, 25, tzinfo=UTC)


def test_an_indicator_on_days_has_no_value_before_the_days_close(system: SystemManager) -> None:
    why = system.explain("SPY", "sma_days")
    assert (why.value, why.bar_opened_at) == (None, None)
    assert why.history_sessions == 20  # ten times the lookback of two days
    assert len(series(why, "close")) == 20


def test_a_function_of_one_bar_gets_no_history(system: SystemManager) -> None:
    why = system.explain("SPY", "mid")
    assert why.value == (series(why, "high")[-1] + series(why, "low")[-1]) / 2
    assert (why.history_sessions, why.bars_used, why.is_warm) == (0, FRONTIER, True)
    assert why.formula == "Median Price, as TA-Lib computes it"
    assert why.start == "each bar by itself"


def test_vwap_is_money_by_volume(system: SystemManager) -> None:
    why = system.explain("AIG", "vwap")
    price, volume = series(why, "typical price"), series(why, "volume")
    assert why.value == pytest.approx((price * volume).sum() / volume.sum(), rel=1e-12)
    assert why.value == why.terms["Σ typical price × volume"] / why.terms["Σ volume"]
    assert (why.bars_used, why.missing_bars) == (FRONTIER - 1, 1)


def test_a_running_value_on_five_minutes_ends_with_the_last_bucket_that_is_over(
    system: SystemManager,
) -> None:
    why = system.explain("SPY", "vwap_5m", 63)
    assert len(series(why, "volume")) == 60
    assert why.value == system.explain("SPY", "vwap", 60).value


def test_session_extremes_are_those_of_the_listed_bars(system: SystemManager) -> None:
    high, low = system.explain("SPY", "high_so_far"), system.explain("SPY", "low_so_far")
    assert high.value == series(high, "high").max()
    assert low.value == series(low, "low").min()


@pytest.mark.parametrize("frontier", [None, 5, MISSING + 10])
@pytest.mark.parametrize("symbol", ["SPY", "AIG"])
def test_rolling_vwap_lists_the_bars_of_its_window(
    system: SystemManager, symbol: str, frontier: int | None
) -> None:
    why = system.explain(symbol, "rolling", frontier)
    price, volume = series(why, "typical price"), series(why, "volume")
    assert why.value == pytest.approx((price * volume).sum() / volume.sum(), rel=1e-12)
    assert why.value == why.terms["Σ typical price × volume"] / why.terms["Σ volume"]
    assert (len(price), why.bars_used, why.warm_up_bars, why.is_warm) == (20, 20, 19, True)
    assert (why.parameters, why.source) == ({"timeperiod": 20}, "tapedeck, on stored 1m bars")
    opened = pd.to_datetime(why.inputs[0].opened_at, unit="s", utc=True).tz_convert("America/New_York")
    over = pd.Timestamp(why.clock).tz_convert("America/New_York")
    assert opened[-1] + pd.Timedelta(minutes=1) == over
    if frontier == 5:  # the window begins in the session before
        assert list(opened[[0, 14]].strftime("%m-%d %H:%M")) == ["10-04 15:45", "10-04 15:59"]
        assert [part.earlier for part in why.inputs] == [15, 15]
    else:
        assert [part.earlier for part in why.inputs] == [0, 0]
        missing = int(symbol == "AIG" and frontier is not None)
        assert (why.missing_bars, over - opened[0]) == (missing, pd.Timedelta(minutes=20 + missing))


def test_rolling_vwap_on_days_has_no_value_before_the_days_close(system: SystemManager) -> None:
    why = system.explain("SPY", "rolling_days")
    assert (why.value, why.bars_used, why.history_sessions) == (None, 3, 20)
    days = pd.to_datetime(why.inputs[0].opened_at, unit="s", utc=True)
    assert list(days.strftime("%Y-%m-%d")) == ["2013-10-02", "2013-10-03", "2013-10-04"]


@pytest.mark.parametrize(
    ("frontier", "used", "warm"), [(0, 0, False), (14, 2, False), (15, 3, True), (None, 3, True)]
)
def test_an_opening_range_lists_the_bars_that_open_in_its_minutes(
    system: SystemManager, frontier: int | None, used: int, warm: bool
) -> None:
    why = system.explain("SPY", "or_high", frontier)
    assert (why.bars_used, why.missing_bars, why.warm_up_bars, why.is_warm) == (used, 0, 2, warm)
    assert why.value == (series(why, "high").max() if warm else None)
    assert why.parameters == {"minutes": 15}
    low = system.explain("SPY", "or_low")
    assert (low.value, low.bars_used, low.parameters) == (series(low, "low").min(), 30, {"minutes": 30})
    opened = pd.to_datetime(low.inputs[0].opened_at, unit="s", utc=True).tz_convert("America/New_York")
    assert (opened[0].strftime("%H:%M"), opened[-1].strftime("%H:%M")) == ("09:30", "09:59")


def test_relative_volume_has_both_volumes_as_terms(system: SystemManager) -> None:
    why = system.explain("AIG", "rel")
    assert why.value == why.terms["volume"] / why.terms["usual"]
    assert why.parameters["against"] == "usual"
    usual = system.explain("AIG", "usual")
    assert usual.value == why.terms["usual"]
    assert usual.value == usual.inputs[0].values.mean()
    assert usual.formula == "mean volume of that minute of the last 2d"


def test_a_per_minute_trailing_value_lists_that_minute_of_earlier_days(system: SystemManager) -> None:
    why = system.explain("SPY", "usual")
    opened = pd.to_datetime(why.inputs[0].opened_at, unit="s", utc=True).tz_convert("America/New_York")
    assert list(opened.strftime("%Y-%m-%d %H:%M")) == ["2013-10-04 14:29"]
    # The 3rd is not in the store.
    assert (why.bars_used, why.missing_bars, why.history_sessions) == (1, 1, 2)
    assert system.explain("SPY", "usual", 0).inputs[0].opened_at[0] < why.inputs[0].opened_at[0]


def test_a_trailing_high_lists_its_days(system: SystemManager) -> None:
    why = system.explain("SPY", "high_2w")
    assert why.value == why.inputs[0].values.max()
    days = pd.to_datetime(why.inputs[0].opened_at, unit="s", utc=True)
    assert (str(days[0]), str(days[-1])) == ("2013-09-23 13:30:00+00:00", "2013-10-04 13:30:00+00:00")
    assert (why.bars_used, why.missing_bars, why.interval) == (10, 0, DAY)
    assert why.source == "tapedeck, on stored 1d bars"
    assert why.parameters["period"] == "2w"


def test_a_field_of_a_derived_bar_lists_its_base_bars(system: SystemManager) -> None:
    why = system.explain("AIG", "volume", MISSING + 3, interval=FIVE)
    assert why.value == why.inputs[0].values.sum()
    assert (why.bars_used, why.missing_bars) == (4, 1)
    assert why.formula == "sum of the volumes of the bucket's base bars"


def test_a_field_of_a_base_bar_is_as_stored(system: SystemManager) -> None:
    why = system.explain("AIG", "close", MISSING + 1)
    assert why.bar_opened_at == datetime(2013, 10, 7, 17, 46, tzinfo=UTC)
    assert (why.source, why.value) == ("stored 1m bars", why.inputs[0].values[0])


def test_a_price_lists_only_its_own_bars(system: SystemManager) -> None:
    # The bar of 13:46 is the last one while 13:47 is missing.
    fresh, stale = (system.explain("AIG", "last", at) for at in (MISSING, MISSING + 1))
    assert stale.value == fresh.value
    assert [(why.bars_used, why.missing_bars) for why in (fresh, stale)] == [(1, 0), (1, 1)]
    (close,) = stale.inputs
    assert (close.name, close.values.tolist(), close.opened_at.tolist()) == (
        "close",
        [stale.value],
        [int(datetime(2013, 10, 7, 17, 46, tzinfo=UTC).timestamp())],
    )


def test_a_change_lists_the_last_bar_and_what_it_is_compared_with(system: SystemManager) -> None:
    friday = datetime(2013, 10, 4, 15, 59, tzinfo=NEW_YORK)
    for name, own, other in (
        ("change", "last", "prior close"),
        ("change_pct", "last", "prior close"),
        ("gap_pct", "day's open", "prior close"),
        ("change_open_pct", "last", "day's open"),
    ):
        why = system.explain("AIG", name, MISSING + 1)
        price, reference = why.terms[own], why.terms[other]
        assert [part.values.tolist() for part in why.inputs] == [[price], [reference]]
        expected = price - reference if name == "change" else (price / reference - 1.0) * 100.0
        assert (why.value, why.bars_used) == (expected, 2)
        assert why.missing_bars == (1 if own == "last" else 0)  # the bar of 13:47
        if other == "prior close":
            close = why.inputs[1]
            assert (close.interval, close.earlier) == (MINUTE, 1)
            assert close.opened_at.tolist() == [int(friday.timestamp())]
            assert why.note == "close of the 15:59 bar of 2013-10-04"
            assert (why.source, why.history_sessions) == ("stored 1m bars", 1)
    first = system.explain("AIG", "change_open_pct", 1)
    assert (first.bars_used, first.missing_bars) == (1, 0)


def test_highs_lows_and_volume_of_the_day_are_those_of_the_listed_bars(system: SystemManager) -> None:
    reduced = {"day_high": np.max, "day_low": np.min, "day_volume": np.sum}
    for name, reduce in reduced.items():
        why = system.explain("AIG", name)
        (bars,) = why.inputs
        assert (why.value, why.bars_used, why.missing_bars) == (reduce(bars.values), 299, 1)
        if name != "day_volume":
            label = datetime.fromtimestamp(int(bars.opened_at[bars.values == why.value][0]), NEW_YORK)
            assert why.note == f"{bars.name} of the {label:%H:%M} bar"


def test_a_price_before_the_first_bar_has_no_inputs(system: SystemManager) -> None:
    why = system.explain("AIG", "last", 0)
    assert (why.bars_used, why.missing_bars, why.inputs) == (0, 0, ())


def test_quality_counts_bars_and_slots(system: SystemManager) -> None:
    why = system.explain("AIG", "quality")
    assert why.terms == {"bars present": 299.0, "slots elapsed": 300.0}
    assert why.value == 299 * 100 / 300
    gaps = system.explain("AIG", "gaps")
    assert (gaps.value, gaps.terms) == (1.0, {"runs of missing bars": 1.0, "missing bars": 1.0})
    missing = system.explain("AIG", "missing")
    assert (missing.value, missing.terms, missing.missing_bars) == (1.0, why.terms, 1)


@pytest.mark.parametrize("name", ["close", "last", "change", "rel", "vwap", "high_so_far"])
def test_at_the_open_every_value_is_missing(system: SystemManager, name: str) -> None:
    why = system.explain("SPY", name, 0)
    assert (why.value, why.is_warm, why.bar_opened_at) == (None, False, None)


def test_unknown_names_are_errors_with_the_nearest_known_name(system: SystemManager) -> None:
    with pytest.raises(
        EngineError, match=r"^unknown symbol 'SPX': this session has SPY, AIG\. Did you mean 'SPY'\?$"
    ):
        system.explain("SPX", "close")
    with pytest.raises(
        EngineError, match=r"unknown value 'rsi_41': this session has .* Did you mean 'rsi_14'"
    ):
        system.explain("SPY", "rsi_41")
    with pytest.raises(EngineError, match="unknown interval '15m': this session has 1m, "):
        system.explain("SPY", "close", interval=Interval.parse("15m"))


def test_explanations_without_history_and_measured_quality(tmp_path: Path) -> None:
    historical = {"indicators": {"high_2w": {"type": "trailing_max", "period": "2w", "field": "high"}}}
    config = session_file(
        ["AAA"], ["1m"], "2013-11-26", "2013-11-26",
        historical=historical,
        indicators={"ema": {"type": "EMA", "interval": "1m", "timeperiod": 30}},
        session_data={"gap_filler": {"enable_session_quality": False}},
    )  # fmt: skip
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2013-11-26", "2013-11-26")
        system = SystemManager(config, store)
        with pytest.raises(EngineError, match="no session is loaded"):
            system.explain("AAA", "close")
        system.start(paused=True)
        try:
            system.step(20)
            assert system.wait_for(at_frontier(system, 1, 20), LIMIT_S)
            cold, trailing = system.explain("AAA", "ema"), system.explain("AAA", "high_2w")
            quality, gaps = system.explain("AAA", "quality"), system.explain("AAA", "gaps")
            missing = system.explain("AAA", "missing")
        finally:
            system.stop(LIMIT_S)
    assert (cold.value, cold.is_warm, cold.bars_used, cold.warm_up_bars) == (None, False, 20, 29)
    assert (trailing.value, trailing.bars_used, trailing.is_warm) == (None, 0, False)
    assert trailing.source == "tapedeck, on 1d bars made from stored 1m bars"
    assert (quality.value, quality.formula) == (100.0, "not measured: set to 100")
    assert (gaps.value, gaps.terms) == (0.0, {})
    assert (missing.value, missing.formula) == (0.0, "not measured: set to 0")


def test_every_kind_of_indicator_has_a_formula() -> None:
    assert REGISTRY.kind("ATR").formula.startswith("Wilder's average")
    assert [type_ for type_ in REGISTRY.types() if not REGISTRY.kind(type_).formula] == []
