"""Live run: all of a live session but its tape: feed, recorder, gap filling, reconciliation, alerts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, Protocol

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError, StoreError, listed
from tapedeck.engine.feeds.alerts import Alerts, DiskAlerts, OverrunAlerts, QualityAlerts
from tapedeck.engine.feeds.bar_cells import Cells, RowChange
from tapedeck.engine.feeds.feed_connection import (
    FeedConnected,
    FeedConnection,
    FeedFailed,
    FeedLost,
    FeedRefused,
    FeedReport,
)
from tapedeck.engine.feeds.forming_bars import FormingBars
from tapedeck.engine.feeds.free_space import amount
from tapedeck.engine.feeds.gap_filling import GapFiller, GapRules
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.live_recorder import LiveRecorder
from tapedeck.engine.feeds.live_status import FeedStatus, LivePhase, LiveStatus
from tapedeck.engine.feeds.receipts import Receipts
from tapedeck.engine.feeds.reconciliation import Lacking, ReconcileRules, Reconciliation
from tapedeck.engine.feeds.recorded_day import ClockAnchor
from tapedeck.engine.feeds.recorder_messages import Arrived, QuotesArrived
from tapedeck.engine.feeds.trading_hours import TradingHours
from tapedeck.engine.feeds.universe_history import UniverseHistory
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.events import EventKind, EventLog
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.run.live_symbols import LiveSymbols
from tapedeck.engine.run.messages import AnswerRecorded, LiveReport, Message, WorkerFailed
from tapedeck.engine.run.recorder_answers import Answer, answer_of
from tapedeck.engine.run.session_feed import ProcessMessages
from tapedeck.engine.run.walked_again import WalkedAgain
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape

_LISTED_GAPS: Final = 200
_BACKFILL_S: Final = 10.0
"""Longest wait of a session that begins in its middle for what was missed, in seconds of the machine."""
_JOIN_S: Final = 30.0
_DISK_CHECK_S: Final = 30.0


class BarReceiver(Protocol):
    """Receiver of what is recorded of the session that is shown; rows of the tape and slots, int64 (m,)."""

    def take(self, rows: Ints, slots: Ints, values: Floats) -> None:
        """Take bars that are new or replaced; `values`: float64 (5, m)."""
        ...

    def take_quotes(self, rows: Ints, slots: Ints, values: Floats) -> None:
        """Take last quotes of slots that are new or replaced; `values`: float64 (4, m)."""
        ...

    def take_empty(self, rows: Ints, slots: Ints) -> None:
        """Take slots that are confirmed empty."""
        ...


_SETTLE_S: Final = 0.25
"""Shortest time of the machine, in seconds, that a slot waits for its last bars if strategies decide on it.

What comes later they never learn, and in a fast replay that would be decided by the machine's load.
"""


@dataclass(frozen=True, slots=True)
class LiveSetup:
    """What a live run records, and where to.

    `recorder`, `connection`, `monotonic`: others than these for runs with a clock by hand.
    """

    options: LiveOptions
    config: SessionConfig
    store: BarStore
    recorder: Callable[..., LiveRecorder] = LiveRecorder
    connection: Callable[..., FeedConnection] = FeedConnection
    monotonic: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Session:
    """What is asked and checked of the session that is recorded, by the rows of its tape: `symbols`."""

    slots: SessionSlots
    symbols: tuple[str, ...]
    gaps: GapFiller
    quality: QualityAlerts
    receipts: Receipts
    reconciliation: Reconciliation | None = None
    """After the close."""
    compared: HistoryAnswer | None = None
    """The answer to be compared, once all bars that were sent before it are on the tape."""
    end: Future[bool] | None = None
    """The end of its recording, once it is asked for."""

    @property
    def trading_day(self) -> date:
        """The session's date."""
        return self.slots.session.trading_day


class LiveRun:
    """The feed and the records of a live run, in the coordinator's thread; any thread may call `status`."""

    def __init__(
        self, setup: LiveSetup, plan: StreamPlan, send: Callable[[Message], None], events: EventLog
    ) -> None:
        options, live = setup.options, setup.config.live_config
        self.clock, self.settle_s = options.clock, live.settle_seconds
        if setup.config.strategies:
            self.settle_s = max(self.settle_s, _SETTLE_S * options.clock.speed)
        self._config, self._plan, self._send, self._events = setup.config, plan, send, events
        self._feed, self._journal = options.feed, options.journal
        self._monotonic = setup.monotonic
        self._alerts = Alerts()
        self._forming = FormingBars(self.clock.now)
        self._recorder = setup.recorder(
            setup.store,
            plan.base,
            options.feed.name,
            journal=options.journal,
            market_now=self.clock.now,
            send=send,
            failed=lambda error: send(WorkerFailed("live-recorder", error)),
            alert=self.alert,
            listener=self._forming,
            synchronous=live.synchronous,
            takes_quotes=setup.config.session_data_config.wants_quotes,
        )
        self._connection = setup.connection(
            options.feed,
            plan.symbols,
            plan.base,
            self._recorder,
            self._reported,
            clock=self.clock,
            hours=TradingHours(plan.sessions),
            grace_s=live.grace_seconds,
            alerts=self._alerts,
        )
        self._disk = DiskAlerts(self._alerts, options.journal.parent)
        self._overruns = OverrunAlerts(self._alerts)
        self._disk_due = -math.inf
        self._phase = LivePhase.WAITING
        self._session: _Session | None = None
        self._kept_first, self._changes_first = options.kept, options.changes
        self.plays_scans = options.scans is not None
        """Whether scanners do not run: what they found on a recorded day is known."""
        self.scans: tuple[ScanRecord, ...] = options.scans or ()
        """What the scanners of this session found in an earlier recording of it."""
        self.universe = UniverseHistory(options.feed, MINUTE, self._connection.request)
        """The feed's history for symbols of the universe."""
        self.symbols = LiveSymbols(
            plan.symbols,
            self._recorder,
            self._connection,
            self._forming,
            send=send,
            alert=self.alert,
            open_day=self._open_day,
            change_rows=self._change_rows,
        )
        """The symbols of the session, as they join and leave."""
        self.again = WalkedAgain()
        """What strategies may not know yet, as they walk the session again."""
        self._taken = 0  # number of the last message with bars or quotes
        self._recorded_answers = 0  # answers whose bars the recorder has not sent on yet
        self._backfill_until = -math.inf  # machine seconds
        self._receiver: BarReceiver | None = None
        self.lacking: Lacking | None = None
        """What the last session lacked at its end, None before."""

    # The run

    def start(self) -> None:
        """Start recorder and connection."""
        if self._config.session_data_config.wants_quotes and not self._feed.abilities.has_quotes:
            self.alert(f"{self._feed.name} sends no quotes: bid and ask are made of the last close")
        self._recorder.start()
        self._connection.start()

    def close(self) -> None:
        """End the connection, then the recorder, after all that has arrived is saved.

        Raises StoreError if it could not be, for lack of space.
        """
        self._phase = LivePhase.OVER
        self._connection.close()
        try:
            self._connection.join(_JOIN_S)
        finally:
            self._recorder.stop()
            self._recorder.join(_JOIN_S)
        status = self._recorder.status
        if status.unsaved or status.unsaved_quotes:
            raise StoreError(
                f"{amount(status.unsaved, status.unsaved_quotes)} were not saved, for lack of space on the "
                f"disk of {self._journal.parent}: they are lost"
            )
        if status.unstored or status.unstored_quotes:
            raise StoreError(
                f"{amount(status.unstored, status.unstored_quotes)} are in {self._journal}, but not in the "
                "store yet, for lack of space: free some, and start the recording again"
            )

    # A session

    def begin_session(
        self,
        slots: SessionSlots,
        process_messages: ProcessMessages,
        kept: Sequence[str] = (),
        *,
        has_strategies: bool = False,
    ) -> tuple[str, ...]:
        """Record a session from now on; the store then has what an earlier recording of it has journalled.

        `kept`: symbols that it begins with beside the file's. Returns them: an earlier recording of the
        session knows better. Raises FeedError, StoreError, SymbolsClaimedError.
        """
        self._session = self._receiver = None
        self._phase = LivePhase.WAITING
        anchor = None
        if self.clock.speed != 1:
            anchor = ClockAnchor(self.clock.start, self.clock.anchor, self.clock.speed)
        kept, self._kept_first = (*self._kept_first, *kept), ()
        answer = self._recorder.begin_session(
            slots, self._plan.symbols, kept=kept, clock=anchor, has_strategies=has_strategies
        )
        begun = self._wait(answer, process_messages)
        self._recorder.set_frontier(0)
        self.again = WalkedAgain(begun.walked)
        if not self.plays_scans:
            self.scans = begun.scans
        planned, self._changes_first = self._changes_first, ()
        self.symbols.begin_session((*self._plan.symbols, *begun.kept), begun.changes, planned)
        return begun.kept

    def show(self, tape: Tape, receiver: BarReceiver, process_messages: ProcessMessages) -> None:
        """Give all bars recorded of the session, and from now on those that change, to `receiver`."""
        symbols, least = tape.symbols, self._config.live_config.min_quality
        known_empty = tape.base.confirmed_empty
        gaps = GapFiller(symbols, tape.slots, self._gap_rules, confirmed_empty=known_empty)
        quality = QualityAlerts(self._alerts, symbols, least)
        self._session = _Session(tape.slots, symbols, gaps, quality, Receipts(symbols))
        self.symbols.find_rows(tape)
        self._receiver = receiver
        self._wait(self._recorder.show(self._current.trading_day), process_messages)
        self._session.receipts = Receipts(symbols)  # what was recorded before has been received before

    def backfill(self) -> None:
        """Ask for the bars from the open to now, before the first slots are revealed."""
        if self._feed.abilities.has_history:
            self._current.gaps.missed()
            self._backfill_until = self._monotonic() + _BACKFILL_S

    @property
    def is_backfilling(self) -> bool:
        """Whether a session that began in its middle still waits for what was missed."""
        return self._monotonic() < self._backfill_until

    def follow(self, tape: Tape) -> float:
        """Do what is due besides the reveal; return when to look again, market time; inf: on news.

        After the close, call it with all bars that were taken on the tape: it is compared with history.
        """
        session = self._current
        now, machine = self.clock.now(), self._monotonic()
        self._recorder.set_frontier(tape.frontier)
        self._compare(session, tape, now, machine)
        session.gaps.advance(tape.base.present, tape.frontier)
        if self._phase is not LivePhase.WAITING:
            self._check(session, tape, now, machine)
        askers = (session.gaps, session.reconciliation)
        waits = [self._ask(asker, now, machine) for asker in askers if asker is not None]
        soonest = min((wait for wait in waits if wait is not None), default=math.inf)
        return now + soonest * self.clock.speed

    def open_session(self) -> None:
        """Take note that the market is open."""
        self._phase = LivePhase.OPEN

    def close_session(self) -> None:
        """Begin to reconcile the session, whose close is revealed."""
        session, live = self._current, self._config.live_config
        self._phase = LivePhase.CLOSING
        session.reconciliation = Reconciliation(
            session.symbols,
            session.slots,
            ReconcileRules.of(live.grace_seconds, live.reconcile_within_seconds),
            has_history=self._feed.abilities.has_history,
        )

    @property
    def is_reconciled(self) -> bool:
        """Whether the session has been compared with history, and all of that is on the tape."""
        session, now = self._current, self.clock.now()
        is_over = session.reconciliation is not None and session.reconciliation.is_over(now)
        return is_over and session.compared is None and self._recorded_answers == 0

    def end_recording(self, process_messages: ProcessMessages) -> None:
        """Take no more bars of the session; the store has all of them then, unless there is no room."""
        session = self._current
        self._wait(session.end or self._ended(session), process_messages)

    def end_session(self, tape: Tape) -> None:
        """Find what the session lacks, with all its bars on the tape."""
        session, present = self._current, tape.base.present
        assert session.reconciliation is not None  # the close is over
        session.gaps.end(present, tape.empty)
        self.lacking = lacking = session.reconciliation.lacking(present, tape.empty)
        if lacking.text:
            self.alert(f"{session.trading_day}: {lacking.text}")
        self._receiver = None

    def note_export(self, day: date) -> None:
        """Note in the journal that a session is recorded and exported."""
        self._recorder.note_export(day)

    def note_scans(self, day: date, records: Sequence[ScanRecord]) -> None:
        """Note in the journal what scanners of a session found, so that they do not run again."""
        self._recorder.note_scans(day, records)

    # Messages

    def take(self, message: Arrived | QuotesArrived) -> None:
        """Take bars or quotes that are in the journal."""
        session, receiver = self._session, self._receiver
        if session is None or receiver is None or message.trading_day != session.trading_day:
            return  # `show` sends all of them
        self._taken = message.number
        known = self.again.take(message)
        if known is not None:
            self._pass_on(session, receiver, known)

    def take_known(self, frontier: int) -> None:
        """Take what strategies that walk the session again know from a frontier on."""
        for message in self.again.due(frontier):
            if self._receiver is not None:
                self._pass_on(self._current, self._receiver, message)

    def take_all_of(self, symbol: str) -> None:
        """Take all of a symbol that is about to leave again, where strategies have walked before."""
        row = self.symbols.recorded_row(symbol)
        for message in () if row is None else self.again.leave(row):
            if self._receiver is not None:
                self._pass_on(self._current, self._receiver, message)

    def reveal_limit(self, frontier: int) -> int:
        """Return the frontier to which slots may be revealed before `take_known` is called again."""
        is_waiting = not self.again.is_over and not self.has_taken_all
        return frontier if is_waiting else self.again.limit

    @property
    def has_taken_all(self) -> bool:
        """Whether no bars are on their way that belong to those that were taken."""
        return self._recorded_answers == 0

    def note_walk(self, slots: range) -> Future[None]:
        """Note in the journal that strategies walk some slots, and know all that was taken so far."""
        return self._recorder.note_walk(self._current.trading_day, slots, self._taken)

    def _pass_on(self, session: _Session, receiver: BarReceiver, message: Arrived | QuotesArrived) -> None:
        rows = self.symbols.on_tape(message.rows)
        slots, values = message.slots, message.values
        if len(rows) and rows.min() < 0:  # of symbols that left, or are about to join
            there = rows >= 0
            rows, slots, values = rows[there], slots[there], values[:, there]
        if isinstance(message, QuotesArrived):
            receiver.take_quotes(rows, slots, values)
            return
        session.gaps.arrived(Cells(rows, slots))
        session.receipts.add(rows, message.received)
        self._drop_forming(session, rows, slots)
        receiver.take(rows, slots, values)

    def report(self, report: FeedReport) -> None:
        """Take what the connection reports; a final failure is raised."""
        match report:
            case FeedFailed(error):
                raise error
            case FeedConnected(_, missed_since):
                if missed_since is not None and self._session is not None:
                    self._session.gaps.missed(missed_since)
            case FeedRefused(symbols, error):
                self.alert(f"{self._feed.name} does not deliver {listed(symbols)}: {error}")
            case FeedLost(_, reason):
                self._forming.lost(reason)  # the connection has alerted
            case HistoryAnswer():
                self._recorded_answers += 1
                done = self._recorder.flush()
                done.add_done_callback(lambda _: self._send(AnswerRecorded(report)))

    def answered(self, answer: HistoryAnswer | None) -> None:
        """Take an answer whose bars are recorded, and sent on before; None: bars of no answer."""
        self._recorded_answers -= 1
        session = self._session
        if answer is None or session is None:
            return
        if answer.request.purpose is HistoryPurpose.RECONCILE and session.reconciliation is not None:
            session.compared = answer  # when corrections that came with it are on the tape
            return
        # One that failed is asked again: the feed may not be connected yet.
        is_final = answer.error is None or answer.error.is_final
        if answer.request.purpose is HistoryPurpose.BACKFILL and is_final:
            self._backfill_until = -math.inf
        self._confirm(session, session.gaps.answered(answer, self._monotonic()))

    def note_edition(self, tape: Tape) -> None:
        """Take note of a new edition."""
        if tape.scores is not None:
            self._current.quality.check(tape.scores[:, tape.scored], self.clock.now())

    def note_corrected_hit(self, hit: BreakpointHit) -> None:
        """Add an event and an alert for a condition that a correction made true."""
        text = f"{hit.text} (by a correction)"
        self._events.add(EventKind.BREAK, text, frontier=hit.frontier)
        self.alert(f"{text}, at {hit.local_clock:%H:%M}")

    def note_corrected_fill(self, symbol: str, text: str) -> None:
        """Add an event and an alert for a bar in which an order filled, and that was corrected afterwards."""
        self._events.add(EventKind.CORRECTION, text, symbol=symbol)
        self.alert(f"{symbol}: {text}")

    def alert(self, text: str) -> None:
        """Add an alert; any thread may."""
        self._alerts.add(text, at=self.clock.now())

    # For any thread

    def status(self, view: SessionView | None) -> LiveStatus:
        """Return the status at this moment."""
        now, session = self.clock.now(), self._session
        waits_for = session.slots.session if session and self._phase is LivePhase.WAITING else None
        behind = 0.0
        if view is not None and self._phase is LivePhase.OPEN:
            behind = max(0.0, now - view.clock_seconds)
        return LiveStatus(
            phase=self._phase,
            now=datetime.fromtimestamp(now, UTC),
            behind_s=behind,
            feed=self._feed_status(session, now),
            opens=None if waits_for is None else waits_for.regular_open,
            opens_day=None if waits_for is None else waits_for.trading_day,
            speed=self.clock.speed,
            edition=0 if view is None else view.edition,
            gaps=() if session is None else session.gaps.listed(_LISTED_GAPS),
            gap_counts=None if session is None else session.gaps.counts(),
            forming=self._forming.current(),
            alerts=self._alerts.recent(),
            recorded_in=str(self._journal),
            strategies_behind=_strategies_behind(view),
        )

    # Internal

    def _reported(self, report: FeedReport) -> None:
        """Pass on what the connection reports, in its thread; bars of the universe go to its scanners."""
        if isinstance(report, HistoryAnswer) and report.request.purpose is HistoryPurpose.UNIVERSE:
            self.universe.answered(report)
        else:
            self._send(LiveReport(report))

    @property
    def _current(self) -> _Session:
        assert self._session is not None  # one has begun
        return self._session

    @property
    def _gap_rules(self) -> GapRules:
        data, live = self._config.session_data_config, self._config.live_config
        return GapRules.of(data.gap_filler, live, has_history=self._feed.abilities.has_history)

    def _ask(self, asker: GapFiller | Reconciliation, now: float, machine: float) -> float | None:
        """Send the request that is due; return the machine seconds until the next one may be."""
        request = asker.due(now, machine)
        if request is not None:
            self._connection.request(request)
        return asker.wait_s(now, machine, self.clock.speed)

    def _check(self, session: _Session, tape: Tape, now: float, machine: float) -> None:
        """Look for causes of alerts."""
        self._overruns.check("data-processor", tape.processed, tape.frontier, now, machine)
        if tape.account is not None:
            self._overruns.check("strategies", tape.account.record.walked, tape.frontier, now, machine)
        if tape.scores is not None and tape.scored:
            session.quality.check(tape.scores[:, tape.scored], now)
        if machine >= self._disk_due:
            self._disk_due = machine + _DISK_CHECK_S
            self._disk.check(now)

    def _compare(self, session: _Session, tape: Tape, now: float, machine: float) -> None:
        """Compare the session with the answer that has come, and record what differs."""
        answer, session.compared = session.compared, None
        if answer is None or session.reconciliation is None:
            return
        found = session.reconciliation.answered(answer, tape.base, tape.empty, now, machine)
        if found.bars:
            self._recorder.bars(found.bars)
            self._recorded_answers += 1
            self._recorder.flush().add_done_callback(lambda _: self._send(AnswerRecorded(None)))
        self._confirm(session, found.empty)
        if session.reconciliation.is_compared and session.reconciliation.is_over(now):
            # At once: equal bars were not recorded anew, and an outdated message must not replace them.
            session.end = self._ended(session)

    def _ended(self, session: _Session) -> Future[bool]:
        """Have the recorder take no more bars of a session, after those that were sent to it before."""
        assert session.reconciliation is not None  # the close is over
        return self._recorder.end_session(session.trading_day, reconciled=session.reconciliation.is_compared)

    def _confirm(self, session: _Session, empty: Cells) -> None:
        """Record slots that are confirmed empty."""
        for symbol in self.symbols.leaving:
            empty = empty.where(empty.rows != session.symbols.index(symbol))
        if not len(empty):
            return
        if self._receiver is not None:
            self._receiver.take_empty(empty.rows, empty.slots)
        labels = session.slots.stored_labels
        for row in np.unique(empty.rows).tolist():
            times = labels[empty.slots[empty.rows == row]]
            self._recorder.confirm_empty(session.symbols[row], times.tolist())

    def _change_rows(self, tape: Tape, empty: Mapping[str, Ints]) -> None:
        """Go on with a tape of other rows; before `show` nothing is to be done.

        What the recorder holds of the joined symbols is sent, and the feed asked for what they miss. `empty`:
        times of them without a trade, seconds UTC.
        """
        session = self._session
        if session is None or self._receiver is None:
            return
        change = RowChange.between(session.symbols, tape.symbols)
        gaps, receipts = copy(session.gaps), copy(session.receipts)  # other threads may read these
        asks = self._feed.abilities.has_history
        gaps.change_rows(change, tape.base.present, tape.base.confirmed_empty, asks=asks)
        receipts.change_rows(change)
        session.quality.change_rows(change)
        if session.reconciliation is not None:
            session.reconciliation.change_rows(change)
        session.symbols, session.gaps, session.receipts = tape.symbols, gaps, receipts
        self.symbols.find_rows(tape)
        if change.joined:
            for symbol in change.joined:
                row = self.symbols.recorded_row(symbol)
                if row is not None:
                    self.again.join(row)
            self._recorded_answers += 1
            shown = self._recorder.show_symbols(session.trading_day, change.joined)
            shown.add_done_callback(lambda _: self._send(AnswerRecorded(None)))
        labels = session.slots.stored_labels
        for symbol, times in empty.items():
            slots = np.flatnonzero(np.isin(labels, times))
            self._receiver.take_empty(np.full(len(slots), tape.rows[symbol], dtype=np.int64), slots)

    def _open_day(self) -> date:
        session = self._session
        if session is None or self._receiver is None or session.end is not None:
            raise EngineError("the session takes no more bars: try again once the next one is shown")
        return session.trading_day

    def _drop_forming(self, session: _Session, rows: Ints, slots: Ints) -> None:
        """Forget the forming bars of slots whose bars have come."""
        if self._forming.current():
            times = session.slots.stored_labels[slots].tolist()
            for row, opened_at in zip(rows.tolist(), times, strict=True):
                self._forming.drop(session.symbols[row], opened_at)

    def _feed_status(self, session: _Session | None, now: float) -> FeedStatus:
        recorder = self._recorder.status
        counts = recorder.counts
        return replace(
            self._connection.status(),
            last_by_symbol=None if session is None else session.receipts.by_symbol(),
            bars_per_minute=0.0 if session is None else session.receipts.per_minute(now),
            bars=counts.bars,
            duplicates=counts.duplicates,
            late=counts.late,
            corrected=counts.corrected,
            early=counts.early,
            save_lag_s=recorder.save_lag_s,
            journal_bytes=recorder.journal_bytes,
            unsaved=recorder.unsaved,
            quotes=counts.quotes if self._config.session_data_config.wants_quotes else None,
            quotes_left_out=counts.quotes_left_out,
        )

    def _wait(self, future: Future[Answer], process_messages: ProcessMessages) -> Answer:
        return answer_of(future, self._send, process_messages)


def _strategies_behind(view: SessionView | None) -> int | None:
    """Return the number of slots shown that strategies have not walked; None without strategies."""
    account = None if view is None else view.account
    return None if view is None or account is None else view.frontier - account.frontier
