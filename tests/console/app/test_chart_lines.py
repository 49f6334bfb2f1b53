"""Lines over the price and panes below it: their choice by keys and mouse, kept for the session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from tapedeck.console.actions.arguments import LINES, RunWords
from tapedeck.console.app.chart_choice import ChartChoice
from tapedeck.console.app.screens.lines import LinesScreen
from tapedeck.console.app.ui_state import UiState, load_ui_state, save_ui_state
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, until

SESSION = "Console test"
FIVE = Interval.parse("5m")
INDICATORS: dict[str, dict[str, str | int]] = {
    "vwap": {"type": "VWAP", "interval": "1m"},
    "rsi_5": {"type": "RSI", "interval": "1m", "timeperiod": 5},
    "bands": {"type": "BBANDS", "interval": "1m", "timeperiod": 5},
    "macd": {"type": "MACD", "interval": "1m"},
    "atr": {"type": "ATR", "interval": "1m"},
    "rsi_5m": {"type": "RSI", "interval": "5m"},
}
SPECS = tuple(
    IndicatorSpec(name, str(fields["type"]), Interval.parse(str(fields["interval"])))
    for name, fields in INDICATORS.items()
)
OF_A_MINUTE = ("vwap", "bands", "rsi_5", "macd")
DEFAULT = (*OF_A_MINUTE, "rsi_5m")


def chart_text(console: ConsoleRun) -> list[str]:
    """Return the text of the chart."""
    chart = console.app.main.chart.chart
    return [chart.render_line(y).text for y in range(chart.size.height)]


def pane_names(console: ConsoleRun) -> list[str]:
    """Return the names in the titles of the panes that are drawn."""
    return [line.split()[1] for line in chart_text(console) if line.startswith("─ ")]


def marks(console: ConsoleRun) -> dict[str, bool]:
    """Return the indicators of the dialog in their order, and whether each is shown."""
    options = console.app.screen.query_one(OptionList).options
    words = [str(option.prompt).replace("[ ]", "[_]").split()[:2] for option in options]
    return {key: mark == "[x]" for mark, key in words}


def test_the_default_is_all_lines_over_the_price_and_two_panes_of_each_interval() -> None:
    choice = ChartChoice(lambda: SPECS)
    assert choice.default == DEFAULT
    assert tuple(spec.name for spec in choice.on(MINUTE)) == OF_A_MINUTE
    assert tuple(spec.name for spec in choice.on(FIVE)) == ("rsi_5m",)


def test_a_choice_has_the_order_of_its_words_and_the_default_again_is_no_choice() -> None:
    choice = ChartChoice(lambda: SPECS)
    for text, shown in (
        ("macd vwap", ("macd", "vwap")),
        ("bands_lowerband, atr", ("bands", "atr")),
        ("rsi_5m vwap", ("vwap", "rsi_5m")),  # the order counts within an interval
        ("none", ()),
        ("default", DEFAULT),
        (" ".join(DEFAULT), DEFAULT),
    ):
        choice.choose(choice.read(text))
        assert choice.shown == shown
    assert choice.chosen == ()
    with pytest.raises(EngineError, match=r"unknown indicator 'macdd'\. Did you mean 'macd'\?"):
        choice.read("vwap macdd")


def test_scripts_name_known_indicators() -> None:
    words = RunWords(Vocabulary((), (MINUTE,), (), ()), lines=ChartChoice(lambda: SPECS))
    assert LINES.check_words("macd", words) is None
    assert "unknown indicator" in str(LINES.check_words("macdd", words))


def test_lines_and_panes_are_chosen_by_keys_and_mouse_and_kept_for_the_session(
    console_store: BarStore, tmp_path: Path
) -> None:
    """Each change is shown at once; the choice is recorded as one action, and saved with the session."""
    config = document()
    config["session_data_config"]["indicators"] = INDICATORS

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, choice = console.app.main, console.app.main.chart.lines
        await press(pilot, "o", "z")
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        await until(pilot, lambda: pane_names(console) == ["rsi_5", "macd"], "two panes")
        data, view = main.chart.chart.data, console.app.playback.view_state().view
        assert data is not None
        assert view is not None
        for line in (*data.overlays, *(line for pane in data.panes for line in pane.lines)):
            own = view.indicator_grid(line.name)[view.row(main.symbol)]
            np.testing.assert_array_equal(line.values[data.today :], own)
        legend = " ".join(chart_text(console)[1:3])
        assert all(name in legend for name in ("vwap", "upperband", "middleband", "lowerband"))
        await press(pilot, "v")
        await until(pilot, lambda: isinstance(console.app.screen, LinesScreen), "the dialog")
        assert [name for name, shown in marks(console).items() if shown] == list(DEFAULT)
        await press(pilot, "space")  # hide the VWAP
        assert choice.chosen == DEFAULT[1:]
        assert "vwap" not in " ".join(chart_text(console)[1:3])
        options = console.app.screen.query_one(OptionList)
        await pilot.click(OptionList, offset=(10, list(marks(console)).index("rsi_5")))
        await until(pilot, lambda: pane_names(console) == ["macd"], "one pane")
        await press(pilot, "r")
        assert not choice.chosen
        assert options.highlighted == 0
        for _ in range(list(marks(console)).index("macd")):
            await press(pilot, "down")
        await press(pilot, "u")
        await until(pilot, lambda: pane_names(console) == ["macd", "rsi_5"], "the other order")
        await press(pilot, "v")
        await until(pilot, lambda: console.app.screen is main, "the panels")
        assert console.app.done[-1] == ("lines", "vwap bands macd rsi_5 rsi_5m")
        await console.app.do("lines", "none")
        await until(pilot, lambda: pane_names(console) == [], "no pane")
        await console.app.do("lines", "atr vwap")
        await until(pilot, lambda: pane_names(console) == ["atr"], "the script's pane")
        saved = console.app.ui_state()
        assert saved.lines == {"other": ("ema",), SESSION: ("atr", "vwap")}
        assert save_ui_state(tmp_path, saved) is None

    ui_state = UiState(lines={"other": ("ema",)}, panel="chart")
    with console_run(console_store, tmp_path, config=config, ui_state=ui_state) as console:
        drive(console, act, size=(120, 36))
    kept, notice = load_ui_state(tmp_path)
    assert notice is None

    async def again(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o", "z")
        await until(pilot, lambda: pane_names(console) == ["atr"], "the saved pane")
        await console.app.do("lines", "default")
        assert console.app.ui_state().lines == {"other": ("ema",)}

    with console_run(console_store, tmp_path, config=config, ui_state=kept) as console:
        drive(console, again, size=(120, 36))
