"""Tab line: names of panels and pages with their keys; a click opens one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.widgets import Static

from tapedeck.console.actions.keys import first_key
from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.layout import Layout
from tapedeck.console.panel_data.registry import Area
from tapedeck.console.panel_data.registry import pages as page_entries

_WIDE_GAP: Final = "  "
_GAP: Final = " "
_ACTIVE: Final = "$text-accent bold reverse"
_ELSEWHERE: Final = "$text-muted"


@dataclass(frozen=True, slots=True)
class Tab:
    """A panel or page: its key, its name with its note, and the action that shows it, with its argument."""

    key: str
    name: str
    action: str
    argument: str = ""
    is_active: bool = False
    is_hidden: bool = False
    is_page: bool = False

    @property
    def full(self) -> Content:
        """Key and name, in brackets if it is hidden."""
        text = f"{self.key} {self.name}".strip()
        return self._styled(f"({text})" if self.is_hidden else text)

    @property
    def short(self) -> Content:
        """The key; with the name if it is active."""
        return self.full if self.is_active else self._styled(self.key)

    def _styled(self, text: str) -> Content:
        style = _ACTIVE if self.is_active else _ELSEWHERE
        words = ", ".join(f"'{word}'" for word in (self.action, self.argument) if word)
        return Content(text).stylize(style).stylize(f"@click=screen.do({words})")


class TabLine(Static):
    """Tabs on one line: all of them on a narrow screen, else those of panels not on the screen."""

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._shown = Content("")

    def show(self, tabs: tuple[Tab, ...], width: int) -> None:
        """Show the tabs that fit a width."""
        line = fitted_tabs(tabs, width)
        if not line.is_same(self._shown):
            self._shown = line
            self.update(line)


def tabs_of(
    layout: Layout, notes: Mapping[str, str], changes: Mapping[str, str], framed: Collection[str]
) -> tuple[Tab, ...]:
    """Return the tabs: of all panels but those shown with a heading, `framed`.

    Two charts without a heading have one tab, which changes between them. `notes`: text after each panel's
    name; `changes`: action id → keys.
    """
    charts, left_out = layout.panel_ids(Area.CHART), set(framed)
    has_chart = not left_out.isdisjoint(charts)
    if not has_chart:
        left_out |= {name for name in charts if name != layout.active_chart}
    panels = [
        Tab(
            first_key(panel.action, changes),
            f"{panel.name} {notes.get(panel.id, '')}".strip(),
            panel.action,
            layout.argument_for(panel) if has_chart else "",
            is_active=panel.id == layout.active,
            is_hidden=panel.id in layout.hidden,
        )
        for panel in layout.entries
        if panel.id not in left_out
    ]
    pages = [
        Tab(first_key(page.id, changes), BY_ID[page.id].label, page.id, is_page=True)
        for page in page_entries()
    ]
    return (*panels, *pages)


def fitted_tabs(tabs: tuple[Tab, ...], width: int) -> Content:
    """Return tabs on a line; if too long: with less space, then without pages, then with keys only."""
    panels = tuple(tab for tab in tabs if not tab.is_page)
    lines = [
        Content(gap).join([tab.full for tab in some]) for some in (tabs, panels) for gap in (_WIDE_GAP, _GAP)
    ]
    shortest = Content(_GAP).join([tab.short for tab in panels])
    return next((line for line in lines if len(line) <= width), shortest)
