"""Report page: a day's figures of all symbols, breakpoints, bookmarks, sessions, stamp and files of a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Label

from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.panels.key_line import LabelOf
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.report_lines import RunReport, report_lines
from tapedeck.console.app.screens.console_screen import ConsoleScreen, bindings_of
from tapedeck.console.app.session_recompute import SessionRecompute
from tapedeck.console.app.widgets import StyledLines
from tapedeck.engine.errors import EngineError
from tapedeck.engine.tape.played_session import PlayedSession

Files = tuple[tuple[str, str], ...]
"""Names and paths of a run's files."""
_FILES_EVERY_S: Final = 0.25
_DAY_STEPS: Final = {"earlier_day": -1, "later_day": 1}


class ReportScreen(ConsoleScreen):
    """A run as it was when the page was opened; any played day of it can be shown."""

    MODE = "report"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"escape,{BY_ID[MODE].keys},enter", "leave", "back"),
        *bindings_of(MODE),
    ]

    def __init__(self, playback: Playback, recompute: SessionRecompute, files: Callable[[], Files]) -> None:
        super().__init__()
        self._playback = playback
        self._recompute = recompute
        self._files = files
        self._summary = playback.system.summary()
        self._events = playback.system.events()
        present = playback.present()
        self._present = None if present is None else present.played
        self._frontier = 0 if present is None else present.frontier
        days = set(playback.tape_cache.days()) | ({self._present.trading_day} if self._present else set())
        self._days = sorted(days)
        self._wanted = len(self._days) - 1
        self._is_before_open = playback.is_live and not self._frontier and self._wanted > 0
        self._shown: PlayedSession | None = self._present
        self._shown_files: Files = ()
        self._lines = StyledLines(id="report")

    def compose(self) -> ComposeResult:
        """Compose the report."""
        yield Label(f"Run report: {self._summary.session_name}", classes="page-title", markup=False)
        yield self._lines
        yield self.footer()

    def on_mount(self) -> None:
        """Focus the report, so that keys scroll it."""
        self._lines.focus()
        if self._is_before_open:
            self.show_day(-1)  # a recording waits for the next day: the one that is over
        self.set_interval(_FILES_EVERY_S, self._update_files)

    def on_resize(self, _event: Resize) -> None:
        """Write the report for the new width."""
        self.call_after_refresh(self._write)

    def footer_word(self, label_of: LabelOf, action_id: str) -> str | None:
        """Return the word of an action in the footer, or None if it would do nothing."""
        if action_id == "play_day":
            is_offered = bool(self._days) and self._playback.offer_state().offers(action_id)
            return BY_ID[action_id].label if is_offered else None
        steps = _DAY_STEPS.get(action_id, 0)
        if steps and not 0 <= self._wanted + steps < len(self._days):
            return None
        return super().footer_word(label_of, action_id)

    @property
    def day(self) -> date | None:
        """The trading day of the page, None before the first session."""
        return self._days[self._wanted] if self._days else None

    def show_day(self, steps: int) -> None:
        """Show the played day a number of days on or back, recomputed in the background where necessary.

        EngineError if there is none.
        """
        wanted = self._wanted + steps
        if not 0 <= wanted < len(self._days):
            raise EngineError(f"no {'later' if steps > 0 else 'earlier'} day was played")
        self._wanted = wanted
        day = self._days[wanted]
        if self._session(day) is None:
            self._recompute.fetch(day, self._show_wanted)
        self._show_day()

    async def _show_wanted(self) -> None:
        """Show the wanted day once it is recomputed, unless the page was closed."""
        if self.is_attached:
            self._show_day()

    def _show_day(self) -> None:
        self._shown = self._session(self._days[self._wanted]) or self._shown
        self._write()

    def _session(self, day: date) -> PlayedSession | None:
        if self._present is not None and day == self._present.trading_day:
            return self._present
        return self._playback.tape_cache.cached(day)

    def _write(self) -> None:
        shown, wanted = self._shown, self.day
        is_there = shown is None or shown.trading_day == wanted
        view = None
        if shown is not None:
            view = shown.view(self._frontier if shown == self._present else None)
        self._shown_files = self._files()
        report = RunReport(
            self._summary,
            view,
            day=0 if shown is None else self._days.index(shown.trading_day) + 1,
            days=len(self._days),
            events=self._events,
            files=self._shown_files,
            note="" if is_there else f"recomputing {wanted}",
        )
        self._lines.show(report_lines(report, self._lines.scrollable_content_region.width))

    def _update_files(self) -> None:
        if self._files() != self._shown_files:
            self._write()

    def action_leave(self) -> None:
        """Close the page."""
        self.dismiss(None)


def report_screen(app: AppContext) -> ReportScreen:
    """Return the page for the application's run so far."""
    return ReportScreen(app.playback, app.session_recompute, lambda: app.run_files)
