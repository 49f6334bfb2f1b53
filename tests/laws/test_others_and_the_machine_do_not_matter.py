"""Laws: no value of a symbol depends on other symbols, on the machine's zone, or on the unit of its price."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import open_new_store, random_bars
from tests.support.runs import LIMIT_S, play_recorded
from tests.support.tapes import same_bits, sessions_of

INDICATORS = {
    name: {"type": name.upper(), "interval": "1m"}
    for name in (
        "rsi",
        "adx",
        "cci",
        "stoch",
        "mfi",
        "cmo",
        "willr",
        "ema",
        "bbands",
        "atr",
        "vwap",
        "ultosc",
    )
}
# What has the unit of the price; all others are pure numbers.
IN_UNITS = ("ema", "bbands", "atr", "vwap")
UNIT = 2.0**-30  # a power of two, so that scaled prices are exact


def listed(start: str, end: str, cut: slice = slice(None)) -> np.ndarray:
    """Return the minutes of a span's sessions, or a part of them."""
    days = sessions_of(start, end)
    return np.concatenate([SessionSlots(session, MINUTE).opened_at for session in days])[cut]


def scaled(bars: BarColumns, unit: float) -> BarColumns:
    prices = [getattr(bars, name) * unit for name in ("open", "high", "low", "close")]
    return BarColumns(bars.opened_at, *prices, bars.volume)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """A symbol over four days, one listed on the third, one gone at 11:30 of the second, one of tiny unit."""
    with open_new_store(tmp_path_factory.mktemp("symbols") / "bars.db") as made:
        whole = random_bars(listed("2024-06-10", "2024-06-13"), seed=1)
        made.write("OLD", MINUTE, whole)
        made.write("TINY", MINUTE, scaled(whole, UNIT))
        made.write("IPO", MINUTE, random_bars(listed("2024-06-12", "2024-06-13"), seed=2))
        made.write("DEAD", MINUTE, random_bars(listed("2024-06-10", "2024-06-11", slice(510)), seed=3))
        yield made


def columns(symbols: Sequence[str], symbol: str, store: BarStore) -> dict[str, np.ndarray]:
    """Return every bar, indicator and score of one symbol, played beside others."""
    config = session_file(symbols, ["1m", "1h", "1d"], "2024-06-10", "2024-06-13", indicators=INDICATORS)
    found: dict[str, list[np.ndarray]] = {}
    for record in play_recorded(config, store).records:
        tape, row = record.tape, symbols.index(symbol)
        for interval in tape.intervals:
            found.setdefault(str(interval), []).append(tape.grid(interval).values[:, row])
        for name, column in tape.indicators.items():
            found.setdefault(name, []).append(column.values[row])
        assert tape.scores is not None
        found.setdefault("scores", []).append(tape.scores[row])
    return {name: np.concatenate(parts, axis=-1) for name, parts in found.items()}


@pytest.mark.parametrize("symbol", ["IPO", "DEAD"])
def test_a_symbol_has_the_same_values_alone_and_beside_others(store: BarStore, symbol: str) -> None:
    beside, alone = columns(["OLD", "IPO", "DEAD"], symbol, store), columns([symbol], symbol, store)
    assert beside.keys() == alone.keys()
    assert all(same_bits(beside[name], alone[name]) for name in alone)


def test_an_indicator_of_a_new_symbol_begins_after_its_own_bars(store: BarStore) -> None:
    rsi = columns(["OLD", "IPO"], "IPO", store)["rsi"]
    # It is listed on the third of four days, and needs 15 closes for 14 changes.
    assert int(np.flatnonzero(~np.isnan(rsi))[0]) == 2 * 390 + 14


def test_no_indicator_depends_on_the_unit_of_the_price(store: BarStore) -> None:
    plain, tiny = columns(["OLD"], "OLD", store), columns(["TINY"], "TINY", store)
    for name in plain:
        if name in ("scores", "1m", "1h", "1d"):
            continue
        unit = UNIT if name.startswith(IN_UNITS) else 1.0
        np.testing.assert_allclose(tiny[name] / unit, plain[name], rtol=1e-9, err_msg=name)


def test_the_zone_of_the_machine_changes_no_byte(
    store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = session_file(
        ["OLD"], ["1m", "1h"], "2024-06-12", "2024-06-13", indicators=INDICATORS, start_time="10:30"
    )
    found = set()
    try:
        for zone in ("UTC", "Pacific/Kiritimati", "America/St_Johns"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            sink = CsvExport(tmp_path / zone.replace("/", "-"), config)
            system = SystemManager(config, store, sinks=[sink])
            system.start()
            assert system.wait(LIMIT_S)
            sink.finish(system.summary(), system.metrics)
            files = ("session.csv", "bars.csv", "indicators.csv", "quality.csv", "session.json")
            found.add((system.summary().stamp, *((sink.folder / name).read_bytes() for name in files)))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert len(found) == 1
    assert system.summary().first_day == date(2024, 6, 12).isoformat()
