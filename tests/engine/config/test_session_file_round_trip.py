"""Law: a dumped configuration reads back as the same, in YAML and as a document."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import dump
from tapedeck.engine.config.documents import parse_text
from tapedeck.engine.session_file import parse_session_config

INTRADAY = st.sampled_from(["1s", "5s", "1m", "5m", "15m", "30m", "1h", "4h"])
INTERVALS = INTRADAY | st.just("1d")
SYMBOLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=12
).filter(lambda text: not text.startswith("=")) | st.sampled_from(
    ["SPY", "BRK.B", "NO", "Y", "ON", "null", "~", "1e5", "0700", "7203", "1:30", "-x"]
)
FREE_NAMES = st.from_regex(r"m_[a-j0-9]{1,8}", fullmatch=True)  # without "key", "token": secrets
NAMES = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable() and text.strip())
POSITIVE = st.floats(0.01, 1e12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FREE_NAMES, inner, max_size=3),
    max_leaves=8,
)
PERIODS = st.one_of(
    st.integers(1, 25000).map(lambda n: f"{n}d"),
    st.integers(1, 5200).map(lambda n: f"{n}w"),
    st.integers(1, 1200).map(lambda n: f"{n}m"),
    st.integers(1, 100).map(lambda n: f"{n}y"),
)
TRAILING = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["trailing_average", "trailing_max", "trailing_min"]),
        "period": PERIODS,
        "field": st.sampled_from(["open", "high", "low", "close", "volume"]),
    },
    optional={"skip_early_close": st.booleans(), "granularity": st.just("daily")},
)
INDICATORS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["SMA", "rsi", "ATR"]), "interval": INTERVALS},
        optional={"timeperiod": st.integers(2, 500)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("BBANDS"), "interval": INTERVALS},
        optional={"nbdevup": st.floats(-5, 5), "matype": st.sampled_from([0, 1, "EMA", "T3"])},
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["VWAP", "SESSION_HIGH", "MACD", "ADD"]), "interval": INTERVALS}
    ),
)
TIMES = st.times().map(lambda at: at.replace(microsecond=0).isoformat())
SYMBOL_LISTS = st.lists(SYMBOLS, min_size=1, max_size=5, unique=True)
PATTERNS = SYMBOLS.map(lambda text: f"{text}*") | st.just("?")
UNIVERSES = st.one_of(
    st.just("all"),
    SYMBOL_LISTS,
    PATTERNS,
    st.fixed_dictionaries({"symbols": st.just("all") | SYMBOL_LISTS}),
    st.fixed_dictionaries(
        {"file": st.sampled_from(["symbols.txt", "lists/a b.txt"])},
        optional={"average_days": st.integers(1, 250), "memory_mb": st.integers(16, 10**6)},
    ),
)
SCHEDULES = st.fixed_dictionaries({"every": INTRADAY}, optional={"from": TIMES, "to": TIMES})
MOMENTS = st.just("pre_session") | TIMES | SCHEDULES
SCANNER_FIELDS = {
    "name": FREE_NAMES,
    "at": MOMENTS | st.lists(MOMENTS, min_size=1, max_size=3, unique_by=str),
}
SCANNER_OPTIONS = {
    "add": st.just(True),
    "keep": st.booleans(),
    "top": st.integers(1, 10**6),
    "max_symbols": st.integers(1, 10**6),
    "required": st.booleans(),
    "timeout_seconds": POSITIVE,
}
SCANNERS = st.one_of(
    st.fixed_dictionaries(
        {
            **SCANNER_FIELDS,
            "scanner": st.sampled_from(["my.gaps:Gaps", "scans/gap up.py:Gaps"]),
            "parameters": st.dictionaries(FREE_NAMES, VALUES, max_size=2),
        },
        optional=SCANNER_OPTIONS,
    ),
    st.fixed_dictionaries(
        {**SCANNER_FIELDS, "where": st.just("gap_pct > 0.5 and close > pre_high"), "by": st.just("-gap_pct")},
        optional=SCANNER_OPTIONS,
    ),
)

RULES = st.fixed_dictionaries(
    {
        "name": FREE_NAMES,
        "enter": st.just("close >  open and position == 0"),
        "size": st.one_of(st.fixed_dictionaries({kind: POSITIVE}) for kind in ("shares", "cash", "percent"))
        | st.fixed_dictionaries({"risk": POSITIVE, "stop": POSITIVE | st.just("2 * (high - low)")}),
    },
    optional={
        "exit": st.just("bars_held >= 10"),
        "side": st.sampled_from(["long", "short"]),
        "flat_at_close": st.booleans(),
        "no_entry_after": TIMES,
        "max_entries_per_day": st.integers(1, 10**6),
        "stop_loss": POSITIVE,
        "take_profit": POSITIVE,
    },
)
CLASSES = st.fixed_dictionaries(
    {"name": FREE_NAMES, "strategy": st.sampled_from(["my.cross:Cross", "ideas/cross up.py:Cross"])},
    optional={
        "parameters": st.dictionaries(FREE_NAMES, VALUES, max_size=2),
        "interval": INTRADAY,
        "timeout_seconds": POSITIVE,
    },
)
# Few years: each loads a calendar.
DATES = st.dates(date(2010, 1, 1), date(2015, 12, 31))
OR_NONE = POSITIVE | st.just("none")
ACCOUNTS = st.fixed_dictionaries(
    {"initial_cash": st.floats(0.01, 1e12)},
    optional={
        "max_per_trade": OR_NONE,
        "max_per_symbol": OR_NONE,
        "max_open_positions": st.integers(1, 1000) | st.just("none"),
        "allow_short": st.booleans(),
        "participation": st.floats(0.01, 100) | st.just("none"),
        "commission": st.fixed_dictionaries({"per_share": POSITIVE}, optional={"minimum": POSITIVE}),
        "slippage": st.fixed_dictionaries({"percent": st.floats(0, 100)}) | st.just("none"),
        "lot": POSITIVE,
    },
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    first, last = sorted((draw(DATES), draw(DATES)))
    symbols = draw(st.lists(SYMBOLS, min_size=1, max_size=5, unique=True))
    data: dict[str, Any] = {
        "symbols": symbols,
        "streams": draw(st.lists(INTERVALS | st.just("quotes"), min_size=1, unique=True)),
        "historical": {
            "enable_quality": draw(st.booleans()),
            "data": draw(
                st.lists(
                    st.fixed_dictionaries(
                        {
                            "trailing_days": st.integers(1, 500),
                            "intervals": st.lists(INTERVALS | st.just("1w"), min_size=1, unique=True),
                            "apply_to": st.just("all")
                            | st.lists(st.sampled_from(symbols), min_size=1, unique=True),
                        }
                    ),
                    max_size=3,
                )
            ),
            "indicators": draw(
                st.dictionaries(st.from_regex(r"h_[a-z0-9]{1,8}", fullmatch=True), TRAILING, max_size=3)
            ),
        },
        "indicators": draw(st.dictionaries(FREE_NAMES, INDICATORS, max_size=3)),
        "min_completeness": draw(st.floats(0, 1)),
        "universe": draw(UNIVERSES),
        "scanners": draw(st.lists(SCANNERS, max_size=3, unique_by=lambda scanner: scanner["name"])),
        "gap_filler": {"max_retries": draw(st.integers(0, 100)), "retry_interval_seconds": draw(POSITIVE)},
    }
    return {
        "session_name": draw(NAMES),
        "exchange_group": draw(st.sampled_from(["US_EQUITY", "CRYPTO", "XTKS"])),
        "mode": draw(st.sampled_from(["backtest", "live"])),
        "backtest_config": {
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            "speed_multiplier": draw(st.floats(0, 1e6)),
            "prefetch_days": draw(st.integers(1, 250)),
            "start_time": draw(st.none() | TIMES),
        },
        "session_data_config": data,
        "trading_config": draw(ACCOUNTS),
        "parameters": draw(st.dictionaries(FREE_NAMES, VALUES, max_size=2)),
        "strategies": draw(st.lists(RULES | CLASSES, max_size=3, unique_by=lambda one: one["name"])),
        "metadata": draw(st.dictionaries(FREE_NAMES, VALUES, max_size=3)),
    }


@settings(max_examples=20, deadline=None)
@given(documents())
def test_a_dumped_configuration_reads_back_as_the_same(document):
    config = parse_session_config(document, "original").config
    again = parse_session_config(parse_text(dump(config), "dumped", is_json=False), "dumped")
    assert again.config == config
    assert parse_session_config(config.model_dump(by_alias=True), "document").config == config
