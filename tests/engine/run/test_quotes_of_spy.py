"""Real quotes: SPY's of 2013-10-07 and 08 in a run, against plain pandas over LEAN's own files."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.tape.session_view import SessionView
from tests.support.files import session_file
from tests.support.imports import import_lean
from tests.support.markets import open_new_store
from tests.support.runs import play_recorded
from tests.support.tapes import same_bits

MINUTES = Path("equity", "usa", "minute", "spy")
DAYS = ("20131007", "20131008", "20131009")
QUOTE = ("bid", "ask", "bid_size", "ask_size")


def config() -> SessionConfig:
    return session_file(["SPY"], ["1m", "quotes"], "2013-10-07", "2013-10-09")


def raw(file: Path, names: list[str]) -> pd.DataFrame:
    """Return the rows of a file by New York time, prices in dollars."""
    frame = pd.read_csv(file, header=None, names=names)
    midnight = pd.Timestamp(file.name[:8], tz="America/New_York")
    frame.index = midnight + pd.to_timedelta(frame.pop("ms"), unit="ms")
    prices = [name for name in names[1:] if "size" not in name and name != "volume"]
    frame[prices] /= 10_000
    return frame.between_time("09:30", "15:59")


def quotes_by_pandas(folder: Path, day: str) -> np.ndarray:
    """Return bid, ask and their sizes at the end of each minute of a day, (4, 390), held forward."""
    bars = [f"{side}_{part}" for side in ("bid", "ask") for part in ("open", "high", "low", "close", "size")]
    frame = raw(folder / f"{day}_quote.zip", ["ms", *bars])
    chosen = frame[["bid_close", "ask_close", "bid_size", "ask_size"]]
    minutes = pd.date_range(f"{day} 09:30", f"{day} 15:59", freq="min", tz="America/New_York")
    return chosen.reindex(minutes).ffill().to_numpy(dtype=np.float64).T.copy()


def closes_by_pandas(folder: Path, day: str) -> np.ndarray:
    """Return the close of the last bar at the end of each minute of a day, (390,)."""
    frame = raw(folder / f"{day}_trade.zip", ["ms", "open", "high", "low", "close", "volume"])
    minutes = pd.date_range(f"{day} 09:30", f"{day} 15:59", freq="min", tz="America/New_York")
    return frame["close"].reindex(minutes).ffill().to_numpy(dtype=np.float64)


def thinned(lean_root: Path, folder: Path) -> Path:
    """Return a folder with half of the minutes of the quotes, none in the first four of a session."""
    shutil.copytree(lean_root / MINUTES, folder / MINUTES)
    for day in DAYS[:2]:
        rows = zipfile.ZipFile(lean_root / MINUTES / f"{day}_quote.zip").read(f"{day}_spy_minute_quote.csv")
        opened = 34_200_000
        kept = [
            row
            for at, row in enumerate(rows.splitlines(keepends=True))
            if at * at % 5 < 2 and not opened <= int(row.split(b",")[0]) < opened + 240_000
        ]
        with zipfile.ZipFile(folder / MINUTES / f"{day}_quote.zip", "w") as archive:
            archive.writestr(f"{day}_spy_minute_quote.csv", b"".join(kept))
    return folder


@pytest.mark.parametrize("location", ["bars.db", "bars"])
@pytest.mark.parametrize("is_thinned", [False, True], ids=["every minute", "some minutes"])
def test_quotes_are_the_last_ones_of_each_minute_held_forward(
    lean_root: Path, tmp_path: Path, location: str, is_thinned: bool
) -> None:
    source = thinned(lean_root, tmp_path / "lean") if is_thinned else lean_root
    with open_new_store(tmp_path / location) as store:
        import_lean(source / MINUTES, store)
        tapes = [record.tape for record in play_recorded(config(), store).records]
    assert [tape.session.trading_day.strftime("%Y%m%d") for tape in tapes] == list(DAYS)
    for tape, day in zip(tapes, DAYS, strict=True):
        quotes = SessionView(tape).quotes("SPY")
        assert quotes is not None
        held = np.stack([getattr(quotes, name) for name in QUOTE])
        assert quotes.made is (day == "20131009"), "no quotes are stored of that day"
        if quotes.made:
            closes = closes_by_pandas(source / MINUTES, day)
            assert same_bits(held[:2], np.stack([closes, closes]))
            assert np.isnan(held[2:]).all()
        else:
            assert same_bits(held, quotes_by_pandas(source / MINUTES, day))
            assert np.isnan(held[:, :4]).all() == is_thinned
