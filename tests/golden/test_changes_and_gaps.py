"""Prior close, change and gap % against plain pandas: October 2013, and a made-up market."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from textual.pilot import Pilot
from typer.testing import CliRunner

from tapedeck.console.cli.main import app
from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.read.explain.explanation import Explanation
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import CLOSE
from tapedeck.engine.tape.tape import Tape
from tests.golden import raw_bars
from tests.golden.raw_bars import DAYS, SYMBOLS
from tests.support.console_runs import ConsoleRun, console_run, drive, until
from tests.support.files import session_file
from tests.support.markets import open_new_store
from tests.support.runs import LIMIT_S, at_frontier, play_recorded

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "october-2013.yaml"
BEFORE = dict(zip(DAYS, ("2013-10-04", *DAYS), strict=False))


def by_pandas(root: Path, symbol: str, day: str) -> dict[str, float]:
    """Return a symbol's figures at the close of a day."""
    bars = raw_bars.regular(root, symbol, day)
    prior = float(raw_bars.regular(root, symbol, BEFORE[day])["close"].iloc[-1])
    first, last = float(bars["open"].iloc[0]), float(bars["close"].iloc[-1])
    return {
        "last": last,
        "prev_close": prior,
        "change": last - prior,
        "change_pct": (last / prior - 1) * 100,
        "gap_pct": (first / prior - 1) * 100,
        "day_open": first,
        "day_high": float(bars["high"].max()),
        "day_low": float(bars["low"].min()),
        "day_volume": float(bars["volume"].sum()),
        "change_open_pct": (last / first - 1) * 100,
    }


@pytest.fixture(scope="module")
def week(store_path: Path) -> Mapping[str, Tape]:
    """The sessions of the example file, by day."""
    with open_store(store_path) as store:
        records = play_recorded(load_session_config(EXAMPLE).config, store).records
    return {record.tape.session.trading_day.isoformat(): record.tape for record in records}


@pytest.mark.parametrize("day", DAYS)
def test_view_symbols_of_each_day_has_the_figures_of_the_raw_files(
    lean_root: Path, store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    monkeypatch.setenv("TAPEDECK_HOME", str(tmp_path))
    file = tmp_path / "day.json"
    config = session_file(SYMBOLS, ["1m"], day, day)
    file.write_text(config.model_dump_json(by_alias=True, exclude_unset=True))
    words = ["run", str(file), "--store", str(store_path), "--no-ui", "--view", "symbols", "--format", "json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    rows = {row["symbol"]: row for row in json.loads(done.stdout)}
    for symbol in SYMBOLS:
        expected = by_pandas(lean_root, symbol, day)
        assert {name: rows[symbol][name] for name in expected} == expected


def test_spy_fell_by_87_hundredths_of_a_percent_on_7_october_2013(lean_root: Path) -> None:
    figures = by_pandas(lean_root, "SPY", "2013-10-07")
    assert (figures["last"], figures["prev_close"], round(figures["change_pct"], 2)) == (
        167.42,
        168.89,
        -0.87,
    )


def test_conditions_have_the_figures_of_the_raw_files_at_each_minute(
    lean_root: Path, week: Mapping[str, Tape]
) -> None:
    for day, tape in week.items():
        words = Vocabulary.of(tape)
        for symbol in SYMBOLS:
            bars = raw_bars.regular(lean_root, symbol, day)
            times = pd.to_datetime(tape.slots.opened_at, unit="s", utc=True).tz_convert("America/New_York")
            last = bars["close"].reindex(times).ffill()
            prior = by_pandas(lean_root, symbol, day)["prev_close"]
            middle = float(((last / prior - 1) * 100).median())
            condition = Condition.parse(f"{symbol}.change_pct < {middle!r}", words)
            found = condition.holds(tape, 1, len(tape)).tolist()
            assert found == ((last / prior - 1) * 100 < middle).tolist()
            for name, value in by_pandas(lean_root, symbol, day).items():
                condition = Condition.parse(f"{symbol}.{name} == {value!r}", words)
                assert condition.holds(tape, len(tape), len(tape)).all(), (day, symbol, name)


def test_the_table_of_the_console_shows_the_figures_of_the_raw_files_on_each_day(
    lean_root: Path, store_path: Path, tmp_path: Path
) -> None:
    names = ("last", "prev_close", "change", "change_pct", "gap_pct")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("columns", " ".join(names))
        table = console.app.main.symbols.table

        def shown() -> dict[str, list[str]]:
            lines = (table.render_line(y).text.replace("▸", "").split() for y in range(1, 1 + len(SYMBOLS)))
            return {line[0]: line[1:] for line in lines if line}

        for number, day in enumerate(DAYS, 1):
            console.system.step(390)
            await until(pilot, lambda n=number: console.system.snapshot().session == n, day)
            await until(pilot, lambda: console.frontier == 390 and console.is_settled(), day)
            expected = {}
            for symbol in SYMBOLS:
                figures = by_pandas(lean_root, symbol, day)
                signs = ("", "", "+", "+", "+")
                texts = [f"{figures[name]:{sign}.2f}" for name, sign in zip(names, signs, strict=True)]
                expected[symbol] = [text.replace("+0.00", "0.00") for text in texts]
            await until(pilot, lambda wanted=expected: shown() == wanted, f"{day}: {expected}")

    config = load_session_config(EXAMPLE).config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    with open_store(store_path) as store, console_run(store, tmp_path, config=config) as console:
        drive(console, act, size=(200, 60))


# A made-up market over the days around Thanksgiving 2013: the 28th is a holiday, the 29th closes at 13:00.

MADE_UP = ("2013-11-25", "2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02")
CLOSES = dict.fromkeys(MADE_UP, "16:00") | {"2013-11-29": "13:00"}
NEW_YORK = "America/New_York"
COLUMNS = ["open", "high", "low", "close", "volume"]


def made_minutes(symbol: str, day: str) -> pd.DataFrame:
    """Return a symbol's stored minutes of a day, from 08:00 to 17:00, as New York knows them."""
    times = pd.date_range(f"{day} 08:00", f"{day} 16:59", freq="1min", tz=NEW_YORK)
    random = np.random.default_rng([ord(letter) for letter in symbol + day])
    close = 100 + np.cumsum(random.integers(-9, 10, len(times))) / 100
    frame = pd.DataFrame(dict.fromkeys(COLUMNS, close), index=times)
    frame["volume"] = 10.0
    regular = frame.between_time("09:30", CLOSES[day], inclusive="left")
    if symbol == "LATE":  # the last two minutes of each day are missing
        return frame.drop(regular.index[-2:])
    if symbol in ("DAILY", "NONE") and day == "2013-11-27":
        return frame.iloc[:0]
    if symbol == "AFTER" and day == "2013-11-27":  # only bars outside regular hours
        return frame.drop(regular.index)
    if symbol == "EARLY" and day == "2013-11-27":  # halted from 09:45 on
        return frame.loc[: regular.index[15]]
    return frame


def made_days(symbol: str) -> pd.DataFrame:
    """Return a symbol's stored daily bars, whose closes are not those of the minutes."""
    days = pd.DatetimeIndex(MADE_UP if symbol in ("FULL", "LATE", "DAILY") else [])
    return pd.DataFrame(
        {name: [50.0 + number for number in range(len(days))] for name in COLUMNS}, index=days
    )


MADE_SYMBOLS = ("FULL", "LATE", "DAILY", "NONE", "AFTER", "EARLY")


def made_prior_close(symbol: str, day: str) -> float:
    """Return the prior close by the rule in words: last regular minute, else daily bar, else missing."""
    before = MADE_UP[MADE_UP.index(day) - 1]
    minutes = made_minutes(symbol, before).between_time("09:30", CLOSES[before], inclusive="left")
    if len(minutes):
        return float(minutes["close"].iloc[-1])
    days = made_days(symbol)
    return float(days["close"].get(before, np.nan))


def columns_of(frame: pd.DataFrame) -> BarColumns:
    labels = ((frame.index - pd.Timestamp(0, tz=frame.index.tz)) // pd.Timedelta("1s")).to_numpy()
    return BarColumns(labels, *(frame[name].to_numpy(dtype=float) for name in COLUMNS))


@pytest.fixture(scope="module", params=["bars.db", "bars"])
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """The made-up market in each kind of store."""
    with open_new_store(tmp_path_factory.mktemp("made_up") / request.param) as store:
        for symbol in MADE_SYMBOLS:
            for day in MADE_UP:
                store.write(symbol, MINUTE, columns_of(made_minutes(symbol, day).tz_convert("UTC")))
            store.write(symbol, DAY, columns_of(made_days(symbol).tz_localize("UTC")))
        yield store


def made_up_file(start: str, *, indicators: bool = False, prefetch_days: int = 1) -> SessionConfig:
    """Return a file over the made-up market from a day on; with indicators, minutes and days are history."""
    used = {
        "ema": {"type": "EMA", "interval": "1m", "timeperiod": 5},
        "sma_days": {"type": "SMA", "interval": "1d", "timeperiod": 2},
    }
    return session_file(
        MADE_SYMBOLS, ["1m"], start, MADE_UP[-1],
        indicators=used if indicators else {}, prefetch_days=prefetch_days,
    )  # fmt: skip


@pytest.mark.parametrize("indicators", [False, True], ids=["no history", "history"])
@pytest.mark.parametrize(("start", "prefetch_days"), [(MADE_UP[1], 3), (MADE_UP[3], 1)])
def test_a_made_up_market_has_the_prior_closes_of_the_rule(
    market: BarStore, start: str, prefetch_days: int, indicators: bool
) -> None:
    config = made_up_file(start, indicators=indicators, prefetch_days=prefetch_days)
    records = play_recorded(config, market).records
    assert [record.tape.session.trading_day.isoformat() for record in records] == [
        *MADE_UP[MADE_UP.index(start) :]
    ]
    for record in records:
        tape, day = record.tape, record.tape.session.trading_day.isoformat()
        expected = [made_prior_close(symbol, day) for symbol in MADE_SYMBOLS]
        np.testing.assert_array_equal(tape.prior_close.values, expected)
        for row, symbol in enumerate(MADE_SYMBOLS):
            last = tape.base.values[CLOSE, row]
            if np.isnan(expected[row]) or np.isnan(last).all():
                continue
            change = float(last[~np.isnan(last)][-1]) - expected[row]
            condition = Condition.parse(f"{symbol}.change == {change!r}", Vocabulary.of(tape))
            assert condition.holds(tape, len(tape), len(tape)).all()


def test_why_says_which_bar_the_prior_close_is_of(market: BarStore) -> None:
    system = SystemManager(made_up_file("2013-11-29"), market)
    system.start(paused=True)
    try:
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        found = {symbol: system.explain(symbol, "prev_close") for symbol in MADE_SYMBOLS}
    finally:
        system.stop(LIMIT_S)
    day = "2013-11-27"
    assert {symbol: why.note for symbol, why in found.items()} == {
        "FULL": f"close of the 15:59 bar of {day}",
        "LATE": f"close of the 15:57 bar of {day}: the 2 bars after it are missing",
        "DAILY": f"close of the stored 1d bar of {day}: no 1m bars of that day are stored",
        "NONE": f"no bars of {day}, the trading day before, are stored",
        "AFTER": f"no bars of {day}, the trading day before, are stored",
        "EARLY": f"close of the 09:45 bar of {day}: the 374 bars after it are missing",
    }
    for symbol, why in found.items():
        check_prior_close(why, made_prior_close(symbol, "2013-11-29"))
    assert {s: why.source for s, why in found.items() if why.source != "stored 1m bars"} == {
        "DAILY": "stored 1d bars"
    }


def check_prior_close(why: Explanation, expected: float) -> None:
    """Check value and input of an explanation."""
    if np.isnan(expected):
        assert (why.value, why.inputs, why.is_warm) == (None, (), False)
        return
    (series,) = why.inputs
    assert (why.value, series.values.tolist(), series.earlier) == (expected, [expected], 1)
