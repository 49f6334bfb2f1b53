"""Strategies by classes over small sessions: what they are told, when, and what they read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from class_kit import ClassWalk, written

from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.sizes import ShareSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, slots_of, tape_over

DAYS = ("2013-11-27", "2013-12-02")
NAN = float("nan")


def session(day: str, closes: Sequence[Sequence[float]], *, derived: Sequence[str] = ()) -> Tape:
    """Return a session of 7 slots by closes; a bar opens 0.25 below its close. Later ones are missing."""
    values = np.full((5, len(closes), 7), np.nan)
    for row, own in enumerate(closes):
        values[1:4, row, : len(own)] = own
        values[0, row] = values[3, row] - 0.25
        values[2, row] = values[0, row]
        values[4, row] = np.where(np.isnan(values[3, row]), np.nan, 1e6)
    symbols = ("AAA", "BBB", "CCC")[: len(closes)]
    tape = tape_over(slots_of(day, "1h"), values, symbols=symbols, derived=derived)
    compute(tape)
    return tape


def test_methods_are_called_in_the_order_of_a_slot_and_bars_only_where_there_are_any(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 11], [NAN, 21, 22]])
    body = """
def on_session_start(self): self.seen.append(("start", self.slot))
def on_bar(self, bar):
    self.seen.append((self.slot, bar.symbol, bar.close, bar.closed_at.strftime("%H:%M")))
    if bar.symbol == "BBB" and bar.close == 21: self.buy("BBB", 5)
def on_slice(self, bars): self.seen.append((self.slot, bars.close.tolist(), bars.present.tolist()))
def on_order(self, order): self.seen.append((self.slot, order.state, order.filled, order.average_price))
def on_session_end(self): self.seen.append(("end", self.slot))
"""
    walked = ClassWalk(tmp_path, body, tape).play()
    none = [False, False]
    assert repr(walked.seen[:10]) == repr([
        ("start", -1),
        (0, "AAA", 10.0, "10:30"),
        (0, [10.0, NAN], [True, False]),
        (1, "AAA", 11.0, "11:30"),
        (1, "BBB", 21.0, "11:30"),
        (1, [11.0, 21.0], [True, True]),
        (2, "filled", 5.0, 21.75),
        (2, "BBB", 22.0, "12:30"),
        (2, [NAN, 22.0], [False, True]),
        (3, [NAN, NAN], none),
    ])  # fmt: skip
    assert walked.seen[-1] == ("end", 6)
    [fill] = walked.walk.broker.session_fills
    assert (fill.slot, fill.lots, fill.price) == (2, 5, 21.75)


def test_an_interval_has_its_own_bars_and_fills_are_told_in_their_slot(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 11, 12, 13, 14, 15, 16]], derived=("3h",))
    body = """
def on_bar(self, bar):
    self.seen.append((self.slot, bar.open, bar.close, bar.volume))
    self.buy(bar.symbol, 1)
def on_slice(self, bars): self.seen.append((self.slot, float(bars.high[0])))
def on_order(self, order): self.seen.append((self.slot, order.number))
"""
    seen = [
        (2, 9.75, 12.0, 3e6), (2, 12.0), (3, 1), (5, 12.75, 15.0, 3e6), (5, 15.0), (6, 2),
        (6, 15.75, 16.0, 1e6), (6, 16.0),
    ]  # fmt: skip
    assert ClassWalk(tmp_path, body, tape, interval="3h").play().seen == seen
    assert ClassWalk(tmp_path, body, tape, interval="3h").play([1, 2, 3, 4, 6]).seen == seen


def test_what_it_reads_ends_at_its_slot(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 11, NAN, 13, 14, 15, 16]], derived=("3h",))
    tape.frontier = tape.scored = 0  # the session is not revealed yet, and scores lag behind
    body = """
def on_slice(self, bars):
    view = self.data.view()
    self.seen.append((
        view.frontier, len(self.data.get_bars("AAA", "1h")), len(self.data.get_bars("AAA", "3h")),
        self.data.get_quality_metric("AAA"), self.value("AAA", "last"), bars.value("quality").tolist(),
        self.minutes_since_open, self.minutes_to_close, view.quality("AAA"),
    ))
    self.kept = getattr(self, "kept", []) + [(view, bars)]
def on_session_end(self):
    self.seen.append([len(view.bars_grid(view.base_interval)[0, 0]) for view, _ in self.kept])
    self.seen.append([float(bars.value("last")[0]) for _, bars in self.kept])
    self.seen.append(self.data.view().frontier)
"""
    for cuts in ([], [1, 4]):
        seen = ClassWalk(tmp_path, body, tape).play(cuts).seen
        quality = [100, 100, 200 / 3, 75, 80, 250 / 3, 600 / 7]
        lasts = [10, 11, 11, 13, 14, 15, 16]
        assert seen[:7] == [
            (slot + 1, slot + 1, (slot + 1) // 3 + (slot == 6), quality[slot], lasts[slot], [quality[slot]],
             60 * min(slot + 1, 6.5), 390 - 60 * min(slot + 1, 6.5), quality[slot])
            for slot in range(7)
        ]  # fmt: skip
        assert seen[7:] == [[1, 2, 3, 4, 5, 6, 7], lasts, 7]


def test_money_and_positions_at_hand(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 10, 12, 12, 12], [5, 5, 5, 5, 5]])
    body = """
def on_slice(self, bars):
    if self.slot == 0:
        self.buy("AAA", percent=50)
        self.buy("BBB", cash=1003)
    self.seen.append((self.cash, self.equity, dict(self.positions), self.position("AAA"),
                      self.average_price("AAA"), self.unrealised("AAA"), len(self.orders())))
"""
    seen = ClassWalk(tmp_path, body, tape).play().seen
    assert repr(seen[0]) == repr((100_000.0, 100_000.0, {}, 0.0, NAN, 0.0, 2))
    cash = 100_000 - 5000 * 9.75 - 200 * 4.75
    held = {"AAA": 5000.0, "BBB": 200.0}
    assert seen[2] == (cash, cash + 60_000 + 1000, held, 5000.0, 9.75, 11_250.0, 0)


def test_flatten_closes_what_is_held_and_cancels_the_rest_and_does_not_repeat_itself(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 10, 10, 10, 10, 10, 10], [5, 5, NAN, NAN, 5, 5, 5]])
    body = """
def on_slice(self, bars):
    if self.slot == 0: self.buy("AAA", 3), self.buy("BBB", 4)
    if self.slot == 1:
        self.buy("BBB", 2)
        self.seen += [(order.symbol, order.quantity) for order in self.flatten()]
    if self.slot == 2: self.seen += [order.number for order in self.flatten()]
    if self.slot == 4: self.buy("AAA", 9)
    if self.slot == 5: self.seen += [order.on_close for order in self.flatten("AAA", on_close=True)]
"""
    walked = ClassWalk(tmp_path, body, tape).play()
    assert walked.seen == [("AAA", 3.0), ("BBB", 4.0), 5, True]
    fills = [
        (fill.slot, fill.symbol, fill.side.value, fill.lots) for fill in walked.walk.broker.session_fills
    ]
    assert fills == [
        (1, "AAA", "buy", 3), (1, "BBB", "buy", 4), (2, "AAA", "sell", 3), (4, "BBB", "sell", 4),
        (5, "AAA", "buy", 9), (6, "AAA", "sell", 9),
    ]  # fmt: skip
    assert walked.orders[2] == (1, "cancelled", "flatten")


def test_orders_of_the_open_and_of_the_end_fill_at_the_next_bars(tmp_path: Path) -> None:
    first, second = (session(day, [[10] * 7]) for day in DAYS)
    body = """
def on_session_start(self): self.buy("AAA", 1, reason="open")
def on_session_end(self): self.buy("AAA", 2, reason="end")
"""
    walked = ClassWalk(tmp_path, body, first, second).play()
    fills = [(fill.day.isoformat(), fill.slot, fill.reason) for fill in walked.walk.broker.session_fills]
    assert fills == [(DAYS[1], 0, "end"), (DAYS[1], 0, "open")]


def test_the_order_of_a_symbol_that_leaves_is_told_and_its_position_stays(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 10, 10, NAN, 10], [5, 5, 5, 5, 5]])
    body = """
def on_slice(self, bars):
    if self.slot == 0: self.buy("AAA", 1)
    if self.slot == 2: self.buy("AAA", 1)
    self.seen.append((self.symbols, self.position("AAA")))
def on_order(self, order): self.seen.append((self.slot, order.state, order.state_reason))
"""
    walked = ClassWalk(tmp_path, body, tape)
    walk = walked.walk
    walk.begin_session(tape)
    walk.advance(tape, 0, 3)
    other = tape.with_symbols(np.array([1]), None, [SymbolChange(ChangeKind.LEFT, "AAA", 3)])
    walk.advance(other, 3, 7)
    assert walked.seen[4:6] == [(3, "cancelled", "left the session"), (("BBB",), 1.0)]


def test_notes_are_in_the_record_and_the_view(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 11]])
    body = """
def on_bar(self, bar): self.note("close\\nseen", bar.close)
def on_session_start(self): self.note("begin"), self.note("none", float("nan"))
"""
    walked = ClassWalk(tmp_path, body, tape).play()
    notes = walked.walk.record().notes
    assert notes == (
        ("one", -1, "begin", None), ("one", -1, "none", None), ("one", 0, "close\\nseen", 10.0),
        ("one", 1, "close\\nseen", 11.0),
    )  # fmt: skip
    assert walked.walk.record().at(1).notes == notes[:3]


def test_random_numbers_are_the_same_in_each_run_and_the_class_is_loaded_afresh(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 11]])
    body = "def on_bar(self, bar): self.seen.append(self.random.random())"
    first, second = (ClassWalk(tmp_path, body, tape).play() for _ in range(2))
    assert len(set(first.seen)) == 2
    assert first.seen == second.seen
    assert first.seen is not second.seen
    hashes = first.walk.code_hashes
    assert hashes == second.walk.code_hashes
    assert ClassWalk(tmp_path, body + "\nx = 1", tape).walk.code_hashes.keys() == hashes.keys() == {"one"}
    assert ClassWalk(tmp_path, body + "\nx = 1", tape).walk.code_hashes != hashes


def test_strategies_decide_in_the_order_of_the_file_rules_and_classes_alike(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 10, 10]])
    written(tmp_path, "def on_bar(self, bar): self.buy(bar.symbol, 1)")
    rule = RuleDefinition("rule", "close > 0", None, ShareSize(1))
    for names in (["rule", "one"], ["one", "rule"]):
        definitions = [rule if name == "rule" else ClassDefinition(name, "mine.py:Mine") for name in names]
        walk = StrategyWalk(definitions, AccountTerms(), Vocabulary.of(tape), folder=tmp_path)
        walk.begin_session(tape)
        walk.advance(tape, 0, 2)
        assert [one.strategy for one in walk.broker.session_orders][:2] == names
        assert [one.strategy for one in walk.broker.session_fills][:2] == names


@pytest.mark.parametrize(
    ("body", "message", "suggestion"),
    [
        ("async def on_bar(self, bar): pass", "Mine.on_bar must be a plain method", None),
        ("def on_slice(self, bars): yield", "Mine.on_slice must be a plain method", None),
        ("on_bar = 5", "Mine.on_bar must be a plain method", None),
        ("def on_bars(self, bar): pass", "Mine has none of the methods on_session_start, on_bar", "on_bar"),
        ("def decide(self): pass", "Mine has none of the methods", None),
    ],
)
def test_a_class_whose_methods_are_never_called_is_refused(
    tmp_path: Path, body: str, message: str, suggestion: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        ClassWalk(tmp_path, body, session(DAYS[0], [[10]]))
    [problem] = caught.value.problems
    assert problem.message.startswith(message)
    assert (problem.path, problem.suggestion) == ("strategies[0].strategy", suggestion)


def test_faults_of_the_session_file_are_told_at_once(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10]])
    body = "class Parameters(__import__('pydantic').BaseModel):\n    fast: int\ndef on_bar(self, bar): pass"
    written(tmp_path, body)
    definitions = [
        ClassDefinition("one", "mine.py:Mein", symbols=("AAB",)),
        ClassDefinition("two", "mine.py:Mine", {"fats": 1}, interval=Interval.parse("5m")),
        ClassDefinition("three", "nowhere.py:Mine"),
    ]
    with pytest.raises(ConfigError) as caught:
        StrategyWalk(definitions, AccountTerms(), Vocabulary.of(tape), folder=tmp_path)
    problems = [(one.path, one.suggestion) for one in caught.value.problems]
    assert problems == [
        ("strategies[0].symbols", "AAA"),
        ("strategies[0].strategy", "Mine"),
        ("strategies[1].interval", None),
        ("strategies[1].parameters.fats", "fast"),
        ("strategies[1].parameters.fast", None),
        ("strategies[2].strategy", None),
    ]


def test_words_of_time_are_values_too(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10] * 7])
    read = 'self.seen.append((self.value("AAA", "minutes_to_close"), self.minutes_to_close))'
    body = (
        f"def on_session_start(self): {read}\ndef on_bar(self, bar): {read}\ndef on_session_end(self): {read}"
    )
    expected = [390.0, 330.0, 270.0, 210.0, 150.0, 90.0, 30.0, 0.0, 0.0]
    for cuts in ([], [2, 3]):
        assert ClassWalk(tmp_path, body, tape).play(cuts).seen == [(minutes, minutes) for minutes in expected]


@pytest.mark.parametrize("interval", [None, "3h"])
def test_bars_and_slices_have_the_bid_and_ask_of_their_close(tmp_path: Path, interval: str | None) -> None:
    """Of AAA they came, its ask once; those of BBB are made. Cuts change nothing."""
    bids = [NAN, 10.1, NAN, NAN, 14.1, NAN, NAN]
    tape = session(DAYS[0], [[10, 11, 12, 13, 14, 15, 16], [NAN, 21, NAN, 23]], derived=("3h",))
    came = np.full((4, 2, 7), NAN)
    came[0, 0], came[1, 0, 2] = bids, 12.5
    tape.quotes = QuoteGrid(came)
    compute(tape)
    body = """
def on_bar(self, bar): self.seen.append((bar.symbol, bar.bid, bar.ask))
def on_slice(self, bars):
    self.seen.append((bars.bid.tolist(), bars.ask.tolist(), self.value("AAA", "spread")))
"""
    slots = range(7) if interval is None else (2, 5, 6)
    held = [NAN, 10.1, 10.1, 10.1, 14.1, 14.1, 14.1]
    made = [NAN, 21.0, 21.0, 23.0, 23.0, 23.0, 23.0]
    present = {"AAA": set(range(7)), "BBB": {1, 3} if interval is None else {2, 5}}
    expected: list[tuple[object, ...]] = []
    for slot in slots:
        ask = NAN if slot < 2 else 12.5
        expected += [("AAA", held[slot], ask)]
        expected += [("BBB", made[slot], made[slot])] if slot in present["BBB"] else []
        expected += [([held[slot], made[slot]], [ask, made[slot]], ask - held[slot])]
    options = {} if interval is None else {"interval": interval}
    for cuts in ([], [1, 3, 4]):
        assert repr(ClassWalk(tmp_path, body, tape, **options).play(cuts).seen) == repr(expected)


def test_without_quotes_bids_and_asks_are_missing(tmp_path: Path) -> None:
    tape = session(DAYS[0], [[10, 11]])
    body = """
def on_bar(self, bar): self.seen.append((bar.bid, bar.ask))
def on_slice(self, bars): self.seen.append((*bars.bid.tolist(), *bars.ask.tolist()))
"""
    seen = ClassWalk(tmp_path, body, tape).play().seen
    assert len(seen) == 9
    assert np.isnan(seen).all()
