"""Overlay store: what it shows and keeps, against plain dictionaries, over both kinds of store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date

import numpy as np
import pytest
from bar_samples import OPEN_7_OCTOBER_2013, as_rows, by_row, minutes, part, with_close
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import StoreChangedError, StoreError
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.overlay_store import OverlayStore

ALWAYS = (-(10**11), 10**12)
PLACES = ("bars.db", "bars")
SYMBOLS = ("SPY", "IBM")
THE_DAY = date(2013, 10, 7)
MIDNIGHT = 1381104000  # of that day, UTC
CUTOFF = OPEN_7_OCTOBER_2013
# Times around the cutoff, in two UTC days.
TIMES = {
    MINUTE: [CUTOFF + 60 * at for at in (-1500, -3, -2, -1, 0, 1, 2)],
    DAY: [MIDNIGHT + 86400 * at for at in (-3, -1, 0, 1)],
}
HIDDEN_FROM = {MINUTE: CUTOFF, DAY: MIDNIGHT}

series = st.tuples(st.sampled_from(SYMBOLS), st.sampled_from((MINUTE, DAY)))


@st.composite
def writes(draw):
    """A series, bars with one of two prices each, and whether they replace stored ones."""
    symbol, interval = draw(series)
    closes = draw(st.dictionaries(st.sampled_from(TIMES[interval]), st.sampled_from((1.0, 2.0))))
    return symbol, interval, dict(sorted(closes.items())), draw(st.booleans())


def bars_of(closes):
    prices = np.array(list(closes.values()), np.float64)
    return BarColumns(np.array(list(closes), np.int64), *[prices] * 5)


def closes_of(bars):
    return dict(zip(bars.opened_at.tolist(), bars.close.tolist(), strict=True))


def content(folder):
    """The bytes of each file in a folder, apart from the files of locks."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


@pytest.fixture(params=PLACES)
def base_path(request, tmp_path_factory):
    """Makes the path of a new base at every call."""
    return lambda: tmp_path_factory.mktemp("base") / request.param


@pytest.fixture
def over(tmp_path_factory):
    """Opens an overlay over the store at a path."""

    def opened(path):
        top = open_store(tmp_path_factory.mktemp("top") / "top.db", create=True)
        base = open_store(path, read_only=True)
        return OverlayStore(base, top, cutoff=CUTOFF, cutoff_day=THE_DAY)

    return opened


def written(path, *bars):
    with open_store(path, create=True) as store:
        for symbol, interval, columns in bars:
            store.write(symbol, interval, columns, replace=True)
    return path


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=st.lists(writes(), max_size=4), later=st.lists(writes(), max_size=5), data=st.data())
def test_an_overlay_is_its_base_up_to_the_cutoff_below_its_own_bars(base_path, over, stored, later, data):
    path = written(base_path(), *((s, i, bars_of(closes)) for s, i, closes, _ in stored))
    before = content(path.parent)
    merged, known = {}, {}
    for symbol, interval, closes, _ in stored:
        shown = {time: close for time, close in closes.items() if time < HIDDEN_FROM[interval]}
        merged.setdefault((symbol, interval), {}).update(shown)
        if closes:
            known.setdefault(symbol, set()).add(interval)

    with over(path) as store:
        for symbol, interval, closes, replace in later:
            own = merged.setdefault((symbol, interval), {})
            other = [at for at, time in enumerate(closes) if own.get(time, closes[time]) != closes[time]]
            new = [time for time in closes if time not in own]
            result = store.write(symbol, interval, bars_of(closes), replace=replace)
            assert (result.written, result.replaced) == (len(new), len(other) if replace else 0)
            assert result.unchanged == len(closes) - len(new) - len(other)
            assert result.conflicts.tolist() == ([] if replace else other)
            own.update({time: close for time, close in closes.items() if time not in own or replace})
            if closes:
                known.setdefault(symbol, set()).add(interval)

        start, end = sorted(
            data.draw(
                st.sampled_from(
                    [ALWAYS[0], CUTOFF, *range(CUTOFF - 200, CUTOFF + 200, 60), MIDNIGHT, ALWAYS[1]]
                )
            )
            for _ in range(2)
        )
        for interval in (MINUTE, DAY):
            wanted = {s: dict(sorted(merged.get((s, interval), {}).items())) for s in SYMBOLS}
            inside = {s: {t: c for t, c in wanted[s].items() if start <= t < end} for s in SYMBOLS}
            for symbol in SYMBOLS:
                assert closes_of(store.read(symbol, interval, start, end)) == inside[symbol]
                assert store.first_at_or_after(symbol, interval, start) == min(
                    (time for time in wanted[symbol] if time >= start), default=None
                )
                assert store.last_before(symbol, interval, end) == max(
                    (time for time in wanted[symbol] if time < end), default=None
                )
            found = by_row(list(store.scan(["NONE", *SYMBOLS], interval, start, end)))
            rows = {1 + at: list(inside[s].items()) for at, s in enumerate(SYMBOLS) if inside[s]}
            assert {row: [(bar[0], bar[4]) for bar in bars] for row, bars in found.items()} == rows
        # An unchanged bar of the base is not stored again; its series is there all the same.
        assert {symbol: set(found) for symbol, found in store.series().items()} == known
        assert list(store.series()) == sorted(known)
        assert store.intervals_of(sorted(known)) == known
    assert content(path.parent) == before


def test_a_scan_of_thousands_of_bars_gives_each_once(base_path, over):
    bars = minutes(5000, start=CUTOFF - 4000 * 60)
    path = written(base_path(), *((symbol, MINUTE, bars) for symbol in SYMBOLS))
    mended = with_close(part(bars, [17, 3999, 4000, 4999]), 1, 7.0)
    with over(path) as store:
        store.write("IBM", MINUTE, mended, replace=True)
        found = by_row(list(store.scan(["SPY", "IBM", "IBM"], MINUTE, *ALWAYS)))
        shown = as_rows(part(bars, slice(4000)))
        changed = as_rows(mended)
        own = sorted([*shown[:17], *shown[18:3999], *changed])
        # Bar 17 was written as the base has it, and bars from the cutoff on are in the top alone.
        assert found == {0: shown, 1: sorted([*own]), 2: sorted([*own])}


def test_writes_of_a_batch_see_each_other(base_path, over):
    bars = minutes(10, start=CUTOFF - 300)
    path = written(base_path(), ("SPY", MINUTE, bars))
    with over(path) as store:
        with store.batch():
            assert store.write("SPY", MINUTE, bars).written == 5
            assert store.write("SPY", MINUTE, bars).unchanged == 10
        with pytest.raises(RuntimeError), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
            assert store.write("SPY", MINUTE, with_close(bars, 0, 5.0), replace=True).replaced == 1
            assert store.write("SPY", MINUTE, with_close(bars, 0, 5.0)).unchanged == 10
            raise RuntimeError
        assert as_rows(store.read("SPY", MINUTE, *ALWAYS)) == as_rows(bars)


def test_a_change_of_the_base_is_noticed_and_one_of_hidden_days_is_not(base_path, over):
    bars = minutes(10, start=CUTOFF - 86400)
    path = written(base_path(), ("SPY", MINUTE, bars))
    with over(path) as store:
        watch = store.watch(["SPY"], MINUTE, *ALWAYS)
        written(path, ("SPY", MINUTE, minutes(10, start=CUTOFF + 86400)))
        watch.check(*ALWAYS)
        written(path, ("SPY", MINUTE, with_close(bars, 3, 1.0)))
        watch.check(CUTOFF, ALWAYS[1])
        with pytest.raises(StoreChangedError, match="1m bars of SPY on 2013-10-06 were changed"):
            watch.check(CUTOFF - 86400, CUTOFF)


def test_a_change_of_the_top_is_noticed(base_path, over):
    path = written(base_path(), ("SPY", MINUTE, minutes(3)))
    with over(path) as store:
        watch = store.watch(["SPY"], MINUTE, *ALWAYS)
        store.write("SPY", MINUTE, minutes(3, first_price=7.0))
        with pytest.raises(StoreChangedError, match="2013-10-07"):
            watch.check(CUTOFF, CUTOFF + 60)


def test_the_log_of_a_killed_writer_stays_as_it_is(tmp_path, over):
    path = written(tmp_path / "bars.db", ("SPY", MINUTE, minutes(1, start=CUTOFF - 600)))
    script = (
        "import os, signal, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from tapedeck.engine.intervals import MINUTE\n"
        "from tapedeck.engine.store.bar_store import BarColumns\n"
        "from tapedeck.engine.store.locations import open_store\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "with store.batch():\n"
        f"    store.write('SPY', MINUTE, BarColumns(np.array([{CUTOFF - 60}]), *[np.ones(1)] * 5))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(path)], check=False, env=dict(os.environ))
    assert ended.returncode == -signal.SIGKILL
    before = {name: path.with_name(name).read_bytes() for name in ("bars.db", "bars.db-wal")}
    assert len(before["bars.db-wal"]) > 0
    with over(path) as store:
        assert store.read("SPY", MINUTE, *ALWAYS).opened_at.tolist() == [CUTOFF - 600, CUTOFF - 60]
        assert by_row(list(store.scan(["SPY"], MINUTE, *ALWAYS)))[0][1][0] == CUTOFF - 60
        store.write("SPY", MINUTE, minutes(3))
        store.watch(["SPY"], MINUTE, *ALWAYS).check(*ALWAYS)
    assert {name: path.with_name(name).read_bytes() for name in before} == before


@pytest.mark.parametrize("place", PLACES)
def test_a_store_opened_for_reading_refuses_writes(tmp_path, place):
    path = written(tmp_path / place, ("SPY", MINUTE, minutes(3)))
    with open_store(path, read_only=True) as store:
        for use in (
            lambda: store.write("SPY", MINUTE, minutes(5)),
            lambda: store.remove("SPY", MINUTE, *ALWAYS),
        ):
            with pytest.raises(StoreError, match="was opened for reading only"):
                use()
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == 3


def test_a_write_that_was_interrupted_is_not_completed_by_a_reader(tmp_path):
    path = written(tmp_path / "bars", ("SPY", MINUTE, minutes(3)))
    journal = path / ".staging" / "journal.json"
    journal.write_text('{"moves": [], "check": ""}')
    with pytest.raises(StoreError, match="a write was interrupted"):
        open_store(path, read_only=True)
    assert journal.exists()


def test_a_store_cannot_lie_over_itself(tmp_path):
    path = written(tmp_path / "bars.db", ("SPY", MINUTE, minutes(3)))
    with open_store(path) as base, open_store(path) as top, pytest.raises(StoreError, match="another file"):
        OverlayStore(base, top, cutoff=CUTOFF, cutoff_day=THE_DAY)
