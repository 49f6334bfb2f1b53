"""The main screen: session bar, panels, and the line to filter with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import DescendantFocus, Key, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from tapedeck.console.actions.table import MAIN
from tapedeck.console.app.layout import MEDIUM_WIDTH, WIDE_WIDTH, Layout
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.panels.chart import ChartPanel
from tapedeck.console.app.panels.events import EventsPanel
from tapedeck.console.app.panels.key_line import KeyLine
from tapedeck.console.app.panels.metrics import MetricsPanel
from tapedeck.console.app.panels.panel import Frame, Panel
from tapedeck.console.app.panels.session_bar import SessionBar
from tapedeck.console.app.panels.symbols import SymbolsPanel
from tapedeck.console.app.panels.tab_line import TabLine, tabs_of
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.screens.console_screen import ConsoleScreen, bindings_of
from tapedeck.console.app.widgets import SymbolTable
from tapedeck.console.panel_data.registry import Area, PanelEntry, load, panel_ids
from tapedeck.console.panel_data.registry import panels as panel_entries

_FRAME: Final = 4
"""Columns of a frame's line that a heading never covers."""


AnyPanel = TypeVar("AnyPanel", bound=Panel)


class FilterLine(Input):
    """The line at the bottom in which a filter is typed."""

    class Left(Message):
        """The line was left: with its text kept, or given up."""

        def __init__(self, *, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def key_escape(self, event: Key) -> None:
        """Give the filter up."""
        self._leave(event, kept=False)

    def key_enter(self, event: Key) -> None:
        """Keep the filter."""
        self._leave(event, kept=True)

    def _leave(self, event: Key, *, kept: bool) -> None:
        event.stop()  # what comes back from here is for what has the focus by then: a list goes to its line
        self.post_message(self.Left(kept=kept))


class Box(Container):
    """Holds panels that cover all of it, so that it has nothing to draw itself."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return no lines: Textual would have each made and cut up, to be painted over."""
        return []


class MainScreen(ConsoleScreen):
    """All panels; the width and the layout decide which are visible."""

    MODE = MAIN
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(MAIN),
        Binding("escape", "show_all", "show all", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by Textual
        (0, "-narrow"),
        (MEDIUM_WIDTH, "-medium"),
        (WIDE_WIDTH, "-wide"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, playback: Playback, log_lines: LogLines, layout: Layout, *, note: str = "") -> None:
        super().__init__()
        self.bar = SessionBar(note=note)
        self._tabs = TabLine()
        self.panel_layout = layout
        self.panels: Mapping[str, Panel] = {
            entry.id: _panel_class(entry).build(playback, log_lines) for entry in panel_entries()
        }
        self.symbols = self._panel_of(SymbolsPanel)
        self.chart = self._panel_of(ChartPanel)
        self.metrics = self._panel_of(MetricsPanel)
        self.events = self._panel_of(EventsPanel)
        self.first_symbol: str | None = None
        self._unfiltered_symbol: str | None = None
        self._view_state: ViewState | None = None
        self._laid_out_for: Size | None = None

    def compose(self) -> ComposeResult:
        """Compose the bar, the panels in their places, filter line and footer."""
        yield self.bar
        with Box(id="body"):
            yield self._tabs
            with Box(id="left"):
                yield from self._panels_in(Area.LEFT)
            with Box(id="main"):
                yield from self._panels_in(Area.MAIN)
                with Box(id="side"):
                    yield from self._panels_in(Area.SIDE)
        yield FilterLine(id="filter", placeholder="filter: return keeps it, escape clears it")
        yield KeyLine(self.MODE, self.key_changes)

    def on_mount(self) -> None:
        """Put the panels into place."""
        self.query_one(FilterLine).display = False
        self.take_layout(self.panel_layout)

    # Pictures

    def update(self, view_state: ViewState) -> None:
        """Show a moment on the bar and on the visible panels."""
        was_past = self._view_state is not None and self._view_state.is_past
        self._view_state = view_state
        self.bar.update(view_state, self.events.ticks(view_state))
        for panel in self.panels.values():
            if panel.display:
                panel.update(view_state)
        if self.first_symbol is not None and view_state.view is not None:
            symbol, self.first_symbol = self.first_symbol, None
            self.focus_symbol(symbol)
        if was_past != view_state.is_past:
            self._mark_active()
            self.refresh_bindings()

    def update_again(self) -> None:
        """Show the moment once more, where something else than the run has changed."""
        if self._view_state is not None:
            self.update(self._view_state)

    def focus_symbol(self, symbol: str) -> None:
        """Have all panels show a symbol."""
        for panel in self.panels.values():
            panel.symbol = symbol
        self.symbols.table.focus_symbol(symbol)
        self.update_again()

    @property
    def symbol(self) -> str:
        """The focused symbol."""
        return self.chart.symbol

    # Places

    @property
    def width(self) -> int:
        """The columns of the screen."""
        return self.app.size.width

    @property
    def active_panel(self) -> Panel:
        """The panel that has the keyboard."""
        return self.panels[self.panel_layout.active]

    def take_layout(self, layout: Layout) -> None:
        """Show the panels of a layout, and give the active one the keyboard."""
        self.panel_layout, self._laid_out_for = layout, self.app.size
        shown = layout.shown(self.app.size.width)
        for name, panel in self.panels.items():
            panel.display = name in shown
        self._mark_active()
        left, main, side = (
            [name for name in shown if name in panel_ids(area)] for area in (Area.LEFT, Area.MAIN, Area.SIDE)
        )
        self._span_side(side)
        self.query_one("#left").display = bool(left)
        self.query_one("#side").display = bool(side)
        self.query_one("#main").display = bool(main or side)
        # Beside the headings is what room they leave: known once the panels are in their places.
        self.call_after_refresh(self._show_tabs)
        if self.focused is None or not isinstance(self.focused, FilterLine):
            self.set_focus(self.active_panel.keyboard_target())
        self.update_again()

    def on_resize(self, event: Resize) -> None:
        """Show what fits."""
        self.take_layout(self.panel_layout)

    def on_screen_resume(self) -> None:
        """Show what fits, where the terminal has been resized below a dialog."""
        super().on_screen_resume()
        if self._laid_out_for is None:
            return
        if self._laid_out_for != self.app.size:
            self.take_layout(self.panel_layout)
        else:  # it may have had another size in between
            self.call_after_refresh(self._show_tabs)

    def _span_side(self, shown: Sequence[str]) -> None:
        """On a wide screen two panels stand beside each other: an odd one has a line of its own."""
        for name in panel_ids(Area.SIDE):
            self.panels[name].set_class(len(shown) % 2 == 1 and name == shown[-1], "-across")

    @on(Panel.Picked)
    async def _panel_picked(self, event: Panel.Picked) -> None:
        """Do for a click what the keys do, so that a key script has it, too."""
        event.stop()
        if self.query_one(FilterLine).display:
            self._close_filter()
        if event.panel is not self.active_panel:
            await self.action_do(f"panel_{event.panel.NAME}")
        if event.alone:
            await self.action_do("maximise")

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """Make the panel that was clicked the active one; the filter is no longer typed then, and stays."""
        focused = self.focused  # the event may be late: what counts is what has the focus by now
        if focused is None:
            return
        line = self.query_one(FilterLine)
        if focused is not line:
            line.display = False
        panel = next((node for node in focused.ancestors_with_self if isinstance(node, Panel)), None)
        if panel is not None and self.panel_layout.active != panel.NAME:
            self.take_layout(self.panel_layout.activated(panel.NAME))

    def _show_tabs(self) -> None:
        columns = self.app.size.width
        searches = {name: panel.search for name, panel in self.panels.items()}
        tabs = tabs_of(self.panel_layout, searches, self.key_changes, columns=columns)
        self._tabs.show(tabs, self._room_for_tabs() - self._tabs.gutter.width)

    def _room_for_tabs(self) -> int:
        """Return the columns of the line of tabs: a line of its own, or what the heading on top leaves."""
        body = self.query_one("#body").region
        if self.app.size.width < MEDIUM_WIDTH:
            return body.width
        corner = body.top_right
        panel = next(
            (panel for panel in self.panels.values() if panel.display and panel.region.top_right == corner),
            None,
        )
        return 0 if panel is None else panel.region.width - len(panel.heading) - _FRAME

    def _mark_active(self) -> None:
        """Say on the frames which panel has the keyboard, and whether it shows the past."""
        is_past = self._view_state is not None and self._view_state.is_past
        for panel in self.panels.values():
            is_active = panel is self.active_panel
            panel.frame = (Frame.PAST if is_past else Frame.ACTIVE) if is_active else Frame.PLAIN

    def _panels_in(self, area: Area) -> Iterator[Panel]:
        return (self.panels[name] for name in panel_ids(area))

    def _panel_of(self, kind: type[AnyPanel]) -> AnyPanel:
        return next(panel for panel in self.panels.values() if isinstance(panel, kind))

    # The filter line

    def open_filter(self) -> None:
        """Start to filter the active panel, or the symbols where it has no filter."""
        if not self.active_panel.HAS_FILTER:
            self.take_layout(self.panel_layout.activated("symbols"))
        self._unfiltered_symbol = self.symbol
        line = self.query_one(FilterLine)
        line.value = ""
        line.display = True
        self.set_focus(line)  # at once: what is typed next is the line's

    def filter_active(self, text: str) -> None:
        """Show only what a text is found in."""
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
            self._give_filter_up()
        self._close_filter()

    def _close_filter(self) -> None:
        """Hide the line; the filter stays."""
        self.query_one(FilterLine).display = False
        self.set_focus(self.active_panel.keyboard_target())

    def _give_filter_up(self) -> None:
        """Clear the filter, and focus the symbol that was focused before it."""
        self.filter_active("")
        symbol, self._unfiltered_symbol = self._unfiltered_symbol, None
        if symbol is not None and self.active_panel is self.symbols:
            self.focus_symbol(symbol)

    @on(SymbolTable.Focused)
    def _symbol_focused(self, event: SymbolTable.Focused) -> None:
        # The message may be late: what counts is where the cursor stands by now.
        symbol = event.table.focused_symbol
        if symbol is not None and symbol != self.symbol:
            self.focus_symbol(symbol)


def _panel_class(entry: PanelEntry) -> type[Panel]:
    found = load(entry.widget)
    assert isinstance(found, type)
    assert issubclass(found, Panel)
    assert entry.id == found.NAME, f"{entry.widget} calls itself {found.NAME!r}, not {entry.id!r}"
    return found
