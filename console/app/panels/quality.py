"""Quality panel: scores, the session's gap map, and the gaps of the focused symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from tapedeck.console.app.division import Wanted
from tapedeck.console.app.grid_text import Cell, counted, flowed, grid_lines, percent, quality_style
from tapedeck.console.app.joins import later_joins
from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.rows import gap_map
from tapedeck.console.app.widgets import GapMap, StyledLines
from tapedeck.console.panel_data.feed_table import gap_states, gap_words
from tapedeck.console.panel_data.panel_tables import quality_table
from tapedeck.console.panel_data.tables import Table
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.feeds.live_status import LiveGap
from tapedeck.engine.quality.gaps_and_scores import Gap
from tapedeck.engine.tape.session_view import SessionView

_MOST_GAPS: Final = 200
_SCROLLBAR: Final = 1
_LEAST_ROWS: Final = 9


class QualityPanel(Panel):
    """Scores, and present and missing bars."""

    NAME: ClassVar[str] = "quality"

    def __init__(self, playback: Playback) -> None:
        super().__init__(playback)
        self.map = GapMap()
        self._map_height = 0
        self._scores: list[Content] = []
        self._gaps: list[Content] = []
        self._lines = StyledLines()

    def content(self) -> ComposeResult:
        """Compose the map, scores and gaps."""
        yield self.map
        yield self._lines

    def show(self, view_state: ViewState) -> None:
        """Show the quality of the session's bars at the time shown."""
        view = view_state.view
        assert view is not None
        if not view.quality_measured:
            self.face(
                "empty", "quality is not measured: set gap_filler.enable_session_quality in the session file"
            )
            return
        if view.frontier == 0:
            can_play = not (view_state.is_past or view_state.snapshot.state.is_over or self.playback.is_live)
            ways = f": {self.key('pause')} plays, {self.key('step')} steps" if can_play else ""
            self.face("empty", f"no slot is over yet{ways}")
            return
        self.fill()
        self.map.show(gap_map(view))
        # A row per symbol and one for the axis; the list gets the rest.
        height = len(view.symbols) + 1
        if self._map_height != height:
            self._map_height = height
            self.map.styles.max_height = height
        self._scores, self._gaps = self._words(view_state)
        self._write(is_racing=view_state.is_racing)

    def on_resize(self) -> None:
        """Lay the scores out for the new width."""
        self._write()

    def _write(self, *, is_racing: bool = False) -> None:
        scores = flowed(self._scores, self.content_size.width - _SCROLLBAR)
        self._lines.show([*scores, *self._gaps], is_racing=is_racing)

    def _words(self, view_state: ViewState) -> tuple[list[Content], list[Content]]:
        """Return the scores of the focused symbol, and the list of its gaps."""
        view = view_state.view
        assert view is not None
        gaps = view.gaps(self.symbol)
        scores = [
            Content.styled(self.symbol, "bold"),
            *(Content(words) for words in [later_joins(view).get(self.symbol)] if words),
            _score("session", view.quality(self.symbol)),
            Content(f"{counted(sum(gap.count for gap in gaps), 'bar')} missing"),
            *self._empty(view),
            *self._before(view),
        ]
        live = view_state.snapshot.live
        states = {} if live is None else gap_states(live, self.symbol)
        latest = gaps[-_MOST_GAPS:][::-1]
        rows = [(*_gap_row(view, gap), *_state_cells(gap, states)) for gap in latest]
        headings = ["first", "last", "missing", *(["state"] if states else [])]
        return scores, grid_lines(headings, rows, right="llr") if rows else []

    def _empty(self, view: SessionView) -> list[Content]:
        empty = view.empty_grid(view.base_interval)
        count = 0 if empty is None else int(empty[view.row(self.symbol)].sum())
        return [Content(f"{counted(count, 'slot')} confirmed empty")] if count else []

    def _before(self, view: SessionView) -> list[Content]:
        held = view.historical_quality
        return [
            _score(f"history {interval}", quality.percent if quality.measured else None)
            for (symbol, interval), quality in sorted(held.items(), key=lambda item: item[0][1])
            if symbol == self.symbol
        ]

    def wanted(self, _view_state: ViewState) -> Wanted:
        """Return the size of a panel whose lines grow, with rows for map and scores."""
        return Wanted(least_rows=_LEAST_ROWS)

    def as_table(self, view_state: ViewState) -> Table:
        """Return scores and gaps of all symbols."""
        view = view_state.view
        assert view is not None
        return quality_table(view, view.symbols)

    def keyboard_target(self) -> Widget:
        """Return the map."""
        return self.map


def _state_cells(gap: Gap, states: Mapping[int, LiveGap]) -> list[str]:
    """Return what is being done about the bars of a gap; nothing for sessions without such states."""
    if not states:
        return []
    words = Counter(gap_words(states[slot]) for slot in range(gap.first, gap.last + 1) if slot in states)
    if len(words) == 1:
        return list(words)
    return [", ".join(f"{count} {word}" for word, count in words.items())]


def _score(name: str, score: float | None) -> Content:
    if score is None:
        return Content(f"{name} not measured")
    return Content.assemble(f"{name} ", (percent(score), quality_style(score)))


def _gap_times(view: SessionView, gap: Gap) -> tuple[str, str]:
    zone, opened_at = view.session.zone, view.slot_times.opened_at
    first, last = (utc_from_epoch(int(opened_at[at])).astimezone(zone) for at in (gap.first, gap.last))
    return first.isoformat(), last.isoformat()


def _gap_row(view: SessionView, gap: Gap) -> tuple[str | Cell, ...]:
    first, last = _gap_times(view, gap)
    return first[11:19].removesuffix(":00"), last[11:19].removesuffix(":00"), f"{gap.count:,}"
