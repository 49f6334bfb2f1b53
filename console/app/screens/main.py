"""Main screen: session bar, panels, and the filter line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import DescendantFocus, Key, Resize
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Input

from tapedeck.console.actions.table import MAIN
from tapedeck.console.app.division import Regions, Wants
from tapedeck.console.app.layout import MEDIUM_WIDTH, STRIP, Layout
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.panels.chart import ChartPanel, SecondChartPanel
from tapedeck.console.app.panels.chart_pair import ChartPair
from tapedeck.console.app.panels.events import EventsPanel
from tapedeck.console.app.panels.metrics import MetricsPanel
from tapedeck.console.app.panels.panel import Frame, Panel
from tapedeck.console.app.panels.session_bar import SessionBar
from tapedeck.console.app.panels.symbols import SymbolsPanel
from tapedeck.console.app.panels.tab_line import TabLine, tabs_of
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.screens.console_screen import ConsoleScreen, bindings_of
from tapedeck.console.app.widgets import SymbolTable
from tapedeck.console.app.widgets.panel_box import PanelBox
from tapedeck.console.app.widgets.symbol_strip import SymbolStrip
from tapedeck.console.panel_data.registry import SECOND_CHART, PanelEntry, load, panel_entry
from tapedeck.console.panel_data.registry import panels as panel_entries

_FRAME: Final = 4
"""Columns of a frame's line that headings leave free."""
_BAR_ROWS: Final = 2
_FOOTER_ROWS: Final = 1
_LAID_OUT_S: Final = 0.1
"""Wait before looking again whether the panels are laid out, in seconds."""


AnyPanel = TypeVar("AnyPanel", bound=Panel)


class FilterLine(Input):
    """Input line for a filter, at the bottom."""

    class Left(Message):
        """The line was closed; `kept`: whether the filter stays."""

        def __init__(self, *, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def key_escape(self, event: Key) -> None:
        """Clear the filter."""
        self._leave(event, kept=False)

    def key_enter(self, event: Key) -> None:
        """Keep the filter."""
        self._leave(event, kept=True)

    def _leave(self, event: Key, *, kept: bool) -> None:
        event.stop()  # the widget with the focus must not get this key
        self.post_message(self.Left(kept=kept))


class MainScreen(ConsoleScreen):
    """All panels; width and layout decide which are visible."""

    MODE = MAIN
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(MAIN),
        Binding("escape", "show_all", "show all", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Textual
        (0, "-narrow"),
        (MEDIUM_WIDTH, "-medium"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, playback: Playback, log_lines: LogLines, layout: Layout, *, note: str = "") -> None:
        super().__init__()
        self.bar = SessionBar(playback.system.time.zone, note=note)
        self._tabs = TabLine()
        self._strip = SymbolStrip(id=STRIP)
        self._wants: Wants = {}
        self._wants_for: object = None
        self.panel_layout = layout
        self.panels: Mapping[str, Panel] = {
            entry.id: _panel_class(entry).build(playback, log_lines)
            for entry in (*panel_entries(parts=layout.parts), SECOND_CHART)
        }
        self.symbols = self._panel_of(SymbolsPanel)
        first, second = self._panel_of(ChartPanel), self._panel_of(SecondChartPanel)
        self.charts = ChartPair(first, second, lambda: self.panel_layout)
        self._symbol = first.symbol
        self.metrics = self._panel_of(MetricsPanel)
        self.events = self._panel_of(EventsPanel)
        self._file_symbols = playback.plan.symbols
        self._wanted_symbol: str | None = None  # focused as soon as a session with it is shown
        self._must_move_cursor = False
        self._unfiltered_symbol: str | None = None
        self._view_state: ViewState | None = None
        self._laid_out_for: Size | None = None

    def compose(self) -> ComposeResult:
        """Compose the bar, the panels in their areas, filter line and footer."""
        yield self.bar
        yield PanelBox(self._tabs, self._strip, *self.panels.values(), id="body", regions_of=self._regions)
        yield FilterLine(id="filter", placeholder="filter: enter keeps it, escape clears it")
        yield self.footer()

    def on_mount(self) -> None:
        """Apply the layout."""
        self.query_one(FilterLine).display = False
        self.apply_layout(self.panel_layout)

    # Frames

    def update(self, view_state: ViewState) -> None:
        """Show a state of the run on the bar and on the visible panels."""
        was_past = self._view_state is not None and self._view_state.is_past
        before, self._view_state = self.shown_symbols, view_state
        self._follow_symbols(before)
        self._take_wants(view_state)
        if self._strip.display:
            self._strip.show(self.symbols.strip_data(view_state, self.symbol))
        self.bar.update(view_state, self.events.ticks(view_state))
        for panel in self.panels.values():
            if panel.display:
                panel.update(view_state)
        if self._must_move_cursor and view_state.view is not None and self.symbols.display:
            # The table has the symbol now.
            self._must_move_cursor = False
            self.symbols.table.focus_symbol(self.symbol)
        if was_past != view_state.is_past:
            self._mark_active()
            self.refresh_bindings()

    def update_again(self) -> None:
        """Show the same state again, after a change of the screen."""
        if self._view_state is not None:
            self.update(self._view_state)

    def focus_symbol(self, symbol: str) -> None:
        """Focus a symbol in all panels; one that is not in the session shown once it is."""
        self._wanted_symbol = symbol
        self.update_again()

    @property
    def view_state(self) -> ViewState | None:
        """The state of the run that is shown, None before the first frame."""
        return self._view_state

    @property
    def chart(self) -> ChartPanel:
        """The chart that has the focus, or had it last."""
        return self.charts.active

    @property
    def symbol(self) -> str:
        """The focused symbol."""
        return self._symbol

    @property
    def shown_symbols(self) -> tuple[str, ...]:
        """The symbols of the session shown, by row; before the first one those of the file."""
        view = None if self._view_state is None else self._view_state.view
        return self._file_symbols if view is None else view.symbols

    @property
    def listed_symbols(self) -> tuple[str, ...]:
        """The symbols shown that pass the filter of their table, in its order; all if none does."""
        view_state = self._view_state
        if view_state is None or view_state.view is None:
            return self._file_symbols
        return self.symbols.listed(view_state) or view_state.view.symbols

    def _follow_symbols(self, before: tuple[str, ...]) -> None:
        """Focus the symbol wanted if it is shown now; a neighbour of the focused one if that is gone.

        `before`: the symbols of the frame before.
        """
        there = frozenset(self.shown_symbols)
        if self._wanted_symbol in there:
            self._focus(self._wanted_symbol)
            self._wanted_symbol = None
        elif self.symbol not in there:
            listed = (*self.symbols.table.shown_symbols, *before)
            self._focus(_nearest(self.symbol, listed, there) or self.shown_symbols[0])
        for name, symbol in self.charts.unpin_missing(there, self.symbol):
            self.notify(f"{name}: no longer pinned to {symbol}, which is not in this session", timeout=5)

    def _focus(self, symbol: str) -> None:
        self._symbol = symbol
        for panel in self.panels.values():
            panel.follow(symbol)
        self._must_move_cursor = True

    # Layout

    @property
    def width(self) -> int:
        """Columns of the screen."""
        return self.app.size.width

    @property
    def panel_room(self) -> Size:
        """The room for panels: the screen without session bar and footer."""
        columns, rows = self.app.size
        return Size(columns, max(rows - _BAR_ROWS - _FOOTER_ROWS - self._tab_rows, 1))

    @property
    def wants(self) -> Wants:
        """The sizes that panels want."""
        return self._wants

    @property
    def _tab_rows(self) -> int:
        """Rows of tabs above the panels: on a wide screen they stand beside a heading."""
        return 1 if self.app.size.width < MEDIUM_WIDTH else 0

    def _regions(self, size: Size) -> Regions:
        """Return the regions of the visible panels; `size`: of the room for them."""
        return self.panel_layout.regions(size, self._wants)

    def _take_wants(self, view_state: ViewState) -> None:
        """Place the panels anew if the symbols or the columns of the table are others."""
        columns = self.symbols.columns
        wants_for = (self.shown_symbols, columns.shown, view_state.view is None)
        if wants_for == self._wants_for:
            return
        self._wants_for = wants_for
        self._wants = {name: panel.wanted(view_state) for name, panel in self.panels.items()}
        self._place_panels()

    @property
    def active_panel(self) -> Panel:
        """The panel with the keyboard."""
        return self.panels[self.panel_layout.active]

    def apply_layout(self, layout: Layout) -> None:
        """Show the panels of a layout, and focus the active one."""
        self.panel_layout, self._laid_out_for = layout, self.app.size
        if not layout.has_second_chart:
            self.charts.second.unpin(self.symbol)
        self._place_panels()
        if self.focused is None or not isinstance(self.focused, FilterLine):
            self.set_focus(self.active_panel.keyboard_target())
        self.update_again()

    def _place_panels(self) -> None:
        shown = self._regions(self.panel_room)
        for name, panel in self.panels.items():
            panel.display = name in shown
        self._strip.display = STRIP in shown
        self._mark_active()
        self.query_one(PanelBox).refresh(layout=True)
        # The room for tabs beside the headings is known after the panels are laid out.
        self.call_after_refresh(self._show_tabs)

    def on_resize(self, event: Resize) -> None:
        """Apply the layout to the new size."""
        self.apply_layout(self.panel_layout)

    def on_screen_resume(self) -> None:
        """Apply the layout if the terminal was resized while a dialog was open."""
        super().on_screen_resume()
        if self._laid_out_for is None:
            return
        if self._laid_out_for != self.app.size:
            self.apply_layout(self.panel_layout)
        else:  # the size may have changed and changed back
            self.call_after_refresh(self._show_tabs)

    @on(Panel.Picked)
    async def _panel_picked(self, event: Panel.Picked) -> None:
        """Run the action of a click, so that key scripts record it."""
        event.stop()
        if self.query_one(FilterLine).display:
            self._close_filter()
        if event.panel is not self.active_panel:
            entry = panel_entry(event.panel.NAME)
            await self.action_do(entry.action, self.panel_layout.argument_for(entry))
        if event.alone:
            await self.action_do("maximise")

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """Activate the focused panel; a filter being typed stays, and its line closes."""
        focused = self.focused  # the event may be late; use the current focus
        if focused is None:
            return
        line = self.query_one(FilterLine)
        if focused is not line:
            line.display = False
        panel = next((node for node in focused.ancestors_with_self if isinstance(node, Panel)), None)
        if panel is not None and self.panel_layout.active != panel.NAME:
            self.apply_layout(self.panel_layout.activated(panel.NAME))

    @on(Panel.NoteChanged)
    def _show_tabs(self) -> None:
        columns, room = self.app.size.width, self._room_for_tabs()
        if room is None:  # while the terminal stalls, panels are laid out later
            self.set_timer(_LAID_OUT_S, self._show_tabs)
            return
        notes = {name: panel.tab_note for name, panel in self.panels.items()}
        framed = (
            [name for name, panel in self.panels.items() if panel.display] if columns >= MEDIUM_WIDTH else []
        )
        tabs = tabs_of(self.panel_layout, notes, self.key_changes, framed)
        self._tabs.show(tabs, room - self._tabs.gutter.width)

    def _room_for_tabs(self) -> int | None:
        """Return the columns for tabs: all of a narrow screen, else the rest of the top heading.

        None until the panels are laid out.
        """
        body = self.query_one("#body").region
        if self.app.size.width < MEDIUM_WIDTH:
            return body.width
        on_top = (p for p in self.panels.values() if p.display and p.region and p.region.y == body.y)
        panel = max(on_top, key=lambda one: one.region.x, default=None)
        return None if panel is None else body.right - panel.region.x - len(panel.heading) - _FRAME

    def _mark_active(self) -> None:
        """Mark the frame of the active panel, and whether it shows the past; of two charts the active one."""
        is_past = self._view_state is not None and self._view_state.is_past
        for panel in self.panels.values():
            if panel is self.active_panel:
                panel.frame = Frame.PAST if is_past else Frame.ACTIVE
            else:
                is_next = panel is self.chart and self.panel_layout.has_second_chart
                panel.frame = Frame.CHART if is_next else Frame.PLAIN

    def _panel_of(self, kind: type[AnyPanel]) -> AnyPanel:
        return next(panel for panel in self.panels.values() if isinstance(panel, kind))

    # Filter line

    def open_filter(self) -> None:
        """Open the filter of the active panel, or of the symbols if it has none."""
        if not self.active_panel.HAS_FILTER:
            self.apply_layout(self.panel_layout.activated("symbols"))
        self._unfiltered_symbol = self.symbol
        line = self.query_one(FilterLine)
        line.value = ""
        line.display = True
        self.set_focus(line)  # at once, for the keys that follow

    def filter_active(self, text: str) -> None:
        """Filter the active panel by a text."""
        self.active_panel.filter_by(text)
        self._show_tabs()
        self.update_again()

    def action_show_all(self) -> None:
        """Clear the filter of the active panel."""
        if self.active_panel.search:
            self.filter_active("")

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.query_one(FilterLine).display:
            self.filter_active(event.value)

    @on(FilterLine.Left)
    def _filter_left(self, event: FilterLine.Left) -> None:
        if not event.kept:
            self._clear_filter()
        self._close_filter()

    def _close_filter(self) -> None:
        """Hide the line; keep the filter."""
        self.query_one(FilterLine).display = False
        self.set_focus(self.active_panel.keyboard_target())

    def _clear_filter(self) -> None:
        """Clear the filter, and focus the symbol from before it."""
        self.filter_active("")
        symbol, self._unfiltered_symbol = self._unfiltered_symbol, None
        if symbol is not None and self.active_panel is self.symbols:
            self.focus_symbol(symbol)

    @on(SymbolStrip.Picked)
    async def _strip_picked(self, event: SymbolStrip.Picked) -> None:
        event.stop()
        await self.action_do("symbol", event.symbol)

    @on(SymbolTable.Focused)
    def _symbol_focused(self, event: SymbolTable.Focused) -> None:
        # The message may be late; use the current cursor.
        symbol = event.table.focused_symbol
        if symbol is not None and symbol != self.symbol:
            self.focus_symbol(symbol)


def _panel_class(entry: PanelEntry) -> type[Panel]:
    found = load(entry.widget)
    assert isinstance(found, type)
    assert issubclass(found, Panel)
    assert entry.id == found.NAME, f"{entry.widget}: NAME is {found.NAME!r}, not {entry.id!r}"
    return found


def _nearest(symbol: str, listed: Sequence[str], there: Collection[str]) -> str | None:
    """Return the symbol listed next after another one, else next before it, of those that are there."""
    if symbol not in listed:
        return None
    at = listed.index(symbol)
    return next((name for name in (*listed[at + 1 :], *reversed(listed[:at])) if name in there), None)
