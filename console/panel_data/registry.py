"""Registry of panels and pages: names, areas, keys, widgets, and tables.

A new panel or page is one line at the end of `_ENTRIES`. Widgets and tables are given by name and imported on
use: the command line reads names, batch jobs make tables, and only the screen loads widgets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Final

# Keys of panels and pages, assigned in this order.
_KEYS: Final[tuple[str, ...]] = (*"123456789", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9")


class Area(Enum):
    """Part that a panel has in the layout of the main screen. A narrow screen shows only the active panel."""

    TABLE = "table"
    """The table of symbols: as wide as its columns, as high as its rows."""
    CHART = "chart"
    """The largest panel, which gets what the others leave."""
    SIDE = "side"
    """Below or beside these, as many as have room; the others by their keys and tabs."""


class RunPart(Enum):
    """Part of a run that not every run has."""

    FEED = "feed"
    """Live sessions have it."""
    SCANNERS = "scanners"
    """Sessions whose file has them."""
    STRATEGIES = "strategies"
    """Sessions whose file has them."""


ALL_PARTS: Final = frozenset(RunPart)


@dataclass(frozen=True, slots=True)
class PanelEntry:
    """A panel of the main screen.

    `widget`: its class, a Panel, as `module:name`. `table`: likewise the function of SystemManager and
    Snapshot that returns its content as a Table, or "". `view`: name of that table, if not `id`. `title`:
    name on the screen, if not `id`. `needs`: the part without which a run does not have the panel.
    `on_first_screen`: whether it is shown before its key or tab brings it, where there is room. `shown_by`:
    the panel whose key and action show this one, too, if it has none of its own.
    """

    id: str
    widget: str
    area: Area = Area.SIDE
    table: str = ""
    view: str = ""
    title: str = ""
    needs: RunPart | None = None
    on_first_screen: bool = True
    shown_by: str = ""

    @property
    def name(self) -> str:
        """Its name on the screen."""
        return self.title or self.id

    @property
    def action(self) -> str:
        """The action that shows it."""
        return f"panel_{self.shown_by or self.id}"

    @property
    def view_name(self) -> str:
        """The name of its table."""
        return self.view or self.id


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page over the main screen. `screen`: `module:name` of the function of the application that makes it.

    `help`: its text in help.
    """

    id: str
    help: str
    screen: str


_PANELS: Final = "tapedeck.console.app.panels"
_SCREENS: Final = "tapedeck.console.app.screens"
_TABLES: Final = "tapedeck.console.panel_data.views"
_FEED_TABLE: Final = "tapedeck.console.panel_data.feed_table"
_ACCOUNT_TABLE: Final = "tapedeck.console.panel_data.account_table"
_SCANS_TABLE: Final = "tapedeck.console.panel_data.scans_table"

_BAR_TABLES: Final = {"session": f"{_TABLES}:session"}
"""Tables without a panel: the session bar's."""

_ENTRIES: Final[list[PanelEntry | PageEntry]] = [
    PanelEntry("symbols", f"{_PANELS}.symbols:SymbolsPanel", Area.TABLE, f"{_TABLES}:symbols"),
    PanelEntry("chart", f"{_PANELS}.chart:ChartPanel", Area.CHART, f"{_TABLES}:bars", view="bars"),
    PanelEntry("indicators", f"{_PANELS}.indicators:IndicatorsPanel", table=f"{_TABLES}:indicators"),
    PanelEntry("quality", f"{_PANELS}.quality:QualityPanel", table=f"{_TABLES}:quality"),
    PanelEntry(
        "metrics",
        f"{_PANELS}.metrics:MetricsPanel",
        table=f"{_TABLES}:metrics",
        on_first_screen=False,
    ),
    PanelEntry("events", f"{_PANELS}.events:EventsPanel", table=f"{_TABLES}:events"),
    PanelEntry("log", f"{_PANELS}.log:LogPanel", on_first_screen=False),
    PageEntry("coverage", "Data coverage", f"{_SCREENS}.coverage:coverage_screen"),
    PageEntry("report", "Run report", f"{_SCREENS}.report:report_screen"),
    PanelEntry("feed", f"{_PANELS}.feed:FeedPanel", table=f"{_FEED_TABLE}:feed", needs=RunPart.FEED),
    PanelEntry(
        "scanners",
        f"{_PANELS}.scanners:ScannersPanel",
        table=f"{_SCANS_TABLE}:scanners",
        needs=RunPart.SCANNERS,
    ),
    PanelEntry(
        "orders",
        f"{_PANELS}.orders:OrdersPanel",
        table=f"{_ACCOUNT_TABLE}:orders",
        needs=RunPart.STRATEGIES,
    ),
]

SECOND_CHART: Final = PanelEntry(
    "second_chart",
    f"{_PANELS}.chart:SecondChartPanel",
    Area.CHART,
    title="second chart",
    shown_by="chart",
)
"""The panel that an action of its own opens beside the chart, and closes; it has no number and no table."""


def register(entry: PanelEntry | PageEntry) -> None:
    """Add a panel or page at the end; call before the action table is imported.

    Raises ValueError if its id is in use, or all keys are.
    """
    if entry.id in {known.id for known in (*_ENTRIES, SECOND_CHART)}:
        raise ValueError(f"duplicate panel or page {entry.id!r}")
    if len(_ENTRIES) == len(_KEYS):
        raise ValueError(f"no key is left for {entry.id!r}: there are {len(_KEYS)}")
    _ENTRIES.append(entry)


def panels(*, parts: Collection[RunPart] = ALL_PARTS) -> tuple[PanelEntry, ...]:
    """Return the panels of a run that has some parts, in the order of their keys; not the second chart."""
    found = (entry for entry in _ENTRIES if isinstance(entry, PanelEntry))
    return tuple(panel for panel in found if panel.needs is None or panel.needs in parts)


def pages() -> tuple[PageEntry, ...]:
    """Return the pages, in the order of their keys."""
    return tuple(entry for entry in _ENTRIES if isinstance(entry, PageEntry))


def panel_ids(area: Area | None = None, *, parts: Collection[RunPart] = ALL_PARTS) -> tuple[str, ...]:
    """Return the ids of `panels`, or of one area's."""
    return tuple(entry.id for entry in panels(parts=parts) if area in (None, entry.area))


def panel_entry(panel_id: str) -> PanelEntry:
    """Return a panel of the registry, or the second chart."""
    return next(panel for panel in (*panels(), SECOND_CHART) if panel.id == panel_id)


def key_of(entry_id: str) -> str:
    """Return the key of a panel or page, in Textual's name."""
    return _KEYS[[entry.id for entry in _ENTRIES].index(entry_id)]


def view_names() -> tuple[str, ...]:
    """Return the names of the tables, as `--view` and scripts use them."""
    return tuple(name for name, _ in _tables())


def table_maker(view: str) -> Callable[..., object]:
    """Return the function of SystemManager and Snapshot that makes a table. Raises KeyError if unknown."""
    maker = load(dict(_tables())[view])
    assert callable(maker), view
    return maker


def load(name: str) -> object:
    """Import the object of `module:name`."""
    module, _, attribute = name.partition(":")
    found: object = getattr(import_module(module), attribute)
    return found


def _tables() -> Iterator[tuple[str, str]]:
    yield from _BAR_TABLES.items()
    for entry in panels():
        if entry.table:
            yield entry.view_name, entry.table
