"""Live sessions with quotes over the replay feed: they end as the backtest of the quotes that are stored."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.feeds.fault_script import parse_fault_script
from tapedeck.engine.feeds.recorded_day_feed import recorded_day_feed
from tapedeck.engine.feeds.replay_feed import ReplayFeed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.tape.bar_grid import CLOSE
from tapedeck.engine.tape.quote_grid import ASK, ASK_SIZE, BID, BID_SIZE, QUOTE_FIELDS
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.stamp import session_digest
from tests.support.imports import import_lean
from tests.support.live_runs import Replay
from tests.support.runs import LIMIT_S, play_recorded

DAY = date(2013, 10, 7)
SYMBOLS = ("SPY", "AIG")
"""AIG has no quotes: its own are made."""


def config_of(symbols: tuple[str, ...] = SYMBOLS, **more: object) -> SessionConfig:
    """Return a session file over the day, with quotes."""
    document = {
        "session_name": "quotes",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": DAY.isoformat(), "end_date": DAY.isoformat()},
        "session_data_config": {
            "symbols": list(symbols),
            "streams": ["1m", "5m", "quotes"],
            "indicators": {"sma": {"type": "SMA", "interval": "1m", "timeperiod": 5}},
        },
        **more,
    }
    return parse_session_config(document, "quotes").config


@pytest.fixture(scope="module")
def base(lean_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the minutes of two symbols, and the quotes of one of them."""
    location = tmp_path_factory.mktemp("lean") / "bars.db"
    with open_store(location, create=True) as store:
        for symbol in SYMBOLS:
            import_lean(lean_root / "equity" / "usa" / "minute" / symbol.lower(), store)
        assert list(store.quotes.series()) == ["SPY"]
    return location


@pytest.fixture(scope="module")
def backtest_digest(base: Path) -> str:
    """The digest of the day, played from the store."""
    with open_store(base) as store:
        (record,) = play_recorded(config_of(), store).records
    return digest_of(record)


def digest_of(record: SessionRecord) -> str:
    """Return the digest of a recorded session."""
    return session_digest(record.tape, record.frontier)


def raw_quotes(lean_root: Path) -> np.ndarray:
    """Return the closes of SPY's quote bars of the day by minute of the session, (4, 390), from its file."""
    path = lean_root / "equity" / "usa" / "minute" / "spy" / "20131007_quote.zip"
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0])
    raw = pd.read_csv(io.BytesIO(text), header=None)
    minutes = raw[0] // 60_000 - (9 * 60 + 30)
    raw = raw.assign(minute=minutes).query("0 <= minute < 390").set_index("minute").reindex(range(390))
    return np.array([raw[4] / 10_000, raw[9] / 10_000, raw[5], raw[10]])


def test_a_replayed_day_has_the_quotes_of_the_file_and_the_digest_of_the_backtest(
    base: Path, backtest_digest: str, lean_root: Path, tmp_path: Path
) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY, speed=14_400.0, begins_s=-60.0)
    with replay.system() as (system, kept):
        system.start()
        assert system.wait(LIMIT_S)
        (record,) = kept.records
    assert digest_of(record) == backtest_digest
    quotes = record.tape.quotes
    assert quotes is not None
    assert quotes.made.tolist() == [False, True]
    np.testing.assert_array_equal(quotes.came[:, 0], raw_quotes(lean_root))
    assert not np.isnan(quotes.came[:2, 0]).any()
    with open_store(tmp_path / "top.db") as top:
        recorded = top.quotes.read("SPY", MINUTE, 0, 10**11)
    in_slots = np.isin(recorded.opened_at, record.tape.slots.opened_at)
    assert in_slots.all()
    columns = np.array([getattr(recorded, name) for name in QUOTE_FIELDS])
    np.testing.assert_array_equal(columns, raw_quotes(lean_root))


@pytest.mark.parametrize("top", ["top.db", "top"])
def test_a_day_recorded_in_parts_and_begun_in_its_middle_ends_as_its_backtest(
    base: Path, backtest_digest: str, tmp_path: Path, top: str
) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY, speed=20_000.0, begins_s=3000.0, top=top)
    with replay.system() as (system, kept):
        system.start()
        assert system.wait_for(lambda: system.snapshot().frontier >= 200, LIMIT_S)
        system.stop()
    with replay.system() as (system, kept):
        system.start()
        assert system.wait(LIMIT_S)
        assert digest_of(kept.records[0]) == backtest_digest


def test_quotes_missed_while_the_connection_is_lost_come_with_the_next_one(
    base: Path, backtest_digest: str, tmp_path: Path
) -> None:
    script = parse_fault_script({"faults": [{"kind": "disconnect", "at": "11:00", "for": "40m"}]})
    replay = Replay(config_of(), base, tmp_path, DAY, speed=7200.0, script=script)
    with replay.system() as (system, kept):
        system.start()
        assert system.wait(LIMIT_S)
        status = system.snapshot().live
        assert status is not None
        assert status.feed.reconnects == 1
        assert digest_of(kept.records[0]) == backtest_digest


def test_a_symbol_that_joins_has_its_quotes_of_the_whole_session(base: Path, tmp_path: Path) -> None:
    replay = Replay(config_of(("AIG",)), base, tmp_path, DAY, speed=14_400.0)
    with replay.system() as (system, kept):
        system.start()
        assert system.wait_for(lambda: system.snapshot().frontier >= 100, LIMIT_S)
        system.add_symbol("SPY")
        assert system.wait(LIMIT_S)
        tape = kept.records[0].tape
    assert tape.symbols == ("AIG", "SPY")
    assert tape.quotes is not None
    assert not np.isnan(tape.quotes.came[:2, 1]).any()
    assert tape.quotes.made.tolist() == [True, False]


def test_a_recorded_day_is_shown_again_with_its_quotes(
    base: Path, backtest_digest: str, tmp_path: Path
) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY)
    with replay.system() as (system, _):
        system.start()
        replay.play_out(system)
    (tmp_path / "again").mkdir()
    again = Replay(config_of(), base, tmp_path / "again", DAY)
    feed = recorded_day_feed(journal_path(tmp_path / "top.db"), DAY, MINUTE, SYMBOLS, again.clock)
    with again.system(feed) as (system, kept):
        system.start()
        again.play_out(system)
        assert digest_of(kept.records[0]) == backtest_digest


def test_a_feed_without_quotes_has_made_ones(base: Path, tmp_path: Path) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY)
    with open_store(base, read_only=True) as store:
        feed = ReplayFeed(store, replay.clock, MINUTE, first=replay.opens)
        with replay.system(feed) as (system, kept):
            system.start()
            assert system.wait(LIMIT_S)
            tape, status = kept.records[0].tape, system.snapshot().live
    assert status is not None
    assert status.alerts[0].text == "replay sends no quotes: bid and ask are made of the last close"
    assert tape.quotes is not None
    assert tape.quotes.made.all()
    closes = pd.DataFrame(tape.base.values[CLOSE]).ffill(axis=1).to_numpy()
    for price in (BID, ASK):
        np.testing.assert_array_equal(tape.quotes.values[price], closes)
    assert np.isnan(tape.quotes.values[[BID_SIZE, ASK_SIZE]]).all()
