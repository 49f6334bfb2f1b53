"""Accounts of strategies in exports: their four files, session.json and the manifest."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_kit import digest_of, link, make_config, make_record, make_summary, make_tape, random_bars

from tapedeck.engine.config import SessionConfig, Strategy, TradingConfig
from tapedeck.engine.export.partial_export import export_played
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.from_config import definitions_of, terms_of
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary
from tests.support.recorded_walk import play_rules

DAYS = (date(2013, 10, 7), date(2013, 10, 8))
PLAYED = 200
"""Slots played of the second day."""
RULES = (
    {"name": "up", "enter": "close > open", "exit": "close < open", "size": {"shares": 30}},
    {"name": "down", "enter": "close < sma_3", "side": "short", "size": {"cash": 50_000}},
    {"name": "big", "enter": "minutes_since_open == 30", "size": {"shares": 9000}, "symbols": ["SPY"]},
    {"name": "daily", "enter": "close > 1", "size": {"shares": 10}, "flat_at_close": True},
    {"name": "refused", "enter": "close > 1", "size": {"shares": 1e7}},
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


def played(config: SessionConfig) -> list[SessionRecord]:
    """Two sessions that the strategies walked, the second one not to its close."""
    tapes = []
    for day, frontier in zip(DAYS, (None, PLAYED), strict=True):
        values = random_bars(2, 390, day.toordinal(), missing=0.1)
        values[4] = np.floor(values[4] / 10)
        tapes.append(make_tape(day, values, frontier=frontier))
    rules = [one for one in definitions_of(config) if isinstance(one, RuleDefinition)]
    play_rules(rules, terms_of(config), tapes)
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
