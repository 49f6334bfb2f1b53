"""Registry of panels and pages: names, places, keys, widgets, and the tables that they are as data.

A new panel or page is one line at the end of `_SHOWN`. Widgets and tables are named here and imported when
they are needed: the command line reads names, a batch job makes tables, and only the screen loads widgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Final

# Keys in the order in which they are dealt to panels and pages.
_KEYS: Final[tuple[str, ...]] = (*"123456789", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9")


class Area(Enum):
    """The part of the main screen in which a panel stands. A narrow screen shows the active panel alone."""

    LEFT = "left"
    """In the left column; from medium width on."""
    MAIN = "main"
    """On top of the right column; from medium width on."""
    SIDE = "side"
    """Below that: one of these panels at medium width, all of them on a wide screen."""


@dataclass(frozen=True, slots=True)
class PanelEntry:
    """A panel of the main screen.

    `widget`: its class, a Panel, as `module:name`. `table`: the function of SystemManager and Snapshot that
    returns its content as a Table, likewise; "" where there is none. `view`: the name of that table, where it
    is not the panel's. `title`: its name on the screen, where it is not its id.
    """

    id: str
    widget: str
    area: Area = Area.SIDE
    table: str = ""
    view: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """Its name on the screen."""
        return self.title or self.id

    @property
    def view_name(self) -> str:
        """The name of its table."""
        return self.view or self.id


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page over the main screen. `screen`: the function of the application that returns it, `module:name`.

    `help`: its text there.
    """

    id: str
    help: str
    screen: str


_PANELS: Final = "tapedeck.console.app.panels"
_SCREENS: Final = "tapedeck.console.app.screens"
_TABLES: Final = "tapedeck.console.panel_data.views"

_BAR_TABLES: Final = {"session": f"{_TABLES}:session"}
"""Tables beside those of panels: the session bar's."""

_SHOWN: Final[list[PanelEntry | PageEntry]] = [
    PanelEntry("symbols", f"{_PANELS}.symbols:SymbolsPanel", Area.LEFT, f"{_TABLES}:symbols"),
    PanelEntry("chart", f"{_PANELS}.chart:ChartPanel", Area.MAIN, f"{_TABLES}:bars", view="bars"),
    PanelEntry("indicators", f"{_PANELS}.indicators:IndicatorsPanel", Area.LEFT, f"{_TABLES}:indicators"),
    PanelEntry("quality", f"{_PANELS}.quality:QualityPanel", table=f"{_TABLES}:quality"),
    PanelEntry("metrics", f"{_PANELS}.metrics:MetricsPanel", table=f"{_TABLES}:metrics"),
    PanelEntry("events", f"{_PANELS}.events:EventsPanel", table=f"{_TABLES}:events"),
    PanelEntry("log", f"{_PANELS}.log:LogPanel"),
    PageEntry("coverage", "Data coverage", f"{_SCREENS}.coverage:coverage_screen"),
    PageEntry("report", "Run report", f"{_SCREENS}.report:report_screen"),
]


def register(entry: PanelEntry | PageEntry) -> None:
    """Add a panel or page behind those that are there; before the action table is imported.

    ValueError where its name is taken, or no key is left for it.
    """
    if entry.id in {known.id for known in _SHOWN}:
        raise ValueError(f"duplicate panel or page {entry.id!r}")
    if len(_SHOWN) == len(_KEYS):
        raise ValueError(f"no key is left for {entry.id!r}: there are {len(_KEYS)}")
    _SHOWN.append(entry)


def panels() -> tuple[PanelEntry, ...]:
    """Return the panels, in the order of their keys."""
    return tuple(entry for entry in _SHOWN if isinstance(entry, PanelEntry))


def pages() -> tuple[PageEntry, ...]:
    """Return the pages, in the order of their keys."""
    return tuple(entry for entry in _SHOWN if isinstance(entry, PageEntry))


def panel_ids(area: Area | None = None) -> tuple[str, ...]:
    """Return the names of all panels, or of those of one area, in the order of their keys."""
    return tuple(entry.id for entry in panels() if area in (None, entry.area))


def panel_entry(panel_id: str) -> PanelEntry:
    """Return a panel of the registry."""
    return next(panel for panel in panels() if panel.id == panel_id)


def key_of(entry_id: str) -> str:
    """Return the key of a panel or page, in Textual's name."""
    return _KEYS[[entry.id for entry in _SHOWN].index(entry_id)]


def view_names() -> tuple[str, ...]:
    """Return the names of the tables, as `--view` and scripts use them."""
    return tuple(name for name, _ in _tables())


def table_maker(view: str) -> Callable[..., object]:
    """Return the function of SystemManager and Snapshot that makes a table. Raises KeyError."""
    maker = load(dict(_tables())[view])
    assert callable(maker), view
    return maker


def load(name: str) -> object:
    """Return the object that `module:name` names."""
    module, _, attribute = name.partition(":")
    found: object = getattr(import_module(module), attribute)
    return found


def _tables() -> Iterator[tuple[str, str]]:
    yield from _BAR_TABLES.items()
    for entry in panels():
        if entry.table:
            yield entry.view_name, entry.table
