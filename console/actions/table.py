"""Action table: one row per action, for keys, mouse, palette, scripts and help.

A new action is one row here and one function: of a RunContext for an action on the run, a method of the
screen's handlers for an action on the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Final

from tapedeck.console.actions import arguments, run_actions
from tapedeck.console.actions.arguments import ANY_TEXT, NO_ARGUMENT, Argument
from tapedeck.console.actions.context import RunContext, Work
from tapedeck.console.panel_data.registry import Area, PanelEntry, key_of, pages, panels

MAIN: Final = "main"
"""Mode of the main screen; a page's mode is its id."""
EVERYWHERE: Final = frozenset({MAIN, *(page.id for page in pages())})
_SCRIPTS_ONLY: Final = frozenset[str]()


class Effect(Enum):
    """Effect of an action on the run, as saved scripts record it."""

    NONE = "none"
    CHANGES_SYMBOLS = "changes symbols"
    """Has a symbol join or leave, which takes a moment; recorded with the time at which it took effect."""
    SETS = "sets"
    """Sets a speed, a breakpoint or a bookmark, without moving the run."""
    STOPS = "stops"
    STEPS = "steps"
    """Plays a known number of slots."""
    PLAYS = "plays"
    """Plays until a breakpoint, a key or a given time."""

    @property
    def is_move(self) -> bool:
        """Whether it pauses the run or plays."""
        return self in (Effect.STOPS, Effect.STEPS, Effect.PLAYS)


@dataclass(frozen=True, slots=True)
class OnScreen:
    """An action of the screen: the name of its handler, such as `panels.hide`."""

    handler: str


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the user.

    `keys`: Textual's names, separated by commas; "" for the palette and scripts only. `does`: its function
    on the run, or its handler on the screen. `group`: its heading in help. `fixed`: the default argument.
    `aliases`: other words for it in scripts. `modes`: the main screen and pages where it works; none: scripts
    only. `footer`: its rank there, 0: not shown; on a narrow screen, high ranks are dropped first. `label`:
    the footer's word. `help`: its text of one to five words.
    """

    id: str
    keys: str
    label: str
    help: str
    does: Callable[[RunContext, str], Work] | OnScreen
    group: str
    argument: Argument = ANY_TEXT
    fixed: str = ""
    aliases: tuple[str, ...] = ()
    effect: Effect = Effect.NONE
    modes: frozenset[str] = frozenset({MAIN})
    footer: int = 0

    @property
    def needs_screen(self) -> bool:
        """Whether batch jobs skip it."""
        return isinstance(self.does, OnScreen)


def _shows(panel: PanelEntry) -> OnScreen:
    """Return the action of a panel's key; that of the chart is for the second one, too."""
    return OnScreen("charts.show" if panel.area is Area.CHART else "panels.show")


PLAY, NAVIGATE, SHOW, DATA, APP = "Play", "Navigate", "Show", "Data", "Console"
_STEPS, _PLAYS, _SETS = Effect.STEPS, Effect.PLAYS, Effect.SETS

ACTIONS: Final[list[Action]] = [
    Action(
        "pause", "space", "pause", "Play / pause",
        run_actions.pause, PLAY, NO_ARGUMENT, effect=Effect.STOPS, footer=1
    ),
    Action("resume", "", "play", "Play", run_actions.resume, PLAY, NO_ARGUMENT, effect=_PLAYS),
    Action(
        "step", "full_stop", "step", "Step forward",
        run_actions.step, PLAY, arguments.SLOTS, "slot", effect=_STEPS, footer=2
    ),
    Action(
        "step_back", "comma", "back", "Step back",
        OnScreen("navigation.back"), PLAY, fixed="slot", footer=3
    ),
    Action(
        "minute_on", "m", "minute", "Minute forward",
        run_actions.step, PLAY, NO_ARGUMENT, "minute", effect=_STEPS
    ),
    Action(
        "minute_back", "M", "minute back", "Minute back",
        OnScreen("navigation.back"), PLAY, fixed="minute"
    ),
    Action(
        "hour_on", "o", "hour", "Hour forward",
        run_actions.step, PLAY, NO_ARGUMENT, "hour", effect=_STEPS
    ),
    Action("hour_back", "O", "hour back", "Hour back", OnScreen("navigation.back"), PLAY, fixed="hour"),
    Action(
        "day_on", "d", "day", "Day forward",
        run_actions.day_forward, PLAY, NO_ARGUMENT, effect=_PLAYS
    ),
    Action(
        "day_back", "D", "day back", "Day back",
        OnScreen("navigation.back"), PLAY, fixed="day"
    ),
    Action(
        "next_session", "n", "next session",
        "Go to next session",
        run_actions.next_session, PLAY, NO_ARGUMENT, effect=_PLAYS
    ),
    Action(
        "play_day", "p", "play day again", "Play this day again",
        OnScreen("navigation.play_day"), PLAY, NO_ARGUMENT, modes=frozenset({MAIN, "report"}), footer=3
    ),
    Action(
        "restart", "R", "restart", "Restart the run",
        OnScreen("app.restart"), PLAY, NO_ARGUMENT, modes=frozenset({MAIN, "report"}), footer=2
    ),
    Action(
        "faster", "plus,equals_sign", "faster", "Increase speed",
        run_actions.faster, PLAY, NO_ARGUMENT, effect=_SETS, footer=5
    ),
    Action(
        "slower", "minus", "slower", "Decrease speed",
        run_actions.slower, PLAY, NO_ARGUMENT, effect=_SETS, footer=6
    ),
    Action(
        "max_speed", "0", "max", "Maximum speed",
        run_actions.speed, PLAY, NO_ARGUMENT, "max", effect=_SETS
    ),
    Action(
        "speed", "", "speed", "Set speed",
        run_actions.speed, PLAY, arguments.SPEED, effect=_SETS
    ),
    Action(
        "goto", "g", "go to", "Go to time or date",
        run_actions.go_to, NAVIGATE, arguments.TIME, aliases=("run_to",), effect=_PLAYS, footer=4
    ),
    Action(
        "previous_event", "left_square_bracket", "previous event", "Go to previous event",
        OnScreen("navigation.event"), NAVIGATE, fixed="back"
    ),
    Action(
        "next_event", "right_square_bracket", "next event",
        "Go to next event",
        OnScreen("navigation.event"), NAVIGATE, fixed="on"
    ),
    Action(
        "previous_fill", "left_curly_bracket", "previous fill", "Go to previous fill",
        OnScreen("fills.fill"), NAVIGATE, NO_ARGUMENT, "back"
    ),
    Action(
        "next_fill", "right_curly_bracket", "next fill", "Go to next fill",
        OnScreen("fills.fill"), NAVIGATE, NO_ARGUMENT, "on"
    ),
    Action(
        "present", "end", "present", "Return to the present",
        OnScreen("navigation.present"), NAVIGATE, footer=3
    ),
    Action(
        "next_symbol", "tab,down", "next symbol", "Next symbol",
        OnScreen("panels.symbol"), NAVIGATE, fixed="1"
    ),
    Action(
        "previous_symbol", "shift+tab,up", "previous symbol", "Previous symbol",
        OnScreen("panels.symbol"), NAVIGATE, fixed="-1"
    ),
    Action(
        "symbol", "", "symbol", "Go to symbol",
        OnScreen("panels.focus"), NAVIGATE, arguments.SYMBOL
    ),
    Action(
        "add", "a", "add", "Add a symbol",
        run_actions.add_symbol, NAVIGATE, arguments.ADDED_SYMBOL, effect=Effect.CHANGES_SYMBOLS
    ),
    Action(
        "remove", "r", "remove", "Remove a symbol",
        run_actions.remove_symbol, NAVIGATE, arguments.REMOVED_SYMBOL, effect=Effect.CHANGES_SYMBOLS
    ),
    Action(
        "why", "w", "why", "Explain this symbol's numbers",
        OnScreen("navigation.why"), NAVIGATE, arguments.FIGURE, footer=9
    ),
    Action(
        "breakpoint", "b", "break", "Set, list or delete breakpoints",
        run_actions.add_breakpoint, NAVIGATE, arguments.CONDITION, aliases=("break",), effect=_SETS, footer=8
    ),
    Action(
        "unbreak", "", "unbreak", "Delete a breakpoint",
        run_actions.remove_breakpoint, NAVIGATE, arguments.BREAKPOINT_NUMBER, effect=_SETS
    ),
    Action(
        "save_breakpoints", "", "save breaks", "Save breakpoints",
        OnScreen("breakpoints.save"), NAVIGATE, arguments.SAVE_BREAKPOINTS
    ),
    Action(
        "load_breakpoints", "", "load breaks", "Load breakpoints",
        OnScreen("breakpoints.load"), NAVIGATE, arguments.LOAD_BREAKPOINTS
    ),
    Action(
        "find", "f", "find", "Find next moment",
        OnScreen("moments.next"), NAVIGATE, arguments.FIND_NEXT
    ),
    Action(
        "find_back", "F", "find back", "Find previous moment",
        OnScreen("moments.previous"), NAVIGATE, arguments.FIND_PREVIOUS
    ),
    Action(
        "find_again", "greater_than_sign", "find again", "Repeat find, forward",
        OnScreen("moments.again"), NAVIGATE, NO_ARGUMENT, "on"
    ),
    Action(
        "find_back_again", "less_than_sign", "find back again", "Repeat find, backward",
        OnScreen("moments.again"), NAVIGATE, NO_ARGUMENT, "back"
    ),
    Action(
        "previous_entry", "left_parenthesis", "previous entry", "Find previous entry by rule",
        OnScreen("fills.entry"), NAVIGATE, NO_ARGUMENT, "back"
    ),
    Action(
        "next_entry", "right_parenthesis", "next entry", "Find next entry by rule",
        OnScreen("fills.entry"), NAVIGATE, NO_ARGUMENT, "on"
    ),
    Action(
        "bookmark", "apostrophe", "bookmark", "Bookmark this time",
        run_actions.bookmark, NAVIGATE, arguments.NOTE, effect=_SETS
    ),
    *(
        Action(
            panel.action, key_of(panel.id), panel.name, f"Show {panel.name}", _shows(panel), SHOW,
            fixed="" if panel.area is Area.CHART else panel.id
        )
        for panel in panels()
    ),
    *(
        Action(page.id, key_of(page.id), page.id, page.help, OnScreen("panels.page"), SHOW, fixed=page.id)
        for page in pages()
    ),
    Action(
        "maximise", "z", "maximise", "Maximise or restore panel",
        OnScreen("panels.maximise"), SHOW, footer=10
    ),
    Action("hide", "x", "hide", "Hide panel", OnScreen("panels.hide"), SHOW),
    Action(
        "layout", "L", "layout", "Choose or save a layout",
        OnScreen("layouts.choose"), SHOW, arguments.LAYOUT
    ),
    Action(
        "save_layout", "", "save layout", "Save this layout",
        OnScreen("layouts.save"), SHOW, arguments.LAYOUT_TO_SAVE
    ),
    Action(
        "remove_layout", "", "remove layout", "Remove a layout",
        OnScreen("layouts.remove"), SHOW, arguments.LAYOUT_TO_REMOVE
    ),
    Action(
        "interval", "i", "interval", "Next chart interval",
        OnScreen("panels.interval"), SHOW, footer=7
    ),
    Action(
        "second_chart", "C", "second chart", "Open or close second chart",
        OnScreen("charts.second"), SHOW, NO_ARGUMENT
    ),
    Action(
        "pin", "P", "pin", "Pin or unpin chart's symbol",
        OnScreen("charts.pin"), SHOW, NO_ARGUMENT
    ),
    Action(
        "cursor_back", "left", "crosshair back", "Move chart crosshair back",
        OnScreen("charts.point"), SHOW, NO_ARGUMENT, "-1"
    ),
    Action(
        "cursor_on", "right", "crosshair on", "Move chart crosshair forward",
        OnScreen("charts.point"), SHOW, NO_ARGUMENT, "1"
    ),
    Action(
        "pan_back", "shift+left", "pan back", "Pan chart to earlier bars",
        OnScreen("charts.pan"), SHOW, NO_ARGUMENT, "-5"
    ),
    Action(
        "pan_on", "shift+right", "pan on", "Pan chart to later bars",
        OnScreen("charts.pan"), SHOW, NO_ARGUMENT, "5"
    ),
    Action(
        "screen_back", "ctrl+left,alt+left", "screen back", "Pan chart back a screen",
        OnScreen("charts.pan_screens"), SHOW, NO_ARGUMENT, "-1"
    ),
    Action(
        "screen_on", "ctrl+right,alt+right", "screen on", "Pan chart on a screen",
        OnScreen("charts.pan_screens"), SHOW, NO_ARGUMENT, "1"
    ),
    Action(
        "zoom_in", "shift+up,ctrl+up", "zoom in", "Show fewer bars",
        OnScreen("charts.zoom"), SHOW, NO_ARGUMENT, "1"
    ),
    Action(
        "zoom_out", "shift+down,ctrl+down", "zoom out", "Show more bars",
        OnScreen("charts.zoom"), SHOW, NO_ARGUMENT, "-1"
    ),
    Action(
        "chart_now", "backspace", "newest bars", "Return chart to newest bars",
        OnScreen("charts.now"), SHOW, NO_ARGUMENT
    ),
    Action(
        "filter", "slash", "filter", "Filter symbols, events or log",
        OnScreen("panels.filter"), SHOW, arguments.FILTER, footer=11
    ),
    Action(
        "sort", "s", "sort",
        "Sort by next column",
        OnScreen("panels.sort"), SHOW, arguments.SORT
    ),
    Action("reverse", "S", "reverse", "Reverse sort order", OnScreen("panels.reverse"), SHOW),
    Action(
        "columns", "c", "columns", "Choose table columns",
        OnScreen("panels.columns"), SHOW, arguments.COLUMNS
    ),
    Action(
        "lines", "v", "lines", "Choose chart lines and panes",
        OnScreen("panels.lines"), SHOW, arguments.LINES
    ),
    Action("theme", "t", "theme", "Next theme", OnScreen("panels.theme"), SHOW),
    Action(
        "earlier_day", "left", "earlier day", "Report of the day before",
        OnScreen("panels.report_day"), SHOW, NO_ARGUMENT, "-1", modes=frozenset({"report"}), footer=2
    ),
    Action(
        "later_day", "right", "later day", "Report of the next day",
        OnScreen("panels.report_day"), SHOW, NO_ARGUMENT, "1", modes=frozenset({"report"}), footer=3
    ),
    Action(
        "export_csv", "e", "export", "Export as CSV",
        run_actions.export_csv, DATA, modes=frozenset({MAIN, "report"}), footer=12
    ),
    Action(
        "export_json", "j", "export JSON", "Export state as JSON",
        run_actions.export_json, DATA, modes=frozenset({MAIN, "report"})
    ),
    Action(
        "export", "", "export", "Export to a path",
        run_actions.export, DATA, arguments.EXPORT, modes=_SCRIPTS_ONLY
    ),
    Action(
        "view", "", "view", "Write a panel as data",
        run_actions.view, DATA, arguments.VIEW, modes=_SCRIPTS_ONLY
    ),
    Action(
        "copy", "y", "copy", "Copy panel as data",
        OnScreen("data.copy"), DATA, arguments.FORMAT
    ),
    Action(
        "save_script", "", "save script",
        "Save as key script",
        OnScreen("data.save_script"), DATA
    ),
    Action(
        "help", "question_mark", "help", "Show keys and help",
        OnScreen("app.help"), APP, modes=EVERYWHERE, footer=1
    ),
    Action(
        "quit", "q", "quit", "End run and quit",
        run_actions.leave, APP, NO_ARGUMENT, modes=EVERYWHERE, footer=1
    ),
    Action(
        "quit_now", "ctrl+c,ctrl+q", "end", "Quit without asking",
        OnScreen("app.quit_now"), APP, modes=EVERYWHERE
    ),
    Action(
        "suspend", "ctrl+z", "suspend", "Suspend (`fg` resumes)",
        OnScreen("app.suspend"), APP, modes=EVERYWHERE
    ),
]  # fmt: skip

BY_ID: Final[dict[str, Action]] = {action.id: action for action in ACTIONS}
_BY_WORD: Final[dict[str, Action]] = {word: a for a in ACTIONS for word in (a.id, *a.aliases)}


def register(action: Action) -> None:
    """Add an action after the others of its group; call before the screens, which bind keys, are imported.

    Raises ValueError if one of its words or keys is taken.
    """
    words, keys = (action.id, *action.aliases), set(filter(None, action.keys.split(",")))
    taken = [word for word in words if word in _BY_WORD]
    taken += [
        key for other in ACTIONS if other.modes & action.modes for key in keys & set(other.keys.split(","))
    ]
    if taken:
        raise ValueError(f"{action.id}: taken by other actions: {', '.join(taken)}")
    groups = [known.group for known in ACTIONS]
    last = max((at for at, group in enumerate(groups) if group == action.group), default=len(ACTIONS) - 1)
    ACTIONS.insert(last + 1, action)
    BY_ID[action.id] = action
    _BY_WORD.update(dict.fromkeys(words, action))


def action_of(word: str) -> Action | None:
    """Return the action of a script's word, or None."""
    return _BY_WORD.get(word)


def script_words(*, needs_screen: bool | None = None) -> tuple[str, ...]:
    """Return the words of scripts: of all actions, or of those with or without a need of the screen."""
    rows = (action for action in ACTIONS if needs_screen in (None, action.needs_screen))
    return tuple(chain.from_iterable((action.id, *action.aliases) for action in rows))


def screen_actions(mode: str | None = None) -> tuple[Action, ...]:
    """Return the actions of the screen, or of one mode, in the order of help."""
    return tuple(action for action in ACTIONS if (action.modes if mode is None else mode in action.modes))
