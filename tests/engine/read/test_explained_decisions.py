"""Explained decisions on sessions made by hand: values of parts, what held back, and orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapedeck.console.app.decision_texts import decision_text
from tapedeck.engine.broker.account_record import SessionAccount
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.explain.decision_explanation import DecisionExplanation, Outcome
from tapedeck.engine.read.explain.decisions import DecisionReader
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize, RiskSize, ShareSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape
from tests.support.changing_symbols import ChangingSession
from tests.support.tapes import slots_of, tape_over

NAN = float("nan")
DAYS = ("2013-11-27", "2013-12-02")
ANY = AccountTerms(participation_pct=None)


def session(closes: Sequence[Sequence[float]], day: str = DAYS[0], volume: float = 1e6) -> Tape:
    """Return a session of 7 slots by closes of AAA, BBB, …; a bar opens 0.25 below its close."""
    values = np.full((5, len(closes), 7), np.nan)
    for row, own in enumerate(closes):
        values[1:4, row, : len(own)] = own
    values[0] = values[2] = values[3] - 0.25
    values[4] = np.where(np.isnan(values[3]), np.nan, volume)
    symbols = ("AAA", "BBB", "CCC")[: len(closes)]
    return tape_over(slots_of(day, "1h"), values, symbols=symbols, measure_quality=False)


class Explained:
    """A strategy by rules that has walked sessions; explains the last one."""

    def __init__(
        self, *tapes: Tape, enter: str, leave: str | None = None, terms: AccountTerms = ANY, **fields: Any
    ) -> None:
        definition = RuleDefinition("one", enter, leave, fields.pop("size", ShareSize(10)), **fields)
        words = Vocabulary.of(tapes[0])
        walk = StrategyWalk([definition], terms, words)
        self.reader = DecisionReader([definition], terms, words)
        for tape in tapes:
            walk.begin_session(tape)
            walk.advance(tape, 0, len(tape))
            walk.end_session()
            tape.account = SessionAccount(walk.record())
        self.tape = tapes[-1]

    def at(self, slot: int, symbol: str = "AAA") -> DecisionExplanation:
        (explained,) = self.reader.explain(self.tape, symbol, slot + 1)
        return explained


def values(explained: DecisionExplanation, part: int = 0, rule: int = 0) -> list[tuple[Any, ...]]:
    shown = explained.rules[rule].parts[part].values
    return [(one.text, one.value, one.before) for one in shown]


def test_parts_and_values_are_shown_with_all_their_brackets() -> None:
    tape = session([[10, 11, 12]])
    rule = "(open + 1) * (close - low) > 3 * (1 - 0.5) and max(open, (close)) > (1 + 1)"
    explained = Explained(tape, enter=rule).at(0)
    assert [part.text for part in explained.rules[0].parts] == [rule, *rule.split(" and ")]
    assert [text for text, _, _ in values(explained, 1)] == [
        "(open + 1) * (close - low)",
        "open",
        "close",
        "low",
    ]


def test_each_part_of_a_rule_is_shown_with_its_values() -> None:
    tape = session([[10, 11, NAN, 13], [5, 4, 7, 8]])
    rule = "(close crosses above 2 * BBB.close or time >= 12:00) and not BBB.close[1] > 6"
    explained = Explained(tape, enter=rule).at(1)
    parts = explained.rules[0].parts
    assert [(part.text, part.level, part.joined_by, part.outcome.value) for part in parts] == [
        (rule, 0, "and", "true"),
        ("close crosses above 2 * BBB.close or time >= 12:00", 1, "or", "true"),
        ("close crosses above 2 * BBB.close", 2, "", "true"),
        ("time >= 12:00", 2, "", "false"),
        ("not BBB.close[1] > 6", 1, "not", "true"),
        ("BBB.close[1] > 6", 2, "", "false"),
    ]  # fmt: skip
    assert values(explained, 2) == [("close", 11, 10), ("2 * BBB.close", 8, 10), ("BBB.close", 4, 5)]
    assert values(explained, 3) == [("time", time(11, 30), None)]
    assert values(explained, 5) == [("BBB.close[1]", 5, None)]
    assert (explained.decided_by, explained.close, explained.slot) == ("enter", 11, 1)


def test_a_missing_value_is_said_to_be_missing_and_so_is_its_not() -> None:
    explained = Explained(session([[10], [NAN, 5]]), enter="not BBB.close > 3 or close > 11").at(0)
    assert [part.outcome for part in explained.rules[0].parts] == [
        Outcome.MISSING, Outcome.MISSING, Outcome.MISSING, Outcome.FALSE,
    ]  # fmt: skip
    assert values(explained, 2) == [("BBB.close", None, None)]
    assert explained.decided_by == ""


def test_a_part_over_all_symbols_says_for_how_many_it_is_true() -> None:
    tape = session([[10, 11], [5, 6], [20, 21]])
    explained = Explained(tape, enter="any.close > 2 * BBB.open and all.close < cash").at(1)
    _, first, second = explained.rules[0].parts
    assert (first.outcome, first.symbols_true, second.symbols_true) == (Outcome.TRUE, 1, 3)
    assert values(explained, 1) == [("2 * BBB.open", 11.5, None), ("BBB.open", 5.75, None)]
    # Ten of each were bought at the opens of slot 1: 10.75, 5.75 and 20.75.
    assert [(one.text, one.value) for one in second.values] == [("cash", 99_627.5)]


def test_words_of_the_account_are_those_of_the_strategy_at_the_slot() -> None:
    tape = session([[10, 11, 12, 13, 14]])
    rule = "bars_held >= 3 or unrealised > 100 or position > 20"
    explained = Explained(tape, enter="close > 10.5", leave=rule).at(4)
    # Bought at the open of slot 2, 11.75; the position is worth 140 at 14.
    shown = [values(explained, part, 1)[0] for part in (1, 2, 3)]
    assert shown == [("bars_held", 3, None), ("unrealised", 22.5, None), ("position", 10, None)]
    assert (explained.lots, explained.bars_held, explained.cost) == (10, 3, 117_500_000)
    assert explained.decided_by == "exit"
    assert explained.decision == "order 2: sell 10, exit"


def test_bars_held_and_a_loss_reach_over_the_night() -> None:
    first, second = session([[9, 9, 9, 9, 11, 10, 10]]), session([[NAN, 10, 9.5]], DAYS[1])
    explained = Explained(first, second, enter="close > 10.5", leave="unrealised > 9", stop_loss=3)
    # Bought at the open of slot 5, 9.75.
    before, after = explained.at(0), explained.at(2)
    assert (before.close, before.bars_held, before.orders) == (10, 2, ())
    assert values(before, rule=1) == [("unrealised", 2.5, None)]
    assert [(rule.name, rule.text, rule.outcome) for rule in before.rules[2:]] == [
        ("stop_loss", "close <= 9.4575", Outcome.MISSING)
    ]
    assert after.bars_held == 4
    assert values(after, rule=2) == [("close", 9.5, None)]
    assert (after.rules[2].outcome, after.decided_by) == (Outcome.FALSE, "")


def test_levels_of_a_short_position_are_on_the_other_side() -> None:
    terms = AccountTerms(participation_pct=None, allow_short=True)
    tape = session([[10, 11, 12, 14, 12]])
    options = {"side": Side.SELL, "stop_loss": 10, "take_profit": 20}
    explained = Explained(tape, enter="close == 11", terms=terms, **options).at(3)
    assert [(rule.name, rule.text, rule.outcome.value) for rule in explained.rules[1:]] == [
        ("stop_loss", "close >= 12.925", "true"),
        ("take_profit", "close <= 9.4", "false"),
    ]
    assert (explained.decided_by, explained.lots) == ("stop_loss", -10)


def test_what_holds_an_entry_back_is_said() -> None:
    tape = session([[10, 11, NAN, 11, 11, 11, 11], [5, 5, 5, 5, 5, 5, 6]])
    explained = Explained(tape, enter="close > 10.5", leave="BBB.close > 5.5", max_entries_per_day=1)
    assert explained.at(2).held_back == ("order 1 works: buy 10, enter",)
    assert explained.at(3).held_back == ("it holds 10 shares: it enters only without a position",)
    assert explained.at(2).orders[0].why == "AAA has no bar in this slot"
    assert [fill.slot for fill in explained.at(3).orders[0].fills] == [3]
    assert explained.at(3).orders[0].why == ""
    early = {"flat_at_close": True, "no_entry_after": time(12, 0)}
    late = Explained(tape, enter="close > 10.5", leave="close > 10.5", **early)
    assert late.at(1).held_back == ("exit is true, and beats enter",)
    assert late.at(6).held_back == (
        "flat_at_close: nothing is entered in the session's last two slots",
        "no_entry_after is 12:00",
        "exit is true, and beats enter",
    )
    often = Explained(
        session([[11, 9, 11, 9, 11]]), enter="close > 10", leave="close < 10", max_entries_per_day=1
    )
    assert often.at(4).held_back == ("max_entries_per_day is 1: entries in the session: 1",)


def test_a_size_without_lots_is_said() -> None:
    tape = session([[10, 11, 12]])
    small = Explained(tape, enter="close > 10.5", size=CashSize(11.5))
    assert small.at(1).decision == "order 1: buy 1, enter"
    assert Explained(tape, enter="close > 10.5", size=CashSize(10)).at(1).held_back == (
        "its size comes to 0 lots at the close, 11",
    )
    stop = RiskSize(1, "close - close[2]")
    assert Explained(tape, enter="close > 10.5", size=stop).at(1).held_back == (
        "close - close[2], which its size needs, is missing",
    )
    unknown = session([[NAN, 10], [1, 1]])
    assert Explained(unknown, enter="BBB.close > 0", symbols=("AAA",)).at(0).held_back == (
        "AAA has no price yet",
    )


def test_an_order_that_is_refused_or_filled_in_part_says_why() -> None:
    tape = session([[10, 11, 12, 13]], volume=300)
    terms = AccountTerms(initial_cash=200)
    explained = Explained(tape, enter="close > 10.5", terms=terms, size=ShareSize(18)).at(1)
    assert explained.orders[0].why == "an order works from the slot after the one that decided it"
    refused = Explained(tape, enter="close > 10.5", terms=terms, size=ShareSize(19)).at(1)
    assert refused.decision == "order 1: buy 19, enter, refused"
    assert refused.orders[0].why == "refused: value 209.00 is above the cash at hand, 200.00"
    part = Explained(tape, enter="close > 10.5", terms=terms, size=ShareSize(18))
    (order,) = part.at(2).orders
    assert (order.order.filled, order.is_decided) == (7, False)
    assert order.why == "2.5 % of the bar's volume of 300 is 7 lots; wanted: 18"
    assert part.at(2).held_back == (
        "it holds 7 shares: it enters only without a position",
        "order 1 works: buy 11 of 18, enter",
    )


def test_an_exit_that_cancels_an_entry_says_so() -> None:
    tape = session([[10, 11, NAN, 11, 11], [1, 1, 2, 1, 1]])
    explained = Explained(tape, enter="close > 10.5", leave="BBB.close > 1.5", symbols=("AAA",)).at(2)
    assert explained.decided_by == "exit"
    assert explained.decision == "cancels order 1: exit, before all of it had filled"
    assert [(one.is_cancelled, one.order.state.value) for one in explained.orders] == [(True, "cancelled")]
    assert explained.lots == 0


def test_other_moments_and_symbols() -> None:
    tape = session([[10, 11], [5, 5]])
    explained = Explained(tape, enter="close > 10.5", symbols=("AAA",))
    assert explained.at(1, "BBB").held_back == ("it trades AAA, not BBB",)
    before = explained.at(-1)
    assert (before.rules, before.decision, before.close) == ((), "no order", None)
    assert before.held_back == ("no slot of the session is over yet",)
    for wrong in (-1, 8):
        with pytest.raises(EngineError, match=f"invalid frontier {wrong}: use 0 to 7"):
            explained.reader.explain(tape, "AAA", wrong)
    assert tape.account is not None
    walk = StrategyWalk(explained.reader.definitions, ANY, Vocabulary.of(tape))  # type: ignore[arg-type]
    walk.begin_session(tape)
    walk.advance(tape, 0, 1)
    tape.account = SessionAccount(walk.record())
    later = explained.at(1)
    assert (later.rules, later.note) == ((), "not decided yet: one stands at slot 1")
    tape.account = None
    assert explained.reader.explain(tape, "AAA", 1) == ()


def test_corrected_bars_are_told() -> None:
    tape = session([[10, 11], [5, 5]])
    explained = Explained(tape, enter="close > 10.5")
    tape.mark_corrected(np.array([1]), np.array([1]))
    assert explained.at(0).note == ""
    assert (
        explained.at(1).note
        == "bars up to this slot came late or were corrected: it may have decided on others"
    )


def test_a_symbol_that_left_has_no_explanation_after_it() -> None:
    tape = session([[11, 11, 11, 12], [11, 11, 11, 12]])
    definition = RuleDefinition("one", "close > 10.5", None, ShareSize(10))
    walk = StrategyWalk([definition], ANY, Vocabulary.of(tape))
    reader = DecisionReader([definition], ANY, Vocabulary.of(tape))
    walk.begin_session(tape)
    walk.advance(tape, 0, 1)
    other = tape.with_symbols(np.array([1]), None, [SymbolChange(ChangeKind.LEFT, "AAA", 1)])
    walk.advance(other, 1, 7)
    tape.account = other.account = SessionAccount(walk.record())
    (at_leave,) = reader.explain(tape, "AAA", 1)
    assert at_leave.decision == "cancels order 1: left the session; order 1: buy 10, enter"
    (stayed,) = reader.explain(other, "BBB", 2)
    assert stayed.lots == 10
    with pytest.raises(EngineError, match="unknown symbol 'AAA'"):
        reader.explain(other, "AAA", 2)


def test_a_class_has_its_position_orders_and_notes(tmp_path: Path) -> None:
    body = "\n".join(
        [
            "from tapedeck import Strategy",
            "class Mine(Strategy):",
            "    def on_bar(self, bar):",
            "        self.note('close', bar.close)",
            "        if bar.close == 11: self.buy(bar.symbol, 5, reason='eleven')",
        ]
    )
    (tmp_path / "mine.py").write_text(body, encoding="utf-8")
    tape = session([[10, 11, 12], [1, 1, 1]])
    definition = ClassDefinition("mine", "mine.py:Mine", symbols=("AAA",))
    walk = StrategyWalk([definition], ANY, Vocabulary.of(tape), folder=tmp_path)
    walk.begin_session(tape)
    walk.advance(tape, 0, 7)
    tape.account = SessionAccount(walk.record())
    reader = DecisionReader([definition], ANY, Vocabulary.of(tape))
    (decided,), (filled,) = (reader.explain(tape, "AAA", frontier) for frontier in (2, 3))
    assert (decided.kind, decided.rules, decided.decision) == ("class", (), "order 1: buy 5, eleven")
    assert [(note.text, note.value) for note in decided.notes] == [("close", 11.0)]
    assert (filled.lots, filled.bars_held, filled.decision) == (5, None, "no order")
    assert [fill.price for fill in filled.orders[0].fills] == [11.75]
    with pytest.raises(EngineError, match="strategy mine is a class"):
        reader.entries("mine", None)


def test_a_symbol_that_joins_counts_from_the_slot_after_that() -> None:
    whole = session([[11, 9, 11, 9, 11, 9, 11], [5, 5, 5, 5, 5, 5, 5]])
    changing = ChangingSession(whole, ("BBB",))
    words = Vocabulary.of(whole)
    definition = RuleDefinition("one", "AAA.close > 10 and any.close > 10", "close < 10", ShareSize(10))
    walk, reader = StrategyWalk([definition], ANY, words), DecisionReader([definition], ANY, words)
    walk.begin_session(changing.tape)
    walk.advance(changing.tape, 0, 3)
    changing.tape.frontier = 3
    changing.put_in_place(changing.made([changing.change_of("AAA")]))
    walk.advance(changing.tape, 3, 7)
    tape = changing.tape
    tape.account = SessionAccount(walk.record())
    own = [reader.explain(tape, "AAA", frontier)[0] for frontier in range(1, 8)]
    other = [reader.explain(tape, "BBB", frontier)[0] for frontier in range(1, 8)]
    given = [(order.slot, order.symbol) for order in walk.broker.session_orders if order.reason == "enter"]
    assert given == [(4, "AAA"), (6, "AAA")]
    assert [one.slot for one in own if one.decided_by == "enter"] == [4, 6]
    assert [one.held_back for one in own[:3]] == [("AAA was not in the session",)] * 3
    shown = [[part.outcome.value for part in one.rules[0].parts[1:]] for one in other[:5]]
    assert shown == [*[["missing", "false"]] * 3, ["false", "false"], ["true", "true"]]
    found = reader.entries("one", None).becomes_true(tape, 0, 7)
    assert np.flatnonzero(found).tolist() == [5, 7]


def test_values_of_quotes_in_a_part_say_whether_they_are_made() -> None:
    tape = session([[10, 11, 12], [5, 4, 7]])
    came = np.full((4, 2, 7), NAN)
    came[:2, 0, 0] = 9.5, 10.25
    tape.quotes = QuoteGrid(came)
    tape.quotes.hold(tape.base, 0, 7)
    explained = Explained(tape, enter="spread > 0.5 and BBB.bid + 1 > 0").at(1)
    shown = [
        [(one.text, one.value, one.is_made) for one in part.values] for part in explained.rules[0].parts[1:]
    ]
    assert shown == [
        [("spread", 0.75, False)],
        [("BBB.bid + 1", 5.0, False), ("BBB.bid", 4.0, True)],
    ]
    assert "BBB.bid is 4 (made)" in decision_text(explained, 100).plain
