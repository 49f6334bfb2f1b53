"""Textual application: connects run, screens and actions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent, Key
from textual.notifications import SeverityLevel
from textual.screen import Screen

from tapedeck.console.actions.context import Work
from tapedeck.console.actions.executor import Executor
from tapedeck.console.actions.key_script import Script, ScriptLine
from tapedeck.console.actions.keys import key_problems, usable_keys
from tapedeck.console.actions.script_run import ScriptRun
from tapedeck.console.actions.symbol_changes import PendingChange, SymbolCommand
from tapedeck.console.actions.table import BY_ID, Effect, action_of
from tapedeck.console.app.breakpoint_list import BreakpointList
from tapedeck.console.app.footer_labels import FooterState
from tapedeck.console.app.frames import Frames
from tapedeck.console.app.gc_scheduler import GcScheduler
from tapedeck.console.app.handlers.application import ApplicationHandlers
from tapedeck.console.app.handlers.breakpoints import BreakpointHandlers
from tapedeck.console.app.handlers.charts import ChartHandlers
from tapedeck.console.app.handlers.data import DataHandlers, short_path
from tapedeck.console.app.handlers.fills import FillHandlers
from tapedeck.console.app.handlers.layouts import LayoutHandlers, kept, restored
from tapedeck.console.app.handlers.live_transport import LiveTransport
from tapedeck.console.app.handlers.moments import MOMENT_SEARCHES, MomentHandlers
from tapedeck.console.app.handlers.navigation import NavigationHandlers
from tapedeck.console.app.handlers.panels import PanelHandlers
from tapedeck.console.app.handlers.symbols import SymbolHandlers
from tapedeck.console.app.handlers.transport import Transport
from tapedeck.console.app.history_fetch import HistoryFetch
from tapedeck.console.app.key_queue import KeyMarker, KeyQueue
from tapedeck.console.app.layout import Layout
from tapedeck.console.app.live_alerts import LiveAlerts
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.opening_fetch import OpeningFetch
from tapedeck.console.app.palette import ConsoleCommands
from tapedeck.console.app.panels.events import EventsPanel
from tapedeck.console.app.panels.key_line import LabelOf
from tapedeck.console.app.panels.orders import OrdersPanel
from tapedeck.console.app.panels.scanners import ScannersPanel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.recording import Recording
from tapedeck.console.app.screen_run import ScreenRun
from tapedeck.console.app.screens.console_screen import APPLICATION_WIDE, ConsoleScreen
from tapedeck.console.app.screens.main import MainScreen
from tapedeck.console.app.screens.report import report_screen
from tapedeck.console.app.session_recompute import SessionRecompute
from tapedeck.console.app.theme_watch import ThemeWatch
from tapedeck.console.app.theming import DEFAULT_DARK
from tapedeck.console.app.toasts import Toasts
from tapedeck.console.app.ui_state import UiState
from tapedeck.console.app.viewpoint import SessionNotCachedError
from tapedeck.console.app.widgets import GapMap, TapeStrip
from tapedeck.console.app.widgets.chart_lines import LineStyle
from tapedeck.console.panel_data.registry import RunPart
from tapedeck.console.textual_ext.app import TerminalApp
from tapedeck.engine.errors import EngineError, TapedeckError
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager

log = logging.getLogger(__name__)

# After a key the screen is drawn at once, and again when the engine may have handled the command.
_AFTER_KEY_S: Final = (0.005, 0.015, 0.03, 0.06)
_AFTER_CHANGES: Final = frozenset({Effect.SETS, Effect.STEPS, Effect.PLAYS})
"""Effects of actions that wait until symbols have joined or left: they count from there on."""
_SLOW_LINE: Final = "-slow-line"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Setup:
    """Start options of the console.

    `exports`: folder for exports by keys. `export`: folder of the run's own export, if any. `log_path`: the
    log file, if any. `config_folder`: folder of the user's themes. `interrupted`:
    whether a signal has requested the end. `frames`: maximum frames per second. `direct_drawing`: bypass
    Textual's compositor. `chart_lines`: characters of the chart's lines. `note`: text on the
    session bar, such as "synthetic". `key_changes`: action id → keys, from the settings file.
    `start_paused`: pause at the first open. `script`: key script to run.
    `breakpoints_file`: the file of the breakpoints that are kept; None: none are kept. `before_run`: called
    before the start of each run, for the first one after the first frame. `new_run`: makes the run that
    replaces one at a restart. `end_at_once`: called by a second ctrl+c while the first is not handled yet, or
    the console is ending.
    """

    exports: Path
    ui_state: UiState = field(default_factory=UiState)
    config_folder: Path | None = None
    notices: tuple[str, ...] = ()
    key_changes: dict[str, str] = field(default_factory=dict)
    interrupted: Callable[[], bool] = lambda: False
    end_at_once: Callable[[], None] = lambda: None
    frames: int = 10
    direct_drawing: bool = True
    chart_lines: LineStyle = LineStyle.BRAILLE
    note: str = ""
    start_paused: bool = False
    script: Script | None = None
    breakpoints_file: Path | None = None
    before_run: Callable[[], None] = lambda: None
    new_run: Callable[[SystemManager], SystemManager] = SystemManager.renewed
    export: Path | None = None
    log_path: Path | None = None


class ConsoleApp(TerminalApp):
    """Shows and drives one run: starts it on mount, and ends it cleanly on exit."""

    TITLE = "tapedeck"
    CSS_PATH = Path(__file__).with_name("console.tcss")
    COMMANDS = {ConsoleCommands}  # noqa: RUF012 - Textual's own type for it is mutable, too
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(BY_ID[action].keys, f"do('{action}')", id=action, priority=True)
        for action in APPLICATION_WIDE
    ]

    def __init__(self, playback: Playback, store: BarStore, log_lines: LogLines, setup: Setup) -> None:
        # The engine yields from the time a key is read until it is handled.
        super().__init__(Toasts(), playback.request_render_priority, direct_drawing=setup.direct_drawing)
        self.link.end_at_once = setup.end_at_once
        self.chart_lines = setup.chart_lines
        self.playback = playback
        self.store = store
        self.setup = setup
        self.themes = ThemeWatch(self, setup.config_folder)
        self.key_changes = {**setup.ui_state.keys, **setup.key_changes}
        layout = _layout(setup.ui_state, playback.offer_state().parts)
        self.main = MainScreen(playback, log_lines, layout, note=setup.note)
        self.session_recompute = SessionRecompute(self, playback)
        self._opening_fetch = OpeningFetch(self, playback)
        self.history_fetch = HistoryFetch(self, playback)
        self._alerts = LiveAlerts(self._notify_alert, self._ring)
        self.breakpoints = BreakpointList(playback, setup.breakpoints_file)
        begins_paused = setup.start_paused and setup.script is None and not playback.is_live
        self.recording = Recording(playback, begins_paused=begins_paused)
        self._one_run = asyncio.Lock()  # held while a run is ended or replaced
        self.transport = LiveTransport(self) if playback.is_live else Transport(self)
        self.navigation = NavigationHandlers(self, self.transport)
        self.data = DataHandlers(self, setup.exports)
        application = ApplicationHandlers(self, self.data)
        moments = MomentHandlers(self, self.navigation, self.transport)
        breakpoints = BreakpointHandlers(self, self.breakpoints, moments, setup.exports)
        self.symbol_changes = SymbolHandlers(self)
        self._layouts = LayoutHandlers(self, setup.ui_state.layouts)
        self._handlers = {
            "symbols": self.symbol_changes,
            "transport": self.transport,
            "navigation": self.navigation,
            "breakpoints": breakpoints,
            "moments": moments,
            "fills": FillHandlers(self, self.navigation, moments),
            "panels": PanelHandlers(self),
            "charts": ChartHandlers(self),
            "layouts": self._layouts,
            "data": self.data,
            "app": application,
        }
        run = ScreenRun(
            self, self.transport, self.navigation, breakpoints, self.data, self.symbol_changes, application
        )
        self._executor = Executor(run, self)
        self.ending = False
        self.was_interrupted = False
        self._gc_scheduler = GcScheduler()
        self._key_queue = KeyQueue(self, super().on_event)
        self.frames = Frames(playback, self.main, self.link, setup.frames)
        self._end_reported = False
        script = setup.script
        self._script = (
            None
            if script is None
            else ScriptRun(
                script,
                playback.system,
                _ScreenOutput(self),
                is_busy=lambda: self.data.is_exporting or self.symbol_changes.is_busy,
                record_line=self.recording.record_script_line,
            )
        )

    # Start and end

    def on_mount(self) -> None:
        """Load themes, keys and the saved state of the screen; start the run and the frames."""
        self.themes.start()
        ui_state = self.setup.ui_state
        names = self.theme_names
        self.theme = next((name for name in (ui_state.theme, DEFAULT_DARK) if name in names), names[0])
        self._apply_key_changes()
        self.push_screen(self.main)
        self.app_suspend_signal.subscribe(self, self._suspend_run, immediate=True)
        self.app_resume_signal.subscribe(self, self._resume_run, immediate=True)
        self._restore_ui_state(ui_state)
        for notice in (*self.setup.notices, *self.breakpoints.notices):
            self.notify(notice, severity="warning", timeout=10)
        # The first frame is drawn before the run starts, which would compete with it.
        self.main.call_after_refresh(self._start_run)
        self.set_interval(self.frames.tick_s, self._frame)

    def _start_run(self) -> None:
        if self.ending:
            return
        self.setup.before_run()
        try:
            paused = self.setup.start_paused or self._script is not None
            self.playback.system.start(paused=paused and not self.playback.is_live)
        except TapedeckError as error:
            self.notify(str(error), severity="error", timeout=30)

    async def on_unmount(self) -> None:
        """Keep the breakpoints, and end the run, on any way out."""
        problem = self.breakpoints.keep()
        if problem is not None:
            log.warning("%s", problem)
        await asyncio.to_thread(self.playback.system.stop)

    def _suspend_run(self, _app: App[object]) -> None:
        """Pause the run while the process is suspended, unless a script drives it."""
        log.info("suspended")
        if self._script is None:
            self.playback.suspend()

    def _resume_run(self, _app: App[object]) -> None:
        log.info("continued")
        self.playback.resume()

    async def end(self) -> None:
        """End the run cleanly, then quit."""
        if self.ending:
            return
        self.ending = True
        async with self._one_run:
            try:
                await asyncio.to_thread(self.playback.system.stop)
            except EngineError as error:
                log.error("%s", error)
        failed = await self.data.idle()  # unfinished exports are completed
        self.exit(message="\n".join(failed) or None)  # printed after the screen is restored

    def restart(self) -> None:
        """Start the run again, from its first open, with its breakpoints; the screen stays as it is."""
        self.run_worker(self._restart(), group="restart")

    async def _restart(self) -> None:
        async with self._one_run:
            if self.ending:
                return
            self._script, self._end_reported = None, True  # of the run that ends here
            self.session_recompute.cancel()
            self.workers.cancel_group(self, MOMENT_SEARCHES)
            self.playback.past_play.stop()
            await self.data.idle()
            try:
                await self._replace_run()
            except TapedeckError as error:
                self.notify(str(error), title="Restart", severity="error", timeout=30)

    async def _replace_run(self) -> None:
        ended = self.playback.system
        await asyncio.to_thread(ended.stop)
        await self.symbol_changes.idle()
        following = await asyncio.to_thread(self.setup.new_run, ended)
        del ended  # its memory is freed before the next run
        if self.ending:
            return
        while self.screen is not self.main:
            await self.pop_screen()
        self.playback.show_run(following)
        self.recording.begin_run(begins_paused=self.setup.start_paused)
        self._end_reported = False
        self._start_run()
        self._frame_soon()

    def ui_state(self) -> UiState:
        """Return the state of the screen, to be saved."""
        main, charts = self.main, self.main.charts
        column, descending = main.symbols.table.sort
        session = self.playback.system.config.session_name
        with_columns = self.setup.ui_state.with_columns(session, main.symbols.columns.chosen)
        return replace(
            with_columns.with_lines(session, charts.first.lines.chosen, charts.second.lines.chosen),
            theme=self.theme,
            hidden=tuple(sorted(main.panel_layout.hidden)),
            panel=main.panel_layout.active,
            sort=column or "",
            descending=descending,
            symbol=main.symbol,
            interval=str(charts.first.interval),
            layout=kept(replace(main.panel_layout, maximised=False), charts.kept()),
            layouts=dict(self._layouts.saved),
        )

    @property
    def theme_names(self) -> tuple[str, ...]:
        """Names of all themes: tapedeck's and the user's."""
        return self.themes.names

    def _apply_key_changes(self) -> None:
        problems = key_problems(self.key_changes)
        self.key_changes = usable_keys(self.key_changes)
        self.set_keymap(self.key_changes)
        for problem in problems:
            self.notify(problem, title="Key changes", severity="warning", timeout=10)

    def _restore_ui_state(self, ui_state: UiState) -> None:
        main, plan, intervals = self.main, self.playback.plan, self.playback.intervals
        session = self.playback.system.config.session_name
        charts = main.charts
        charts.first.interval = next((i for i in intervals if str(i) == ui_state.interval), plan.base)
        charts.restore(ui_state.layout.charts, intervals, plan.symbols, main.symbol)
        charts.first.lines.choose(ui_state.lines.get(session, ()))
        charts.second.lines.choose(ui_state.second_lines.get(session, ()))
        main.symbols.columns.choose(ui_state.columns.get(session, ()))
        if ui_state.sort:
            main.symbols.table.sort_by(ui_state.sort, reverse=ui_state.descending)
        if ui_state.symbol in plan.symbols:
            main.focus_symbol(ui_state.symbol)

    # Frames

    @property
    def run_files(self) -> tuple[tuple[str, str], ...]:
        """Names and paths of the run's files: exports that are written, the log."""
        setup = self.setup
        exports = dict.fromkeys(("export", short_path(path.absolute())) for path in self.data.written)
        files = [*exports]
        if setup.export is not None:
            files.append(
                ("export", f"{short_path(setup.export.absolute())}, complete once the console is left")
            )
        if setup.log_path is not None:
            files.append(("log", short_path(setup.log_path)))
        return tuple(files)

    def view_state(self) -> ViewState:
        """Return the state of the run to show."""
        return self.playback.view_state()

    def _frame(self) -> None:
        """Update the screen from the run."""
        if not self.link.has_input:  # no key left to handle
            self._release_engine()
        if not self.is_running or not self.screen_stack:  # the last tick of a timer on exit
            return
        if self.setup.interrupted() and not self.ending:
            self.interrupt()
        self.follow_terminal_size()
        if self.link.is_slow and not self.has_class(_SLOW_LINE):
            self.add_class(_SLOW_LINE)
        self.playback.finish_jump()
        self.transport.advance_past()
        self._advance_script()
        snapshot = self.playback.system.snapshot()
        self._alerts.follow(snapshot)
        label_of = self.footer_labels()
        for screen in {self.main, self.screen}:  # a dialog covers a part of the panels
            if isinstance(screen, ConsoleScreen):
                screen.show_keys(label_of)
        if self.frames.show(snapshot):
            self._report_end(snapshot)
            self._opening_fetch.follow(self.playback.view_state(snapshot))
        self.history_fetch.follow(self.main.view_state, self.main.charts.open)
        self._gc_scheduler.collect_if_due()

    def _advance_script(self) -> None:
        """Run the lines of the script that are due."""
        if self._script is None or self.ending:
            return
        try:
            over = self._script.advance()
        except TapedeckError as error:
            self.notify(str(error), title="Script", severity="error", timeout=30)
            over = True
        if over:
            quits, self._script = self._script.has_quit, None
            if quits:
                self.leave()

    def _report_end(self, snapshot: Snapshot) -> None:
        """Show the report, once, when the run has ended."""
        system = self.playback.system
        if self._end_reported or self.ending or not snapshot.state.is_over or snapshot.version == 0:
            return
        self._end_reported = True
        if system.error is not None:
            self.notify(str(system.error), title="The run failed", severity="error", timeout=30)
        self.push_screen(report_screen(self))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notification as plain text, without markup, as it may quote user input."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def _notify_alert(self, text: str, is_severe: bool, seconds: float) -> None:
        self.notify(text, title="Alert", severity="error" if is_severe else "warning", timeout=seconds)

    def _ring(self) -> None:
        if self.playback.system.config.live_config.bell:
            self.bell()

    def _frame_soon(self) -> None:
        """Update the screen after a key, and again after the engine has handled it, before the next tick."""
        self.frames.request()
        self._frame()
        for seconds in _AFTER_KEY_S:
            self.set_timer(seconds, self._frame)

    # Actions

    async def on_event(self, event: Event) -> None:
        """Queue keys; handle other events at once."""
        if isinstance(event, InputEvent):
            self.link.has_input = False
            self._gc_scheduler.note_input()
        if isinstance(event, Key) and not event.is_forwarded:
            await self._key_queue.take(event)
        else:
            await super().on_event(event)

    @on(KeyMarker)
    async def _key_handled(self, event: KeyMarker) -> None:
        self.link.interrupt_waits = False
        self._release_engine()
        await self._key_queue.marker_arrived(event)

    @property
    def done(self) -> list[tuple[str, str]]:
        """The recorded actions: words and arguments of a key script."""
        return list(self.recording.recorded)

    def handler(self, name: str) -> Callable[[str], Work]:
        """Return the method of a screen's action, such as `panels.hide`."""
        group, _, method = name.partition(".")
        found: Callable[[str], Work] = getattr(self._handlers[group], method)
        return found

    async def open(
        self,
        screen: Screen[Answer],
        then: Callable[[Answer | None], None] | Callable[[Answer | None], Awaitable[None]] | None = None,
    ) -> None:
        """Show a screen over the others; `then` gets its result."""
        await self.push_screen(screen, then)

    def start_work(self, work: Coroutine[Any, Any, None], group: str) -> None:
        """Start background work, which reports its own errors."""
        self.run_worker(work, group=group, exit_on_error=False)

    def leave(self) -> None:
        """End the run cleanly, then quit."""
        self.link.is_ending = True
        self.run_worker(self.end(), group="end")

    def interrupt(self) -> None:
        """End as after ctrl+c or a signal: the exit code says so."""
        self.was_interrupted = True
        self.leave()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the session shown, before the first one those of the file."""
        return self.main.shown_symbols

    @property
    def layout_names(self) -> tuple[str, ...]:
        """The names of all layouts: those that every user has, and the user's own."""
        return self._layouts.names

    @property
    def theme_name(self) -> str:
        """The theme of the screen."""
        return self.theme

    def set_theme(self, name: str) -> None:
        """Set the theme."""
        self.theme = name

    def footer_labels(self) -> LabelOf:
        """Return the words of actions in the footer now."""
        return FooterState.of(self.playback).label

    def can_do(self, action_id: str) -> bool | None:
        """Whether an action's key works, if only to say why it is refused."""
        if action_id == "present":
            return self.playback.viewpoint.position is not None
        return self.playback.is_live or self.offers(action_id)

    def offers(self, action_id: str) -> bool:
        """Whether the run offers an action in its state."""
        return self.playback.offer_state().offers(action_id)

    def render_priority(self) -> AbstractContextManager[None]:
        """Return a context in which the engine yields for a few milliseconds while a frame is drawn."""
        return self.playback.system.render_priority.held()

    def _release_engine(self) -> None:
        self.playback.system.render_priority.release()

    async def do(self, action_id: str, argument: str = "") -> None:
        """Run an action of the table by its id; show errors as notices."""
        action = BY_ID[action_id]
        if action.effect in _AFTER_CHANGES:
            await self.symbol_changes.idle()
        self.recording.begin_action(action_id)
        self._release_engine()  # the action may wait for the engine
        try:
            if (reason := self.playback.offer_state().reason_against(action_id)) is not None:
                raise EngineError(reason)
            if await self._executor.do(action, argument):  # a prompt runs the action again with the answer
                self.recording.end_action(argument)
        except SessionNotCachedError as missing:
            self.session_recompute.fetch(missing.day, lambda: self.do(action_id, argument))
        except TapedeckError as error:
            self.notify(str(error), severity="error", timeout=6)
        # Also after an error: the run may be paused by then.
        self._frame_soon()

    async def action_do(self, action_id: str) -> None:
        """Run an action of the table."""
        await self.do(action_id)

    @on(TapeStrip.Seek)
    async def _strip_clicked(self, event: TapeStrip.Seek) -> None:
        await self._notify_errors(lambda: self.navigation.seek(event.slot))

    @on(GapMap.Seek)
    async def _map_clicked(self, event: GapMap.Seek) -> None:
        self.main.focus_symbol(event.symbol)
        await self._notify_errors(lambda: self.navigation.seek(event.slot))

    @on(EventsPanel.Chosen)
    async def _event_chosen(self, event: EventsPanel.Chosen) -> None:
        await self._notify_errors(lambda: self.navigation.show_event(event.event))

    @on(ScannersPanel.ScanChosen)
    async def _scan_chosen(self, event: ScannersPanel.ScanChosen) -> None:
        await self._notify_errors(lambda: self.navigation.show_moment(event.day, event.frontier))

    @on(ScannersPanel.SymbolChosen)
    async def _found_symbol_chosen(self, event: ScannersPanel.SymbolChosen) -> None:
        await self._notify_errors(lambda: self.symbol_changes.focus_or_offer(event.symbol))

    @on(OrdersPanel.Chosen)
    async def _order_chosen(self, event: OrdersPanel.Chosen) -> None:
        if event.place is not None:
            day, frontier = event.place
            await self._notify_errors(lambda: self.navigation.show_moment(day, frontier))
        self.main.focus_symbol(event.symbol)

    async def _notify_errors(self, call: Callable[[], Awaitable[None]]) -> None:
        try:
            await call()
        except SessionNotCachedError as missing:
            self.session_recompute.fetch(missing.day, lambda: self._notify_errors(call))
        except TapedeckError as error:
            self.notify(str(error), severity="error", timeout=6)
        self._frame_soon()


class _ScreenOutput:
    """Output of a script in the console."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    def export(self, _line: ScriptLine, form: str, path: str) -> None:
        """Start the export at once: the next line may move the engine."""
        self._app.data.export(form, path)

    def view(self, _line: ScriptLine, _panel: str, _form: str) -> None:
        """Do nothing: panels are on the screen."""

    def change_symbols(self, _line: ScriptLine, command: SymbolCommand) -> PendingChange:
        """Have a symbol join or leave, in the background."""
        return self._app.symbol_changes.change_for_script(command)

    def do_on_screen(self, line: ScriptLine) -> None:
        """Run the action with the screen's next messages."""
        action = action_of(line.action)
        assert action is not None
        self._app.call_later(self._app.do, action.id, line.argument)


def _layout(ui_state: UiState, parts: frozenset[RunPart]) -> Layout:
    layout = restored(ui_state.layout, Layout(parts=parts))
    layout = replace(layout, hidden=layout.hidden | frozenset(ui_state.hidden))
    return layout.activated(ui_state.panel) if ui_state.panel in layout.panel_ids() else layout
