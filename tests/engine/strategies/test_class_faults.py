"""Faults of strategy classes: each is a clear error at its moment, and the account stays right."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from class_kit import ClassWalk

from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.errors import EngineError
from tapedeck.engine.strategies.strategy_walk import StrategyError
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, slots_of, tape_over

SYMBOLS = ("AAA", "BBB")


def session(day: str = "2013-11-27") -> Tape:
    """Return a session of 7 slots with rising prices."""
    values = np.full((5, 2, 7), 10.0)
    values[:4] += np.arange(7) / 4
    values[4] = 1e6
    return compute(tape_over(slots_of(day, "1h"), values, symbols=SYMBOLS))


QUANTITY = "quantity must be a whole number of lots from 1 to 1,000,000,000,000, not "
HOOKS = {
    "on_session_start": ("", -1, 0, "09:30:00"),
    "on_bar": ("bar", 0, 1, "10:30:00"),
    "on_slice": ("bars", 0, 1, "10:30:00"),
    "on_order": ("order", 1, 2, "11:30:00"),
    "on_session_end": ("", 6, 7, "16:00:00"),
}


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("raised", ["ValueError('no prices')", "SystemExit(3)", "KeyboardInterrupt()"])
def test_a_method_that_raises_is_told_with_its_moment_and_its_own_traceback(
    tmp_path: Path, hook: str, raised: str
) -> None:
    argument, slot, walked, moment = HOOKS[hook]
    arguments = f"self, {argument}" if argument else "self"
    body = f"def {hook}({arguments}):\n    raise {raised}\n"
    if hook == "on_order":
        body += "def on_slice(self, bars): self.buy('AAA', 1)"
    one = ClassWalk(tmp_path, body, session())
    with pytest.raises(StrategyError, match=f"^strategy one, {hook} at 2013-11-27 {moment}: ") as caught:
        one.play()
    assert "(mine.py, line 7)" in str(caught.value)
    assert (caught.value.strategy, caught.value.slot, one.walk.walked) == ("one", slot, walked)
    assert caught.value.traceback.splitlines()[1].endswith(f"line 7, in {hook}")
    assert "tapedeck/engine" not in caught.value.traceback
    record = one.walk.record()
    assert (record.walked, len(record.equity)) == (walked, walked)
    assert one.walk.calling is one.walk.standing is None


def test_what_was_ordered_before_a_method_raised_is_in_the_record_and_fills_are_not_lost(
    tmp_path: Path,
) -> None:
    body = """
def on_slice(self, bars):
    self.buy("AAA", 10)
    if self.slot == 3: raise ValueError
"""
    one = ClassWalk(tmp_path, body, session())
    with pytest.raises(StrategyError):
        one.play()
    record = one.walk.record()
    assert [order.slot for order in record.orders] == [0, 1, 2, 3]
    assert [fill.slot for fill in record.fills] == [1, 2, 3]
    assert record.equity[-1] == one.walk.broker.account.equity()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("'AAA', 0", QUANTITY + "0.0"),
        ("'AAA', -5", QUANTITY + "-5.0"),
        ("'AAA', 0.4", QUANTITY + "0"),
        ("'AAA', np.nan", QUANTITY + "nan"),
        ("'AAA', np.inf", QUANTITY + "inf"),
        ("'AAA', 10**30", QUANTITY + "more"),
        ("'AAA', cash=1e300", QUANTITY + "more"),
        ("'AAA', cash=-1", QUANTITY + "-1.0"),
        ("'AAA', percent=np.nan", QUANTITY + "nan"),
        ("'AAA', 10**6", "value 10,000,000.00 is above the cash at hand, 100,000.00"),
        ("'AAB', 5", "unknown symbol 'AAB': this session has AAA, BBB. Did you mean 'AAA'?"),
        ("'AAB', cash=5", "unknown symbol 'AAB': this session has AAA, BBB. Did you mean 'AAA'?"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_its_reason(
    tmp_path: Path, given: str, reason: str
) -> None:
    body = f"def on_slice(self, bars): self.seen.append(self.buy({given}))"
    one = ClassWalk(tmp_path, body, session()).play()
    assert (one.seen[0].state, one.seen[0].state_reason) == ("refused", reason)
    assert {order.state for order in one.seen} == {"refused"}
    assert set(one.walk.record().equity.tolist()) == {100_000_000_000}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("self.buy('AAA')", "TypeError: give one of quantity"),
        ("self.buy('AAA', 5, cash=5)", "TypeError: give one of quantity"),
        ("self.buy('AAA', '5')", "TypeError: quantity must be a number, not '5'"),
        ("self.buy('AAA', True)", "TypeError: quantity must be a number, not True"),
        ("self.buy(['AAA'], 5)", "TypeError: symbol must be a text"),
        ("self.buy('AAA', 5, reason=7)", "TypeError: reason must be a text, not 7"),
        ("self.note(7)", "TypeError: text of a note must be a text, not 7"),
        ("self.note('x', 'y')", "TypeError: value of a note must be a number, not 'y'"),
        ("self.position('AAB')", "unknown symbol 'AAB'"),
        ("self.orders('AAB')", "unknown symbol 'AAB'"),
        ("self.flatten('AAB')", "unknown symbol 'AAB'"),
        ("self.value('AAA', 'vwpa')", "unknown value 'vwpa'"),
        ("bars.value('vwpa')", "unknown value 'vwpa'"),
        ("self.data.get_bars('AAB', '1h')", "unknown symbol 'AAB'"),
        ("self.data.get_bars('AAA', '7m')", "unknown interval '7m'"),
        ("self.data.get_indicator('AAA', 'x')", "unknown indicator 'x'"),
        ("setattr(self, 'cash', 5)", "AttributeError"),
        ("bars.close.__setitem__(0, 1.0)", "ValueError: assignment destination is read-only"),
        ("self.data.get_bars('AAA', '1h').close.__setitem__(0, 1.0)", "read-only"),
        ("self.positions.clear() or self.nothing", "AttributeError"),
    ],
)
def test_a_call_that_makes_no_sense_raises_where_it_stands(tmp_path: Path, call: str, message: str) -> None:
    one = ClassWalk(tmp_path, f"def on_slice(self, bars): {call}", session())
    with pytest.raises(StrategyError, match=r"\(mine\.py, line 6\)") as caught:
        one.play()
    assert message in str(caught.value)


def test_changing_what_it_gets_changes_nothing(tmp_path: Path) -> None:
    tape = session()
    before = tape.base.values.copy()
    body = """
def on_slice(self, bars):
    arrays = [bars.close, bars.bars, bars.present, bars.value("last")]
    bars_so_far = self.data.get_bars("AAA", "1h")
    arrays += [bars_so_far.close, self.data.view().bars_grid(self.data.view().base_interval)]
    for array in arrays:
        for one in (array, array.base):
            try:
                one.flags.writeable = True
                one[...] = 0
            except (AttributeError, TypeError, ValueError):
                pass
    self.buy("AAA", 1)
def on_order(self, order): self.seen.append(order.average_price)
"""
    one = ClassWalk(tmp_path, body, tape).play()
    assert np.array_equal(tape.base.values, before)
    assert tape.base.present.all()
    assert one.seen == [10.25, 10.5, 10.75, 11.0, 11.25, 11.5]


def test_orders_and_notes_outside_of_a_call_are_refused(tmp_path: Path) -> None:
    one = ClassWalk(tmp_path, "def on_session_end(self): self.seen.append(self)", session()).play()
    [strategy] = one.seen
    calls: list[Callable[[], Any]] = [
        lambda: strategy.buy("AAA", 1), lambda: strategy.sell("AAA", 1), lambda: strategy.note("late"),
        lambda: strategy.cancel(1), lambda: strategy.flatten("AAA"),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(EngineError, match="only while one of its methods is called"):
            call()
    assert (one.walk.broker.session_orders, one.walk.record().notes) == ([], ())


def test_orders_of_another_thread_are_refused_even_while_it_is_called(tmp_path: Path) -> None:
    body = """
def on_slice(self, bars):
    import threading
    def order():
        try: self.buy("AAA", 1)
        except Exception as error: self.seen.append(str(error))
    thread = threading.Thread(target=order)
    thread.start(), thread.join()
"""
    one = ClassWalk(tmp_path, body, session()).play()
    assert len(one.seen) == 7
    assert one.walk.broker.session_orders == []
    assert threading.active_count() < 50


def test_a_call_that_lasts_is_seen_from_outside(tmp_path: Path) -> None:
    body = "def on_bar(self, bar): self.seen.append((self.look(), bar))\nlook = None"
    one = ClassWalk(tmp_path, body, session())
    looks: list[tuple[str | None, int]] = []

    def look(*_: object) -> None:
        looks.append((one.walk.calling, id(one.walk.standing)))

    made: Any = one.walk._strategies[0]
    made._loaded.strategy.look = look
    one.play()
    assert {name for name, _ in looks} == {"one"}
    assert len({standing for _, standing in looks}) == len(looks) == 14


@pytest.mark.parametrize("then", ["pass", "self.buy('AAA', 1)"])
def test_a_call_that_is_left_is_the_last_one_even_if_it_ends(tmp_path: Path, then: str) -> None:
    body = f"""
def on_bar(self, bar):
    self.buy(bar.symbol, 1)
    if self.slot == 3:
        self.leave()
        {then}
def on_slice(self, bars): self.seen.append(self.slot)
leave = None
"""
    one = ClassWalk(tmp_path, body, session())
    made: Any = one.walk._strategies[0]

    def leave(_: object) -> None:
        thread = threading.Thread(target=one.walk.leave)
        thread.start()
        thread.join()

    made._loaded.strategy.leave = leave
    with pytest.raises(StrategyError):
        one.play()
    record = one.walk.record()
    assert (record.walked, len(record.equity), one.seen) == (4, 4, [0, 1, 2])
    assert [(order.slot, order.symbol) for order in record.orders][-1] == (3, "AAA")


def test_ten_thousand_orders_a_slot_are_walked(tmp_path: Path) -> None:
    body = """
def on_slice(self, bars):
    if self.slot < 2:
        for _ in range(10_000): self.buy("AAA", 1)
    else: self.flatten()
"""
    one = ClassWalk(tmp_path, body, session(), terms=AccountTerms(initial_cash=1e9)).play()
    record = one.walk.record()
    assert len(record.orders) == 20_001
    assert sum(fill.lots for fill in record.fills if fill.side.value == "buy") == 20_000
    assert record.equity[-1] == one.walk.broker.account.cash


def test_a_constructor_that_raises_is_told(tmp_path: Path) -> None:
    one = ClassWalk(tmp_path, "def __init__(self): pass\ndef on_bar(self, bar): pass", session())
    with pytest.raises(StrategyError, match=r"^strategy one, __init__ at 2013-11-27 09:30:00: TypeError: "):
        one.play()


def test_a_class_that_overrides_its_constructor_still_has_all(tmp_path: Path) -> None:
    body = """
def __init__(self, parameters): self.seen.append((self.name, self.parameters is parameters))
def on_bar(self, bar): self.seen.append(self.position("AAA"))
"""
    assert ClassWalk(tmp_path, body, session()).play().seen[:2] == [("one", True), 0.0]
