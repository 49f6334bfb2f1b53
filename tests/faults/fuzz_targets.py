"""Targets of the fuzzing: inputs of one kind each, their use, and what must hold of a success."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from tapedeck.console.actions.key_script import Script
from tapedeck.console.cli.options import read_settings
from tapedeck.console.cli.session_file_text import session_file_text
from tapedeck.console.cli.session_of_options import checked_config, read_options
from tapedeck.console.cli.session_options import SessionOptions
from tapedeck.engine.conditions.condition import Condition
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config.loading import dump
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.session_file import load_session_config, parse_session_config
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.tape.tape import Tape
from tests.faults.mutations import mutated_bytes, mutated_document, written
from tests.support.imports import import_csv
from tests.support.tapes import compute, random_values, slots_of, tape_over

_FULL: Final[dict[str, Any]] = {
    "session_name": "October",
    "exchange_group": "US_EQUITY",
    "asset_class": "EQUITY",
    "mode": "backtest",
    "backtest_config": {
        "start_date": "2013-10-07",
        "end_date": "2013-10-11",
        "speed_multiplier": 60.0,
        "prefetch_days": 3,
        "start_time": "10:30",
    },
    "session_data_config": {
        "symbols": ["SPY", "AIG"],
        "streams": ["1m", "5m", "quotes"],
        "historical": {
            "enable_quality": True,
            "data": [{"trailing_days": 5, "intervals": ["1m", "1d"], "apply_to": "all"}],
            "indicators": {"avg_volume": {"type": "trailing_average", "period": "2d", "field": "volume"}},
        },
        "indicators": {
            "sma_5": {"type": "SMA", "interval": "5m", "timeperiod": 5},
            "vwap": {"type": "vwap", "interval": "1m"},
            "fast": {"type": "SMA", "interval": "1m", "timeperiod": "$fast"},
        },
        "gap_filler": {"enable_session_quality": True, "max_retries": 5, "retry_interval_seconds": 60.0},
        "universe": {"pattern": "A*", "indicators": ["vwap"], "average_days": 5, "memory_mb": 64},
        "scanners": [
            {"scanner": "a.b:C", "schedules": [{"from": "09:30", "to": "16:00", "every": "5m"}]},
            {
                "name": "up",
                "where": "gap_pct > 0.5 and day_volume > 1.5 * avg_volume_to_now",
                "by": "gap_pct",
                "top": 5,
                "at": ["pre_session", "10:00", {"every": "1h"}],
                "add": False,
                "max_symbols": 3,
            },
        ],
        "min_completeness": 0.5,
    },
    "trading_config": {
        "initial_cash": 1000.0,
        "max_per_trade": "none",
        "max_open_positions": 3,
        "participation": "none",
        "commission": {"per_share": 0.005, "minimum": 1},
        "slippage": {"ticks": 1},
        "tick_size": 0.01,
    },
    "parameters": {"fast": 3, "level": -1.5},
    "strategies": [
        {
            "name": "cross",
            "symbols": ["SPY"],
            "parameters": {"level": 2, "loss": 1.5, "distance": 0.5},
            "enter": "fast crosses above sma_5 and close > $level and minutes_to_close > 30",
            "exit": "unrealised < -$level or SPY.position > 100",
            "size": {"risk": 1, "stop": "$distance * (high - low)"},
            "stop_loss": "$loss",
            "no_entry_after": "15:45",
        },
        {"strategy": "a.b:C", "parameters": {"length": "$fast"}, "interval": "5m"},
    ],
    "api_config": {"data_api": "alpaca"},
    "metadata": {"note": "mine", "nested": {"list": [1, 2.5, None]}},
}
_ALIASES: Final = (
    b"a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b]\n"
    b"session_name: &n October\nexchange_group: *n\nmetadata: {<<: {k: &v [1, *n]}, v: *v}\n"
)
_CONDITIONS: Final = (
    b"S0.close > 30 and time >= 10:30",
    b"any.volume > 3 * any.quality or not (S1.5m.close < 2 and all.gaps != 1)",
    b"30 < S0.close <= max(S1.high, abs(-S1.low), 2.5) != 10:30:15",
    b"\"S0\".close == 'S1'.open - 1_000 / (2 + 3e-5)",
    b"any.close[2] crosses above any.5m.high[1] * 0.99 and not S1.last crosses below S0.change_pct[30]",
    b"all.quality[1] crosses below (all.gaps + 90) or S0.5m.volume[0] > S1.volume [ 1000 ] / 2",
)
_SCRIPTS: Final = (
    b"# stop at a price\nbreak SPY.close > 168\nresume\nstep 10\nrun_to 10:30\nexport csv out/\nquit\n",
    b"speed 60\ngoto tue oct 8 2013 noon\nrun_to +15m\nview quality json\nbookmark a note\nbreak\nstep\n",
    b"run_to 2013-10-08 10:30\nrun_to 50%\nrun_to next close\nexport json x.json\nunbreak 1\nmax_speed\n",
)
_OPTIONS: Final = (
    b"SPY,AIG 1m,5m rsi=RSI:14@5m|VWAP|BBANDS:20,,2.5,EMA 7.oct.2013 US_EQUITY",
    b"BRK.B 1d SMA:5|x=MACD:5,9@1d|SAR:0.02,0.2 2013/10/07 XNYS",
    b"7203,ON 1m RELATIVE_VOLUME|OPENING_RANGE_HIGH:15 20131007 jp_equity",
)
_SETTINGS: Final = (
    b"fast=12|level=-3.5|cross.loss=2",
    b"C.length=$fast|C.names=[a, {b: 1e3}, 'x=y']|cross.level = 10:30",
    b"cross.fast=7|distance=1e-9|level=close|C.x=&a [*a, true, 2013-10-07]",
)
_TABLES: Final = (
    b"time,open,high,low,close,volume\n2013-10-07 09:31,1,2,0.5,1.5,100\n2013-10-07 09:32,1.5,2,1,1,7\n"
    b"2013-10-07 09:33,1.5,2.25,1,1,7\n",
    b"date;o;h;l;c;v\n07/10/2013 09:31:00;1,5;2,25;1,25;1,75;10\n08/10/2013 09:32:00;1,5;2,25;1,25;1,75;10\n",
    b"timestamp,open,high,low,close,volume,symbol\n1381152660,1,2,1,2,1e3,SPY\n1381152720000,1,2,1,2,5,AIG\n",
    b'"Open time","Open","High","Low","Close","Volume"\n'
    b'"20131007 093100","1,234.5","2,345.6","1,0","2,0","1.25M"\n',
    b"\xef\xbb\xbf<TICKER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nSPY,20131007,093100,1,2,1,2,3\n",
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]")
_ZONES: Final = (None, "UTC", "America/New_York")


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of input. `make` returns a random one; `use` raises AssertionError for a wrong success.

    `use` may raise TapedeckError, which is an answer; every other exception is a finding.
    """

    make: Callable[[Random], bytes]
    use: Callable[[bytes, Path], None]


# Session files


def _session(random: Random) -> bytes:
    data = written(mutated_document(_FULL, random), random)
    if random.random() < 0.4:
        data = mutated_bytes(data, random, (_ALIASES, *_CONDITIONS))
    elif random.random() < 0.1:
        data = mutated_bytes(_ALIASES, random, (data,))
    return data


def _use_session(data: bytes, folder: Path) -> None:
    path = folder / ("session.json" if data[:1] == b"{" else "session.yaml")
    path.write_bytes(data)
    try:
        first = load_session_config(path).config
    except ConfigError as error:
        _check_text(error)
        lines = [problem.line or 1 for problem in error.problems]
        assert all(0 < line <= len(data.splitlines()) + 1 for line in lines), "a line outside the file"
        raise
    path = folder / "dumped.yaml"
    path.write_text(dump(first), encoding="utf-8")
    assert load_session_config(path).config == first, "the dumped file reads as another session"


def _check_text(error: ConfigError) -> None:
    text = str(error)
    assert len(text) < 300_000, "the error's text has no limit"
    assert not _CONTROL.search(text), "the error's text could control a terminal"


# Conditions


@cache
def _tape() -> Tape:
    tape = tape_over(slots_of("2013-10-07"), random_values(2, 390, seed=1, missing=0.1), derived=["5m"])
    return compute(tape)


def _condition(random: Random) -> bytes:
    return mutated_bytes(random.choice(_CONDITIONS), random, _CONDITIONS)


def _use_condition(data: bytes, folder: Path) -> None:
    text, tape = data.decode("utf-8", "replace"), _tape()
    condition = Condition.parse(text, Vocabulary.of(tape))
    whole = condition.holds(tape, 0, 390)
    assert whole.shape == (391,), "not one truth for each frontier"
    parts = np.concatenate([condition.holds(tape, 0, 137), condition.holds(tape, 138, 390)])
    assert (parts == whole).all(), "another truth for another cut"
    if len(text) < 5000:
        opposite = Condition.parse(f"not ({text})", Vocabulary.of(tape))
        assert (opposite.holds(tape, 0, 390) == ~whole).all(), "`not` is not the opposite"


# Key scripts


def _script(random: Random) -> bytes:
    return mutated_bytes(random.choice(_SCRIPTS), random, (*_SCRIPTS, *_CONDITIONS))


def _use_script(data: bytes, folder: Path) -> None:
    path = folder / "keys.txt"
    path.write_bytes(data)
    script = Script.load(path)
    again = Script.parse(script.dump())
    assert [(line.action, line.argument) for line in again.lines] == [
        (line.action, line.argument) for line in script.lines
    ], "the saved script reads as another"


# Options of a session without a file


def _options(random: Random) -> bytes:
    data = random.choice(_OPTIONS)
    return data if random.random() < 0.1 else mutated_bytes(data, random, _OPTIONS)


def _use_options(data: bytes, folder: Path) -> None:
    words = data.decode("utf-8", "replace").split(" ", 4)
    symbols, intervals, indicators, first, exchange = [*words, "", "", "", ""][:5]
    options = SessionOptions(
        tuple(symbols.split(",")), first, "2013-10-11", tuple(intervals.split(",")),
        tuple(indicators.split("|")), exchange,
    )  # fmt: skip
    try:
        made, _ = read_options(options).parts(None)
    except ConfigError as error:
        _check_text(error)
        raise
    path = folder / "session.yaml"
    path.write_text(session_file_text(made.document(), run="run", check="check", is_json=False))
    assert load_session_config(path).config == checked_config(made).config, "the file is another session"


# Parameters of the command line


def _settings(random: Random) -> bytes:
    return mutated_bytes(random.choice(_SETTINGS), random, _SETTINGS)


def _use_settings(data: bytes, folder: Path) -> None:
    try:
        settings = read_settings(data.decode("utf-8", "replace").split("|"))
        config = parse_session_config(_FULL, "october.yaml", settings).config
    except ConfigError as error:
        _check_text(error)
        raise
    path = folder / "dumped.yaml"
    path.write_text(dump(config), encoding="utf-8")
    assert load_session_config(path).config == config, "the dumped file reads as another session"


# Tables of bars


def _table(random: Random) -> bytes:
    return bytes([random.randrange(3)]) + mutated_bytes(random.choice(_TABLES), random, _TABLES)


def _use_table(data: bytes, folder: Path) -> None:
    """Import a CSV file twice; the first byte is the choice of the zone."""
    path = folder / "SPY.csv"
    path.write_bytes(data[1:])
    options: dict[str, Any] = {
        "interval": Interval.parse("1m"),
        "zone": _ZONES[data[:1][0] % 3] if data else None,
    }
    with _new_store() as store:
        try:
            first = import_csv(path, store, **options)
        except BaseException:
            assert not store.series(), "bars were stored by an import that failed"
            raise
        counted = first.written + first.unchanged + first.replaced + first.rejected_count
        assert counted == first.rows_read, "the counts do not add up"
        bars = [store.read(symbol, options["interval"], -(10**12), 10**12) for symbol in store.series()]
        assert sum(map(len, bars)) == first.written, "other bars are stored than were counted"
        for part in bars:
            _check_bars(part)
        second = import_csv(path, store, **options)
        assert second.written == second.replaced == 0, "the second import changes the store"


def _check_bars(bars: BarColumns) -> None:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    assert all(np.isfinite(column).all() for column in columns), "a stored value is not finite"
    assert (np.diff(bars.opened_at) > 0).all(), "stored times are not in order"
    assert (bars.low <= np.minimum(bars.open, bars.close)).all(), "a stored low is above"
    assert (bars.high >= np.maximum(bars.open, bars.close)).all(), "a stored high is below"
    assert (bars.volume >= 0).all(), "a stored volume is negative"


@contextmanager
def _new_store() -> Iterator[BarStore]:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "bars.db", create=True) as store:
        yield store


TARGETS: Final = {
    "session": Target(_session, _use_session),
    "condition": Target(_condition, _use_condition),
    "script": Target(_script, _use_script),
    "options": Target(_options, _use_options),
    "settings": Target(_settings, _use_settings),
    "csv": Target(_table, _use_table),
}
