"""Base of panels: a frame with key and name, four faces, and the content as data."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Final, Literal, Self

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tapedeck.console.actions.keys import first_key
from tapedeck.console.app.division import Wanted
from tapedeck.console.app.live_words import waiting_text
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.screens.console_screen import ActionRunner
from tapedeck.console.app.widgets.canvas import cells_of, shortened
from tapedeck.console.panel_data.registry import panel_entry
from tapedeck.console.panel_data.tables import Table
from tapedeck.console.panel_data.views import view_table

FaceKind = Literal["loading", "empty", "failed"]
_SIGNS: Final = {"loading": "…", "empty": "·", "failed": "!"}


class Frame(Enum):
    """Top line of a panel: its sign, and the styles of line and name."""

    PLAIN = ("─", "$foreground 30%", "$foreground 75%")
    ACTIVE = ("━", "$primary", "$primary bold")
    """The panel has the keyboard."""
    PAST = ("━", "$warning", "$warning bold")
    """The panel has the keyboard, and shows the past."""
    CHART = ("─", "$foreground 30%", "$primary")
    """The chart, of two, that the keys of charts are for, while another panel has the keyboard."""


class Face(Static):
    """Message in place of a panel's content: loading, empty, or failed."""


class Panel(Vertical):
    """A panel of the main screen. `NAME`: its id in the registry; `symbol`: the focused one."""

    NAME: ClassVar[str] = ""
    LOADING: ClassVar[str] = "loading the session"
    HAS_FILTER: ClassVar[bool] = False
    NEEDS_SESSION: ClassVar[bool] = True
    """Whether the panel has no data before the first session is loaded."""

    class Picked(Message):
        """A panel was clicked; `alone`: twice on its heading, to maximise it."""

        def __init__(self, panel: Panel, *, alone: bool) -> None:
            super().__init__()
            self.panel = panel
            self.alone = alone

    class NoteChanged(Message):
        """The note of a panel has changed."""

    def __init__(self, playback: Playback) -> None:
        super().__init__(id=self.NAME, classes="panel")
        self.playback = playback
        self.symbol = playback.plan.symbols[0]
        self.search = ""
        self._face = Face()
        self._face_text: str | None = None
        self._title = ""
        self._frame = Frame.PLAIN
        self._heading_strip: Strip | None = None

    @classmethod
    def build(cls, playback: Playback, _log_lines: LogLines) -> Self:
        """Return the panel for a run."""
        return cls(playback)

    def compose(self) -> ComposeResult:
        """Compose the face, and the content behind it."""
        yield self._face
        yield from self.content()

    def on_mount(self) -> None:
        """Put the panel's key and name on its frame."""
        self.show_heading()
        self.face("loading", self.LOADING)

    def on_click(self, event: Click) -> None:
        """Report the click."""
        on_heading = event.screen_offset.y < self.region.y + self.gutter.top
        self.post_message(self.Picked(self, alone=on_heading and event.chain == 2))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return only the heading's line: the content, or the screen's background, covers the rest."""
        if crop.y >= self.gutter.top:
            return []
        width, strip = self.outer_size.width, self._heading_strip
        if strip is None or strip.cell_length != width:
            self._heading_strip = strip = self._drawn_heading(width)
        return [strip if crop.column_span == (0, width) else strip.crop(*crop.column_span)]

    # Heading

    @property
    def heading(self) -> str:
        """Key and name, a note, and the active filter."""
        search = f"/{self.search}" if self.search else ""
        words = (self.key(panel_entry(self.NAME).action), self.name_shown, self.heading_note, search)
        return f"{words[0]} {' '.join(filter(None, words[1:]))}"

    @property
    def heading_note(self) -> str:
        """A few words after the name."""
        return ""

    @property
    def tab_note(self) -> str:
        """The text after the name on a tab, shorter than in the heading."""
        return f"/{self.search}" if self.search else ""

    @property
    def name_shown(self) -> str:
        """The panel's name on the screen."""
        return panel_entry(self.NAME).name

    def key(self, action_id: str) -> str:
        """Return the key of an action, with key changes."""
        app = self.app
        return first_key(action_id, app.key_changes if isinstance(app, ActionRunner) else {})

    def show_heading(self) -> None:
        """Write the heading on the frame."""
        self._title = self.heading
        self._redraw_heading()

    @property
    def frame(self) -> Frame:
        """Style of the top line."""
        return self._frame

    @frame.setter
    def frame(self, frame: Frame) -> None:
        if frame is not self._frame:
            self._frame = frame
            self._redraw_heading()

    def notify_style_update(self) -> None:
        """Drop the heading drawn in the previous theme."""
        self._heading_strip = None
        super().notify_style_update()

    def _redraw_heading(self) -> None:
        self._heading_strip = None
        gutter = self.gutter  # coordinates count from inside it
        self.refresh(Region(-gutter.left, -gutter.top, self.outer_size.width, gutter.top))

    def _drawn_heading(self, width: int) -> Strip:
        """Return the top line.

        For a change of border colour, Textual would recompute all styles and redraw the whole panel.
        """
        sign, *names = self._frame.value
        line, name = (
            (self.visual_style + self.app.stylesheet.parse_style(text)).rich_style for text in names
        )
        title = shortened(self._title, width - 2)
        rest = sign * (width - 1 - cells_of(title))
        strip = Strip([Segment(sign, line), Segment(title, name), Segment(rest, line)], width)
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip

    # Symbol

    def follow(self, symbol: str) -> None:
        """Show a symbol, the focused one."""
        self.symbol = symbol

    # Faces

    def face(self, kind: FaceKind, text: str) -> None:
        """Show a face instead of the content."""
        if self._face_text == text:
            return
        self._face_text = text
        self._face.set_classes(f"-{kind}")
        self._face.update(Content(f"{_SIGNS[kind]} {text}"))
        self.add_class("-faced")

    def fill(self) -> None:
        """Show the content again."""
        if self._face_text is not None:
            self._face_text = None
            self.remove_class("-faced")

    def update(self, view_state: ViewState) -> None:
        """Show the state of the run, or the reason if no session is loaded."""
        if view_state.view is None:
            live = view_state.snapshot.live
            if view_state.snapshot.error:
                self.face("failed", view_state.snapshot.error)
            elif live is not None:
                self.face("loading", waiting_text(live, self.playback.system.time.zone))
            else:
                self.face("loading", self.LOADING)
            return
        self.show(view_state)

    def wanted(self, _view_state: ViewState) -> Wanted:
        """Return the size that the panel wants; it changes only with the symbols and columns shown.

        By default that of lines that grow with the session.
        """
        return Wanted()

    # Content

    def content(self) -> ComposeResult:
        """Compose the content."""
        raise NotImplementedError

    def show(self, view_state: ViewState) -> None:
        """Show a state that has a view."""
        raise NotImplementedError

    def as_table(self, view_state: ViewState) -> Table:
        """Return the panel's content as data: by default its table of `--view`."""
        return view_table(self.playback.system, panel_entry(self.NAME).view_name, view_state.snapshot)

    def keyboard_target(self) -> Widget:
        """Return the widget to focus when the panel is activated."""
        return self

    def filter_by(self, text: str) -> None:
        """Filter by a text; panels without a filter do nothing."""
        if self.HAS_FILTER:
            self.search = text.strip()
            self.show_heading()
