"""Sessions, bars and recorders for tests of recordings."""

from __future__ import annotations

import threading
from datetime import date

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.arrivals import Arrivals
from tapedeck.engine.feeds.bar_recording import BarRecording
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_recorder import LiveRecorder
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.feeds.symbol_claims import SymbolClaims, claims_folder
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store

MONDAY = date(2013, 10, 7)
TUESDAY = date(2013, 10, 8)
PLACES = ("bars.db", "bars")
LIMIT_S = 30


def slots_of(day=MONDAY, interval=MINUTE, exchange="XNYS"):
    """The slots of a session."""
    return SessionSlots(TimeManager(exchange).get_trading_session(day), interval)


def bar(symbol, opened_at, price=100.0, kind=BarKind.BAR):
    """A bar that rises by one around a price."""
    return FeedBar(symbol, int(opened_at), price, price + 1.0, price - 1.0, price + 0.5, 1000.0, kind)


def stored(location, symbols, interval=MINUTE):
    """All stored bars, by symbol: lists of (time, open, high, low, close, volume)."""
    found = {}
    with open_store(location) as store:
        for symbol in symbols:
            bars = store.read(symbol, interval, 0, 10**11)
            columns = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
            found[symbol] = list(zip(*(column.tolist() for column in columns), strict=True))
    return found


def stored_quotes(location, symbols):
    """All stored quotes, by symbol and time: (bid, ask, bid size, ask size)."""
    found = {}
    with open_store(location) as store:
        for symbol in symbols:
            quotes = store.quotes.read(symbol, MINUTE, 0, 10**11)
            columns = (quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
            rows = zip(*(column.tolist() for column in columns), strict=True)
            found |= {(symbol, at): row for at, row in zip(quotes.opened_at.tolist(), rows, strict=True)}
    return found


def row_of(bar):
    """A feed's bar as a stored one."""
    return (bar.opened_at, bar.open, bar.high, bar.low, bar.close, bar.volume)


class Mailbox:
    """Keeps what a recorder sends, alerts, and fails with."""

    def __init__(self):
        self.messages, self.alerts, self.errors = [], [], []
        self._changed = threading.Condition()

    def send(self, message):
        """Take a message."""
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def alert(self, text):
        """Take an alert."""
        with self._changed:
            self.alerts.append(text)
            self._changed.notify_all()

    def failed(self, error):
        """Take the error that ended the recorder."""
        with self._changed:
            self.errors.append(error)
            self._changed.notify_all()

    def wait_for(self, condition):
        """Wait until a condition is true of the mailbox."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), LIMIT_S), vars(self)


class MarketClock:
    """A market clock by hand."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def __call__(self):
        return self.seconds


def recorder_of(store, mailbox, *, source="replay", clock=None, **options):
    """A recorder of minutes."""
    return LiveRecorder(
        store,
        MINUTE,
        source,
        market_now=clock or MarketClock(),
        send=mailbox.send,
        failed=mailbox.failed,
        alert=mailbox.alert,
        **options,
    )


class Recording:
    """A recording without threads: its store, journal and mailbox, and a clock by hand."""

    def __init__(self, location, *, source="replay", store=None, takes_quotes=False):
        self.store = store or open_store(location, create=True)
        self.journal = ArrivalJournal(journal_path(self.store.location))
        self.claims = SymbolClaims(claims_folder(self.journal.path))
        self.mailbox = Mailbox()
        self.now = 1000.0
        self.part = BarRecording(
            self.store,
            self.journal,
            self.claims,
            MINUTE,
            source,
            send=self.mailbox.send,
            alert=self.mailbox.alert,
            takes_quotes=takes_quotes,
        )

    def begin(self, symbols=("AIG", "SPY"), day=MONDAY, **options):
        """Begin and show a session."""
        begun = self.part.begin_session(slots_of(day), symbols, self.now, **options)
        self.part.show(day, 0.0)
        self.mailbox.messages.clear()
        return begun

    def take(self, *bars):
        """Take a batch of bars."""
        self.part.take(Arrivals.of(bars, 2 * 10**15), self.now, lambda: self.now)

    def take_quotes(self, *quotes):
        """Take a batch of quotes."""
        self.part.take_quotes(QuoteArrivals.of(quotes, 2 * 10**15), self.now, lambda: self.now)

    def kill(self):
        """End as a killed process does: nothing is written, and the system ends the claims."""
        self.claims.release()
        self.journal.close()

    def close(self):
        """End in order."""
        self.part.close(self.now)
        self.kill()
