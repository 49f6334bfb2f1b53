"""The screen at a session's open: prior close, yesterday's values, and the pre-market."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml
from textual.pilot import Pilot

from tapedeck.console.app.widgets.figures import BEFORE
from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.opening_values import OpeningValues
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_view import SessionView
from tests.golden import raw_bars
from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, document, drive, press, until
from tests.support.markets import open_new_store, random_bars
from tests.support.runs import LIMIT_S, at_frontier, play_recorded

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "october-2013.yaml"
DAYS = TimeManager("XNYS").trading_sessions(date(2013, 11, 20), date(2013, 12, 3))
MONDAY, TUESDAY, WEDNESDAY = date(2013, 11, 25), date(2013, 11, 26), date(2013, 11, 27)
PRE_MARKET = {"2h": (52.25, 51.5, 1200.0), "1h": (51.75, 48.0, 300.0)}
"""High, low and volume of two bars of AAA before Tuesday's open."""


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Minute bars of three symbols, some missing; BBB's first five minutes of Tuesday are."""
    labels = np.concatenate([SessionSlots(session, MINUTE).opened_at for session in DAYS])
    tuesday = epoch_seconds(next(s for s in DAYS if s.trading_day == TUESDAY).regular_open)
    late = (labels >= tuesday) & (labels < tuesday + 300)
    with open_new_store(tmp_path_factory.mktemp("open") / "bars.db") as store:
        for number, symbol in enumerate(SYMBOLS):
            kept = labels[~late] if symbol == "BBB" else labels
            store.write(symbol, MINUTE, random_bars(kept, seed=number, missing=0.0))
        early = np.array([tuesday - 7200, tuesday - 3600], dtype=np.int64)
        high, low, volume = (np.array(column) for column in zip(*PRE_MARKET.values(), strict=True))
        store.write("AAA", MINUTE, BarColumns(early, low, high, low, high, volume))
        yield store


def close_of_monday(store: BarStore) -> SessionView:
    """Return Monday's session as a run over it alone shows it at its close."""
    config = parse_session_config(document(start_date="2013-11-25", end_date="2013-11-25"), "one day").config
    return SessionView(play_recorded(config, store).records[0].tape)


def row_of(console: ConsoleRun, symbol: str) -> list[str]:
    """Return the words of a symbol's row in the table."""
    table = console.app.main.symbols.table
    lines = [table.render_line(y).text.replace("▸", "").split() for y in range(1, 4)]
    return next(line for line in lines if line[:1] == [symbol])


def figure_of(console: ConsoleRun, symbol: str, heading: str) -> str:
    """Return a figure of the table by its heading."""
    names = (
        console.app.main.symbols.table.render_line(0).text.replace(" %", "%").replace("rel vol", "rel_vol")
    )
    return row_of(console, symbol)[names.split().index(heading)]


def are_shown(console: ConsoleRun, day: date) -> Callable[[], bool]:
    """Return a condition: a day's opening values are on the screen."""

    def shown() -> bool:
        state = console.app.main._view_state
        return state is not None and state.opening is not None and state.opening.trading_day == day

    return shown


def count_reads(console: ConsoleRun, monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """Return a list to which each day is added whose opening values are asked of the engine."""
    days: list[date] = []
    read = console.system.opening_values

    def counted(day: date) -> OpeningValues:
        days.append(day)
        return read(day)

    monkeypatch.setattr(console.system, "opening_values", counted)
    return days


def test_the_open_shows_yesterday_until_each_first_value_of_today(
    market: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first open, past opens included; each figure is yesterday's until today has its first one."""
    monday = close_of_monday(market)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        asked = count_reads(console, monkeypatch)
        await until(pilot, are_shown(console, TUESDAY), "Monday's values")
        for symbol in SYMBOLS:
            expected = {"last": monday.last_prices()[monday.row(symbol)]}
            expected["rsi_5"] = monday.indicator(symbol, "rsi_5")
            for heading, value in expected.items():
                assert figure_of(console, symbol, heading) == f"{BEFORE}{value:.2f}"
        panel = console.text("#indicators StyledLines")
        for name in ("ema_5", "rsi_5", "vwap"):
            assert f"{BEFORE}{monday.indicator('AAA', name):.2f}" in panel
        assert f"{BEFORE} at the close of 2013-11-25" in panel
        assert "pre-market high 52.25  low 48.00  volume 1.50k" in panel
        assert console.app.main.symbols._title.endswith(f"{BEFORE} 2013-11-25")  # as drawn
        chart = console.app.main.chart.chart
        assert f"1─vwap {BEFORE}{monday.indicator('AAA', 'vwap'):.2f}" in chart.render_line(1).text
        for name, value in (("last", monday.last_prices()[0]), ("rsi_5", monday.indicator("AAA", "rsi_5"))):
            await console.app.do("why", name)
            told = f"{BEFORE}{value:.4f}, until today has a value"
            await until(pilot, lambda told=told: told in console.text("#why-text"), told)
            await press(pilot, "escape")
        await press(pilot, ".")
        await until(pilot, lambda: console.frontier == 1 and console.is_settled(), "a step")
        await console.app.do("why", "last")
        await until(pilot, lambda: "last bar" in console.text("#why-text"), "today's price")
        assert BEFORE not in console.text("#why-text")
        await press(pilot, "escape")
        await until(pilot, lambda: BEFORE not in row_of(console, "AAA")[1], "a price of today")
        assert figure_of(console, "BBB", "last").startswith(BEFORE)
        assert figure_of(console, "BBB", "rsi_5").startswith(BEFORE)
        await press(pilot, ",")
        await until(pilot, lambda: console.past_frontier == 0, "a step back")
        await until(pilot, lambda: figure_of(console, "AAA", "last").startswith(BEFORE), "the open again")
        assert asked in ([], [TUESDAY])  # the first read may precede the count

    with console_run(market, tmp_path) as console:
        drive(console, act)


def test_the_first_open_of_october_shows_what_the_raw_files_say(
    lean_root: Path, lean_store: Path, tmp_path: Path
) -> None:
    """Prior close and VWAP of Friday, and Monday's pre-market, by pandas over the raw files."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, are_shown(console, date(2013, 10, 7)), "Friday's values")
        for symbol in ("SPY", "AIG"):
            friday = raw_bars.regular(lean_root, symbol, "2013-10-04")
            assert figure_of(console, symbol, "last") == f"{BEFORE}{friday.close.iloc[-1]:.2f}"
        friday = raw_bars.regular(lean_root, "SPY", "2013-10-04")
        typical = (friday.high + friday.low + friday.close) / 3
        vwap = (typical * friday.volume).sum() / friday.volume.sum()
        early = raw_bars.minutes(lean_root, "SPY", "2013-10-07").between_time("00:00", "09:29")
        panel = console.text("#indicators StyledLines")
        assert f"{BEFORE}{vwap:.2f}" in panel
        assert f"pre-market high {early.high.max():.2f}  low {early.low.min():.2f}  volume 2.63M" in panel
        assert f"{early.volume.sum() / 1e6:.2f}" == "2.63"
        assert "↓PMH PML" in "".join(console.app.main.chart.chart.render_line(y).text for y in range(20))

    config = yaml.safe_load(EXAMPLE.read_text())
    config["session_data_config"]["symbols"] = ["SPY", "AIG"]
    with open_store(lean_store) as store, console_run(store, tmp_path, config=config) as console:
        drive(console, act)


def test_yesterdays_values_of_a_later_day_are_what_its_close_showed(
    market: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day before is in memory: it is not computed again. The past open shows them, too."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, are_shown(console, TUESDAY), "Monday's values")
        asked = count_reads(console, monkeypatch)
        console.system.step(390)
        await until(pilot, lambda: console.frontier == 390 and console.is_settled(), "the close")
        view = console.system.session_data.view()
        assert view is not None
        closes = {symbol: view.indicator(symbol, "vwap") for symbol in SYMBOLS}
        await press(pilot, ".", ",")
        await until(pilot, are_shown(console, WEDNESDAY), "Tuesday's values")
        await until(pilot, lambda: console.past_frontier == 0, "Wednesday's open")
        opening = console.app.playback.view_state().opening
        assert opening is not None
        assert opening.indicators["vwap"].tolist() == list(closes.values())
        assert asked == [WEDNESDAY]
        await until(pilot, lambda: figure_of(console, "AAA", "last").startswith(BEFORE), "the prior close")
        assert f"{BEFORE}{closes['AAA']:.2f}" in console.text("#indicators StyledLines")
        assert "pre-market" not in console.text("#indicators StyledLines")

    with console_run(market, tmp_path) as console:
        drive(console, act)


def test_opening_values_are_in_no_copy_condition_or_export(market: BarStore, tmp_path: Path) -> None:
    """After a step, BBB has no bar of today, and its row shows yesterday's values."""
    shown, plain = tmp_path / "shown", tmp_path / "plain"

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, are_shown(console, TUESDAY), "Monday's values")
        await press(pilot, ".")
        await until(pilot, lambda: console.frontier == 1 and console.is_settled(), "a step")
        assert figure_of(console, "BBB", "last").startswith(BEFORE)
        table = console.app.main.symbols.as_table(console.app.view_state())
        row = dict(zip(table.headings, table.rows[1], strict=True))
        assert (row["symbol"], row["last"], row["rsi_5"], row["vwap"]) == ("BBB", None, None, None)
        assert row["prev_close"] == close_of_monday(market).last_prices()[1]
        tape = console.system.session_data.tape
        assert tape is not None
        condition = Condition.parse("BBB.last > 0 or BBB.rsi_5 > 0 or BBB.vwap > 0", Vocabulary.of(tape))
        assert not condition.holds(tape, 0, 1).any()
        console.system.export_csv(shown)

    with console_run(market, tmp_path) as console:
        drive(console, act)
    config = parse_session_config(document(), "the same").config
    system = SystemManager(config, market, tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES)
    try:
        system.start(paused=True)
        system.step(1)
        assert system.wait_for(at_frontier(system, 1, 1), LIMIT_S)
        system.export_csv(plain)
    finally:
        system.stop(LIMIT_S)
    for name in ("bars.csv", "indicators.csv", "quality.csv", "session.csv", "session.json"):
        assert (shown / name).read_bytes() == (plain / name).read_bytes(), name


def test_at_maximum_speed_no_opening_values_are_read(
    market: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: console.state is RunState.COMPLETED, "the end")
        await until(pilot, are_shown(console, date(2013, 12, 2)), "the last day's")
        assert asked == [date(2013, 12, 2)]  # once the run is over

    with console_run(market, tmp_path, start_paused=False) as console:
        asked = count_reads(console, monkeypatch)
        drive(console, act)


def test_opening_values_that_cannot_be_read_are_reported_once(
    market: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[date] = []

    def fail(day: date) -> OpeningValues:
        asked.append(day)
        raise StoreError("bars.db cannot be read")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: TUESDAY in console.app.playback.openings, "the failure")
        await press(pilot, ".")
        await until(pilot, lambda: console.frontier == 1 and console.is_settled(), "a step")
        assert asked == [TUESDAY]
        [notice] = console.app._notifications
        assert notice.message == "no values of the session before: bars.db cannot be read"

    with console_run(market, tmp_path) as console:
        monkeypatch.setattr(console.system, "opening_values", fail)
        drive(console, act)
