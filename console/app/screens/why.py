"""Why screen: explanations of a symbol's numbers, and of what strategies decided for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker

from tapedeck.console.app.background import run_in_background
from tapedeck.console.app.decision_texts import decision_text
from tapedeck.console.app.grid_text import Cell, counted, folded, grid, number
from tapedeck.console.app.panels.key_line import dialog_keys
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.screens.text_page import PageText
from tapedeck.console.app.widgets.figures import BEFORE, decimals_of
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_view import SessionView

_FIGURES: Final = ("last", *DAY_FIGURES, "volume", "quality", "missing", "gaps")
# In conditions `volume` is that of a bar, and `gaps` counts the runs of missing bars.
_LABELS: Final = {"volume": "bar volume", "gaps": "missing runs"}
_STRATEGY: Final = "strategy "
"""Beginning of the lines of strategies, before their names; the names of numbers have no blanks."""
_SHOWN_BARS: Final = 6
_DECIMALS: Final = 4
_WHOLE_NUMBERS: Final = frozenset(
    {"volume", "day_volume", "bid_size", "ask_size", "missing", "gaps", "bars", "slots"}
)


TextOfWidth = Callable[[int], Content]
"""Returns a text that is folded to a width."""


class WhyScreen(ModalScreen[None]):
    """A list of strategies and numbers on the left; rules, or formula, of the chosen one on the right.

    Those of an earlier session need the history known then: the first explanation recomputes that session
    in the background, and keeps it while the screen is open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w,enter", "leave", "back"),
        Binding("pageup", "page(-1)", "page up", priority=True),
        Binding("pagedown", "page(1)", "page down", priority=True),
    ]

    def __init__(self, playback: Playback, view_state: ViewState, symbol: str, name: str) -> None:
        super().__init__()
        self._playback = playback
        self._system = playback.system
        self._view_state = view_state
        self._symbol = symbol
        plan = playback.plan
        session = [output for spec in plan.specs for output in spec.outputs]
        historical = [trailing.name for trailing in plan.history.trailing]
        strategies = [f"{_STRATEGY}{strategy.name}" for strategy in self._system.config.strategies]
        quotes = tuple(QUOTE_FIGURES) if plan.quotes else ()
        self._names = (*strategies, *_FIGURES, *quotes, *session, *historical)
        columns = {spec.description.symbol_column: spec.outputs[0] for spec in plan.specs}
        wanted = (columns.get(name, name), f"{_STRATEGY}{name}", _FIGURES[0])
        self._chosen = next(known for known in wanted if known in self._names)
        self._recomputed: SessionData | None = None
        self._recompute_worker: Worker[None] | None = None
        self._list = OptionList(
            *(Option(Content(_LABELS.get(name, name))) for name in self._names), id="why-names"
        )
        self._text = PageText(lambda _width: Content(""), id="why-text")

    def compose(self) -> ComposeResult:
        """Compose list and explanation."""
        with Vertical(classes="page"):
            yield Label(self._heading(), classes="dialog-title", markup=False)
            with Horizontal():
                yield self._list
                with VerticalScroll(id="why-page"):
                    yield self._text
            rules = [("pageup pagedown", "scroll")] if self._system.config.strategies else []  # long texts
            keys = (("↑ ↓", "choose"), *rules, ("escape", "back"))
            yield Label(dialog_keys(*keys), classes="dialog-foot")

    def on_mount(self) -> None:
        """Select the number given at the start."""
        self._list.focus()
        self._list.highlighted = self._names.index(self._chosen)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Explain the number under the cursor."""
        self._chosen = self._names[event.option_index]
        self._explain()

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        """Close the page."""
        self.dismiss(None)

    def action_leave(self) -> None:
        """Close the page."""
        self.dismiss(None)

    def action_page(self, direction: int) -> None:
        """Scroll the explanation by its height."""
        page = self.query_one("#why-page", VerticalScroll)
        if direction > 0:
            page.scroll_page_down(animate=False)
        else:
            page.scroll_page_up(animate=False)

    def _heading(self) -> str:
        title = f"Why: {self._symbol} at {self._view_state.clock_text}"
        return (
            title if self._is_current_session() else f"{title}, {self._view.session.trading_day:%a %Y-%m-%d}"
        )

    @property
    def _view(self) -> SessionView:
        assert self._view_state.view is not None  # the action is refused before the first session
        return self._view_state.view

    def _is_current_session(self) -> bool:
        """Whether the session shown is the engine's current one."""
        return self._playback.is_current_session(self._view)

    def _explain(self) -> None:
        """Explain the chosen number; recompute its session first if necessary."""
        try:
            found = self._find_explanation()
        except TapedeckError as error:
            self._write(_failed(str(error)))
            return
        if found is not None:
            self._text.write(found)
            return
        self._write(Content.styled(f"… recomputing {self._view.session.trading_day}", "$text-muted"))
        if self._recompute_worker is None or self._recompute_worker.is_finished:
            self._recompute_worker = self.run_worker(self._recompute())

    def _yesterdays(self, found: Explanation) -> float | None:
        """Return the value of the session before that the screen shows while today has none, or None."""
        if found.value is not None:
            return None
        view, opening = self._view, self._view_state.opening
        row = view.row(self._symbol)
        if found.name == "last":
            value = float(view.prior_close.values[row])
        elif opening is not None and found.name in opening.indicators:
            value = float(opening.indicators[found.name][row])
        else:
            return None
        return None if np.isnan(value) else value

    def _find_explanation(self) -> TextOfWidth | None:
        """Return the explanation of the chosen line, or None if its session must be recomputed."""
        if self._recomputed is None and not self._is_current_session():
            return None
        place, session = (self._symbol, self._view.frontier), self._recomputed
        found: TextOfWidth
        if self._chosen.startswith(_STRATEGY):
            decisions = self._system.explain_decisions(*place, session=session)
            name = self._chosen.removeprefix(_STRATEGY)
            found = next(
                (partial(decision_text, one) for one in decisions if one.strategy == name), _undecided
            )
        else:
            number = self._system.explain(self._symbol, self._chosen, self._view.frontier, session=session)
            shown, zone = self._yesterdays(number), self._view.session.zone
            found = partial(explanation_text, number, zone, yesterdays=shown)
        if self._recomputed is None and not self._is_current_session():
            return None  # the engine has moved to the next session in between
        return found

    async def _recompute(self) -> None:
        day = self._view.session.trading_day
        recompute = partial(self._system.recompute_session, day)
        self._recomputed = await run_in_background(
            f"recomputing {day}", recompute, lambda text: self._write(_failed(text))
        )
        if self._recomputed is not None:
            self._explain()

    def _write(self, text: Content) -> None:
        self._text.write(lambda _width: text)


def _undecided(_width: int) -> Content:
    return Content("the strategies have not begun")


def _failed(text: str) -> Content:
    return Content.styled(f"! {text}", "$text-error")


def explanation_text(
    found: Explanation, zone: ZoneInfo, width: int, *, yesterdays: float | None = None
) -> Content:
    """Return an explanation as text; long rows are folded to the width.

    `yesterdays`: the value of the session before that stands on the screen instead of a missing one.
    """
    rows: list[tuple[str | Cell, str | Cell]] = [
        (Cell("value", "$text-muted"), Cell(_figure(found.name, found.value), "bold")),
        (Cell("formula", "$text-muted"), found.formula),
        (Cell("computed by", "$text-muted"), found.source),
    ]
    # A quote that came is of no bar.
    of_bars = found.kind is not Explained.QUOTE or bool(found.bars_used)
    if of_bars:
        rows.append((Cell("on", "$text-muted"), f"{found.interval} bars"))
    if yesterdays is not None:
        words = f"{BEFORE}{_figure(found.name, yesterdays)}, until today has a value"
        rows.insert(1, (Cell("yesterday's", "$text-muted"), words))
    if found.bar_opened_at is not None:
        rows.append(
            (
                Cell("last bar" if of_bars else "last quote", "$text-muted"),
                f"{found.bar_opened_at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}",
            )
        )
        rows += [(Cell("closed", "$text-muted"), age)] if (age := _age(found)) else []
    rows += [(Cell("note", "$text-muted"), found.note)] if found.note else []
    rows += [(Cell(name, "$text-muted"), str(value)) for name, value in found.parameters.items()]
    rows += [(Cell(name, "$text-muted"), _figure(name, value)) for name, value in found.terms.items()]
    rows += _bar_counts(found) if of_bars else []
    if found.start:
        rows.append((Cell("starts with", "$text-muted"), found.start))
    if found.warm_up_bars:
        warm = "warm" if found.is_warm else "not warm yet: the value is missing"
        rows.append((Cell("warm-up", "$text-muted"), f"{counted(found.warm_up_bars, 'bar')}, {warm}"))
    parts = [folded(rows, width)]
    for series in found.inputs:
        parts += [Content(""), _input_text(series, zone)]
    return Content("\n").join(parts)


def _bar_counts(found: Explanation) -> list[tuple[str | Cell, str | Cell]]:
    missing = Cell(f"{found.missing_bars:,}", "$text-warning" if found.missing_bars else "")
    return [
        (Cell("bars used", "$text-muted"), f"{found.bars_used:,}"),
        (Cell("missing, skipped", "$text-muted"), missing),
        (Cell("earlier sessions", "$text-muted"), f"{found.history_sessions:,}"),
    ]


def _age(found: Explanation) -> str:
    """Return the time since the last bar closed, "" if it has just closed."""
    if found.bar_opened_at is None or not found.interval.is_intraday:
        return ""
    seconds = (found.clock - found.bar_opened_at - timedelta(seconds=found.interval.seconds)).total_seconds()
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return f"{' '.join(parts)} ago" if parts else ""


def _input_text(series: ExplainedInput, zone: ZoneInfo) -> Content:
    count = len(series.values)
    earlier = f", {series.earlier:,} of them of earlier sessions" if series.earlier else ""
    head = Content.assemble(
        (f"{series.name} ", "bold"),
        (
            f"{series.interval}, {counted(count, 'bar')}{earlier}; the last:",
            "$text-muted",
        ),
    )
    times = [utc_from_epoch(int(at)).astimezone(zone) for at in series.opened_at[-_SHOWN_BARS:]]
    values = np.asarray(series.values[-_SHOWN_BARS:], dtype=np.float64)
    size = float(np.fmax.reduce(np.abs(values), initial=0.0))
    rows = [
        (f"{at:%m-%d %H:%M}", _figure(series.name, float(value), size))
        for at, value in zip(times, values, strict=True)
    ]
    return Content("\n").join([head, grid(["", ""], rows, right="lr")]) if rows else head


def _figure(name: str, value: float | None, size: float | None = None) -> str:
    """Return a number with four decimals, more if its `size` is small, none if it is a count.

    `size`: None means the number's own; for a column, its largest number.
    """
    if value is None:
        return number(None)
    if any(word in _WHOLE_NUMBERS for word in name.split()) and value == round(value):
        return number(value, 0)
    return number(value, max(_DECIMALS, decimals_of(abs(value) if size is None else size)))
