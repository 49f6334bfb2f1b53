"""Accounts of strategies in exports: their four files, session.json and the manifest."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_kit import digest_of, link, make_config, make_record, make_summary, make_tape, random_bars
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.account_record import SessionAccount, StrategyNote
from tapedeck.engine.broker.orders import OrderKind, OrderRecord, OrderState, Side, TimeInForce
from tapedeck.engine.config import SessionConfig, Strategy, TradingConfig
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.daily_exports import DailyExports
from tapedeck.engine.export.partial_export import export_played
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.from_config import definitions_of, terms_of
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary
from tests.support.recorded_walk import play_rules
from tests.support.runs import LIMIT_S, until

DAYS = (date(2013, 10, 7), date(2013, 10, 8))
PLAYED = 200
"""Slots played of the second day."""
RULES = (
    {"name": "up", "enter": "close > open", "exit": "close < open", "size": {"shares": 30}},
    {"name": "down", "enter": "close < sma_3", "side": "short", "size": {"cash": 50_000}},
    {"name": "big", "enter": "minutes_since_open == 30", "size": {"shares": 9000}, "symbols": ["SPY"]},
    {"name": "daily", "enter": "close > 1", "size": {"shares": 10}, "flat_at_close": True},
    {"name": "refused", "enter": "close > 180", "size": {"shares": 1e7}},
)
TERMS = {
    "initial_cash": 1_000_000.0,
    "allow_short": True,
    "max_per_trade": 2_000_000.0,
    "max_per_symbol": "none",
    "commission": {"per_share": 0.0035, "minimum": 0.35},
}


def config_of(terms: dict[str, Any] | None = None) -> SessionConfig:
    """A session file with the rules, or with some terms of the account changed."""
    changes = {
        "strategies": tuple(Strategy.model_validate(rule) for rule in RULES),
        "trading_config": TradingConfig.model_validate(TERMS | (terms or {})),
    }
    return make_config().model_copy(update=changes)


def definitions() -> list[RuleDefinition]:
    return [one for one in definitions_of(config_of()) if isinstance(one, RuleDefinition)]


def played(config: SessionConfig) -> list[SessionRecord]:
    """Two sessions that the strategies walked, the second one not to its close."""
    tapes = []
    for day, frontier in zip(DAYS, (None, PLAYED), strict=True):
        values = random_bars(2, 390, day.toordinal(), missing=0.1)
        values[4] = np.floor(values[4] / 10)
        tapes.append(make_tape(day, values, frontier=frontier))
    play_rules(definitions(), terms_of(config), tapes)
    records = [make_record(tapes[0]), make_record(tapes[1], state="stopped")]
    link(records)
    return records


def export(folder: Path, config: SessionConfig, records: Sequence[SessionRecord]) -> Path:
    pairs = [(record, digest_of(record)) for record in records]
    summary = make_summary(config, records, state="stopped")
    sessions = tuple(SessionSummary.of(record, digest) for record, digest in pairs)
    summary = replace(summary, sessions=sessions, strategy_parameters={"up": {"fast": 10}})
    export_played(folder, config, pairs, summary, PerformanceMetrics())
    return folder


@pytest.fixture(scope="module")
def records() -> list[SessionRecord]:
    return played(config_of())


@pytest.fixture(scope="module")
def sound(records: list[SessionRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of a run with strategies."""
    return export(tmp_path_factory.mktemp("account") / "out", config_of(), records)


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_sound_export_has_no_findings(sound: Path) -> None:
    assert validate_export(sound).findings == ()


def test_the_files_have_what_the_account_did(sound: Path, records: list[SessionRecord]) -> None:
    accounts = [record.account for record in records]
    orders = {row["order"]: row for row in rows_of(sound, "orders.csv")}
    assert list(orders) == [str(number) for number in range(1, len(orders) + 1)]
    fills, trades = rows_of(sound, "fills.csv"), rows_of(sound, "trades.csv")
    expected = [fill for account in accounts if account is not None for fill in account.fills]
    written = [(row["strategy"], row["symbol"], row["side"], float(row["quantity"])) for row in fills]
    assert written == [(one.strategy, one.symbol, one.side.value, one.lots) for one in expected]
    assert [float(row["price"]) for row in fills] == [one.price for one in expected]
    assert {row["state"] for row in orders.values()} == {"filled", "refused", "working"}
    in_parts = Counter(row["order"] for row in fills)
    assert max(in_parts.values()) > 3
    for number, parts in in_parts.items():
        own = [row for row in fills if row["order"] == number]
        assert len(own) == parts
        assert float(orders[number]["filled"]) == sum(float(row["quantity"]) for row in own)
        assert all(row["timestamp"] >= orders[number]["time"] for row in own)
    assert sum(float(row["profit"]) for row in trades) == pytest.approx(
        sum(trade.profit for account in accounts if account is not None for trade in account.trades) / 10**6
    )


def test_equity_has_a_row_for_each_moment(sound: Path) -> None:
    rows = rows_of(sound, "equity.csv")
    clock = rows_of(sound, "session.csv")
    assert [row["time"] for row in rows] == [row["timestamp"] for row in clock]
    assert [row["session_date"] for row in rows] == [row["session_date"] for row in clock]
    assert (rows[0]["cash"], rows[0]["value"], rows[0]["equity"]) == ("1000000", "0", "1000000")
    for row in rows:
        assert Fraction(row["cash"]) + Fraction(row["value"]) == Fraction(row["equity"])


def test_session_json_and_the_manifest_say_which_strategies_and_terms(sound: Path) -> None:
    state, manifest = document(sound, "session.json"), document(sound, "manifest.json")
    assert state["strategies"] == manifest["strategies"]
    assert manifest["strategies"][0] == {"name": "up", "kind": "rule", "parameters": {"fast": 10}}
    assert state["account"] == manifest["account"]
    assert manifest["account"]["commission"] == {"per_share": 0.0035, "minimum": 0.35}
    assert manifest["account"]["max_per_symbol"] is None
    rows = rows_of(sound, "equity.csv")
    first, second = (session["account"] for session in state["sessions"])
    assert first["closing"] == second["opening"]
    assert second["closing"]["equity"] == float(rows[-1]["equity"])
    assert {one["strategy"] for one in first["closing"]["positions"]} >= {"down", "big"}


def test_a_run_without_strategies_has_none_of_it(tmp_path: Path) -> None:
    record = make_record(make_tape(DAYS[0]))
    export(tmp_path, make_config(), [record])
    assert validate_export(tmp_path).findings == ()
    assert not {"orders.csv", "fills.csv", "trades.csv", "equity.csv"} & {p.name for p in tmp_path.iterdir()}
    manifest, state = document(tmp_path, "manifest.json"), document(tmp_path, "session.json")
    assert not {"strategies", "account"} & (manifest.keys() | state.keys() | state["sessions"][0].keys())


def test_notes_are_in_the_last_session(tmp_path: Path, records: list[SessionRecord]) -> None:
    tape = make_tape(DAYS[0], frontier=3)
    account = records[0].tape.account
    assert account is not None
    notes = (StrategyNote("up", -1, "open", None), StrategyNote("up", 2, "a\nb", math.nan))
    later = StrategyNote("up", 3, "later", 1.0)
    tape.account = SessionAccount(replace(account.record, notes=(*notes, later)))
    export(tmp_path, config_of(), [make_record(tape, state="stopped")])
    assert document(tmp_path, "session.json")["last_session"]["notes"] == [
        {"strategy": "up", "slot": 0, "time": "2013-10-07T09:30:00-04:00", "text": "open", "value": None},
        {"strategy": "up", "slot": 3, "time": "2013-10-07T09:33:00-04:00", "text": "a\\nb", "value": None},
    ]


def test_each_day_of_a_recording_has_its_part_of_the_account(
    tmp_path: Path, records: list[SessionRecord]
) -> None:
    config = config_of()
    exports = DailyExports(tmp_path, config)
    exports.run = lambda: (make_summary(config, records, state="stopped"), PerformanceMetrics())
    for record in records:
        exports.write_session(record, digest_of(record))
    assert exports.failures == ()
    for day in DAYS:
        assert validate_export(tmp_path / day.isoformat()).findings == ()
    first, second = (rows_of(tmp_path / day.isoformat(), "orders.csv") for day in DAYS)
    assert int(second[0]["order"]) <= int(first[-1]["order"]) + 1


def test_texts_of_classes_stay_in_their_fields(tmp_path: Path) -> None:
    tape = make_tape(DAYS[0], frontier=3)
    play_rules(definitions()[2:3], terms_of(config_of()), [tape])
    assert tape.account is not None
    order = OrderRecord(
        1, "up", 'S,"P\n', Side.BUY, 0, OrderKind.MARKET, TimeInForce.GTC, DAYS[0], 1, math.nan,
        "a,\r\nb", OrderState.REFUSED, 'no "lots"', 0, 0, 0, DAYS[0], 1,
    )  # fmt: skip
    account = replace(tape.account.record, orders=(order,), strategies=tuple(one["name"] for one in RULES))
    tape.account = SessionAccount(account)
    export(tmp_path, config_of(), [make_record(tape, state="stopped")])
    [row] = rows_of(tmp_path, "orders.csv")
    assert (row["symbol"], row["reason"], row["state_reason"]) == ('S,"P\\n', "a,\\r\\nb", 'no "lots"')
    assert (row["close"], row["quantity"], row["time"]) == ("", "0", "2013-10-07T09:32:00-04:00")
    assert validate_export(tmp_path).findings == ()


def assert_found(folder: Path, file: str, *patterns: str) -> None:
    found = [one for one in validate_export(folder).findings if one.file == file]
    for pattern in patterns:
        assert any(re.search(pattern, str(one)) for one in found), (pattern, found)


def rewrite(folder: Path, file: str, rows: Sequence[dict[str, str]]) -> None:
    with (folder / file).open("w", newline="", encoding="utf-8") as written:
        table = csv.DictWriter(written, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        (
            "orders.csv",
            [
                ("order", "0", "invalid order '0'"),
                ("strategy", "upp", "unknown strategy 'upp'.*up"),
                ("quantity", "0.5", "invalid quantity '0.5': it must be a multiple of 1"),
                ("state", "expired", r"the state is expired, but (\d+) of \1 lots filled"),
                ("filled", "10000000", "more has filled than was ordered"),
                ("filled", "9", "9 lots filled, but .* by fills.csv"),
                ("price", "1.5", "price is 1.5, but .* by fills.csv"),
                ("commission", "1", "commission is 1, but .* by fills.csv"),
                ("close", "x", "invalid close 'x'"),
                ("ended", "2013-10-07T15:59:00-04:00", "it did not end with its last fill"),
                ("time", "2013-10-07T09:30:30-04:00", "is not a clock time that was played"),
                ("order", "2", "order 2: is out of order: it comes after order"),
            ],
        ),
        (
            "fills.csv",
            [
                ("timestamp", "2013-10-07T09:30:00-04:00", "opened before it was given"),
                ("quantity", "-1", "invalid quantity '-1'"),
                ("quantity", "1000000", "lots fill in a bar of which"),
                ("price", "500", "price 500 is outside low"),
                ("side", "hold", "side is 'hold', but '(buy|sell)' of the order"),
                ("order", "2000000", "order '2000000' is not one that works then"),
                ("symbol", "IBM", "IBM was not in the session"),
                ("timestamp", "2013-10-07T15:59:00-04:00", "it fills after it ended"),
            ],
        ),
        (
            "trades.csv",
            [
                ("profit", "1", "profit is '1', but .* by fills.csv"),
                ("side", "both", "side is 'both', but '(long|short)' by fills.csv"),
                ("entry_order", "99999", "entry_order is '99999'"),
                ("trade", "9", "trade is '9', after 3"),
            ],
        ),
        (
            "equity.csv",
            [
                ("cash", "5", "equity is .*, but cash and value are not that together"),
                ("cash", "6", "cash is not that of the row before"),
                ("value", "5", "value is not that of the positions by bars.csv"),
            ],
        ),
        ("equity.csv", [("cash", "0.0000001", "must be amounts of the account's money")]),
        ("equity.csv", [("time", "2013-10-07T09:31:30-04:00", "time is '2013-10-07T09:31:30-04:00', but")]),
    ],
)
def test_changed_fields_are_found(copy: Path, file: str, changes: list[tuple[str, str, str]]) -> None:
    rows = rows_of(copy, file)
    # Each change in a row of its own: of orders, in one that filled.
    lines = [at for at, row in enumerate(rows) if row.get("state", "filled") == "filled"][: len(changes)]
    for line, (column, text, _) in zip(lines, changes, strict=True):
        rows[line][column] = text
    rewrite(copy, file, rows)
    found = [str(one) for one in validate_export(copy).findings]
    for line, (_, _, pattern) in zip(lines, changes, strict=True):
        assert any(re.search(f"{file}:{line + 2}: .*{pattern}", one) for one in found), (line, pattern, found)


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("orders.csv", "is not one that works then"),
        ("fills.csv", "lots filled, but"),
        ("trades.csv", "trades, but .* by fills.csv"),
        ("equity.csv", "should be"),
    ],
)
def test_a_missing_row_is_found(copy: Path, file: str, pattern: str) -> None:
    lines = (copy / file).read_text().splitlines(keepends=True)
    (copy / file).write_text("".join(lines[:5] + lines[6:]))
    findings = [
        str(one) for one in validate_export(copy).findings if one.file in {file, "orders.csv", "fills.csv"}
    ]
    assert any(re.search(pattern, one) for one in findings), findings


def test_a_changed_session_json_is_found(copy: Path) -> None:
    state = document(copy, "session.json")
    account = state["sessions"][1]["account"]
    account["closing"] |= {"cash": 1, "commission": 1}
    account["opening"]["equity"] = 1
    account["closing"]["positions"].pop()
    account["strategies"][0] |= {"fills": 1, "profit": 1}
    account["strategies"].pop(1)
    state["sessions"][0]["account"] = 5
    (copy / "session.json").write_text(json.dumps(state))
    assert_found(
        copy,
        "session.json",
        "2013-10-07: account: opening: cash is not that of equity.csv",
        "2013-10-08: account: closing: cash is not that of equity.csv",
        "2013-10-08: account: opening: equity is not that of equity.csv",
        r"2013-10-08: account: closing: \w+ holds \w+: 0 lots, but",
        "2013-10-08: account: up: fills is not that of the files",
        "2013-10-08: account: up: profit is not that of the files",
        "2013-10-08: account: down: orders is not that of the files",
        "2013-10-08: account: commission is not that of fills.csv",
    )


def test_terms_and_files_must_be_there_with_strategies_only(copy: Path) -> None:
    state = document(copy, "session.json")
    state["account"]["lot"] = 2.0
    (copy / "session.json").write_text(json.dumps(state))
    assert_found(copy, "session.json", "account: not as in the manifest")
    manifest = document(copy, "manifest.json")
    manifest["files"] = [file for file in manifest["files"] if file["name"] != "fills.csv"]
    del manifest["account"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert_found(
        copy,
        "manifest.json",
        "files: fills.csv is not listed",
        "account: must be there if and only if strategies are",
    )
    del manifest["strategies"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert_found(copy, "manifest.json", "files: orders.csv is listed, but strategies are missing")


@settings(max_examples=2)
@given(
    terms=st.fixed_dictionaries(
        {
            "participation": st.sampled_from([0.5, 40.0, "none"]),
            "lot": st.sampled_from([1.0, 0.1, 7.0]),
            "digits": st.sampled_from([2, 6, 12]),
            "allow_short": st.booleans(),
            "slippage": st.sampled_from(["none", {"percent": 0.1}, {"range": 0.5}]),
            "commission": st.sampled_from(["none", {"per_share": 0.0035}, {"percent": 0.1, "minimum": 1.0}]),
        }
    )
)
def test_an_export_with_any_terms_is_sound(
    terms: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = config_of(terms)
    folder = export(tmp_path_factory.mktemp("terms"), config, played(config))
    assert validate_export(folder).findings == ()


CODE = """
from pathlib import Path
from pydantic import BaseModel
from tapedeck import Strategy

class Noted(Strategy):
    class Parameters(BaseModel):
        most: int = 5
        words: set[str] = {"b", "c", "a"}
        limit: float = float("nan")
        path: Path = Path("x")

    def on_session_start(self):
        self.note("begins")
        self.buy("SPY", self.parameters.most)
"""


def test_a_run_with_strategies_exports_the_same_again(week_store: BarStore, tmp_path: Path) -> None:
    """A symbol joins, is bought and leaves; the run is stopped; then sessions are recomputed."""
    (tmp_path / "noted.py").write_text(CODE)
    strategies = [
        {"strategy": f"{tmp_path / 'noted.py'}:Noted", "parameters": {"most": 7}},
        {"name": "up", "enter": "close > open", "exit": "close < open", "size": {"cash": 9000}},
        {"name": "hold", "enter": "close > 1", "size": {"cash": 9000}},
    ]
    document_of_file = {
        "session_name": "Strategies",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": DAYS[0], "end_date": DAYS[1]},
        "session_data_config": {"symbols": ["SPY", "AIG"], "streams": ["1m"]},
        "strategies": strategies,
    }
    config = parse_session_config(document_of_file, source="test").config
    sink = CsvExport(tmp_path / "first", config)
    system = SystemManager(config, week_store, sinks=[sink], tape_cache_bytes=1)
    system.start(paused=True)
    try:
        for stop, change in ((50, system.add_symbol), (130, system.remove_symbol), (490, None)):
            system.step(stop - played_slots(system))
            assert until(lambda at=stop: played_slots(system) == at)
            if change is not None:
                change("BAC")
        assert system.wait_until_recorded(LIMIT_S)
        system.export_csv(tmp_path / "again")
        system.stop(LIMIT_S)
        assert system.error is None
        manifest = sink.finish(system.summary(), system.metrics)
    finally:
        system.stop(LIMIT_S)
    assert manifest is not None
    assert [session.played for session in manifest.sessions] == [390, 100]
    fills = rows_of(tmp_path / "first", "fills.csv")
    assert {row["symbol"] for row in fills} == {"SPY", "AIG", "BAC"}
    assert manifest.strategies[0].model_dump() == {
        "name": "Noted",
        "kind": "class",
        "code": hashlib.sha256(CODE.encode()).hexdigest(),
        "parameters": {"most": 7, "words": ["a", "b", "c"], "limit": None, "path": "x"},
    }
    state = document(tmp_path / "first", "session.json")
    assert [note["text"] for note in state["last_session"]["notes"]] == ["begins"]
    positions = state["sessions"][1]["account"]["closing"]["positions"]
    assert ("hold", "BAC") in {(one["strategy"], one["symbol"]) for one in positions}
    for folder in ("first", "again"):
        assert validate_export(tmp_path / folder).findings == ()
    for file in manifest.files:
        if file.name != "metrics.json":
            again = (tmp_path / "again" / file.name).read_bytes()
            assert (tmp_path / "first" / file.name).read_bytes() == again, file.name


def played_slots(system: SystemManager) -> int:
    """Slots that are over, from the start of the run."""
    now = system.snapshot()
    return max(0, now.session - 1) * 390 + now.frontier
