"""A rule over rows matches where plain Python finds it, symbol by symbol and slot by slot."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.row_rules import RowRule, RowValue, own_values
from tapedeck.engine.errors import ConditionError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, random_values, same_bits, slots_of, tape_over

SYMBOLS: Final = ("AAA", "LATE", "HALT", "NONE", "FEW")
ROWS: Final = range(len(SYMBOLS))


def make_tape() -> Tape:
    slots = slots_of("2013-11-29")
    values = random_values(len(SYMBOLS), len(slots), seed=3, missing=0.25)
    values[:, 1, :90] = np.nan
    values[:, 2, 20:150] = np.nan
    values[:, 3] = np.nan
    values[:, 4, 1:199] = np.nan
    tape = tape_over(slots, values, symbols=SYMBOLS)
    known = np.zeros(len(SYMBOLS), dtype=np.int64)
    closes = np.array([49.0, 51.0, np.nan, 50.0, 50.0])
    tape.prior_close = PriorClose(closes, known, known.astype(np.bool_))
    high = np.array([50.0, np.nan, 51.0, 52.0, np.nan])
    tape.historical["high_2w"] = HistoricalValue("high_2w", TrailingKind.MAX, False, high, known + 1, 5)
    return compute(tape, [IndicatorSpec("sma", "SMA", MINUTE, {"timeperiod": 3})])


TAPE: Final = make_tape()
USUAL: Final = np.where(np.arange(5)[:, None] == 2, np.nan, 1000.0 * np.arange(len(TAPE) + 1) + 7)
FIGURES: Final = {"usual": lambda frontiers: USUAL[:, frontiers]}
WORDS: Final = Vocabulary(SYMBOLS, (MINUTE,), ("sma",), ("high_2w",), ("usual",))

# Plain readers: of a symbol's row at a frontier (below 0: before the session), None where nothing is known.

Truth = bool | None
Read = Callable[[int, int], float | None]
Judge = Callable[[int, int], Truth]


def first(values: np.ndarray) -> float | None:
    return next((float(value) for value in values if not np.isnan(value)), None)


def at_any_time(name: str, row: int, k: int, slots: list[int]) -> float | None:
    """Return a value that needs no bar of the session; `slots`: those over in which the symbol has a bar."""
    match name:
        case "sma":
            return first(TAPE.indicators["sma"].values[row, :k][::-1])
        case "usual":
            return first(USUAL[row, k : k + 1])
        case "missing":
            return float(k - len(slots))
        case "gaps":
            return float(sum(s not in slots and (s == 0 or s - 1 in slots) for s in range(k)))
        case "quality":
            return len(slots) * 100.0 / k if k else 100.0
    constants = {"prev_close": TAPE.prior_close.values, "high_2w": TAPE.historical["high_2w"].values}
    return first(constants[name][row : row + 1])


def since_the_first_bar(name: str, row: int, slots: list[int]) -> float | None:
    opens, highs, _, closes, volumes = (TAPE.base.values[field, row, slots].tolist() for field in range(5))
    prior = first(TAPE.prior_close.values[row : row + 1])
    match name:
        case "day_volume":
            return reduce(operator.add, volumes, 0.0)
        case "gap_pct":
            return None if prior is None else (opens[0] / prior - 1.0) * 100.0
        case "change":
            return None if prior is None else closes[-1] - prior
        case "day_high":
            return max(highs)
    return {"close": closes[-1], "volume": volumes[-1]}[name]


def read_name(name: str, back: int, row: int, k: int) -> float | None:
    """Return a value at a frontier, from the raw bars."""
    slots = [slot for slot in range(max(k, 0)) if not np.isnan(TAPE.base.values[3, row, slot])]
    if k < 0 or (back and len(slots) <= back):
        return None
    if back:
        return read_name(name, 0, row, slots[-1 - back] + 1)
    if name in ANY_TIME:
        return at_any_time(name, row, k, slots)
    return since_the_first_bar(name, row, slots) if slots else None


ANY_TIME: Final = ("sma", "high_2w", "usual", "missing", "gaps", "quality", "prev_close")
BACK: Final = ("close", "sma", "day_high", "missing", "day_volume")
NAMES: Final = (*BACK, "volume", "gap_pct", "change", "prev_close", "quality", "gaps", "high_2w", "usual")
COMPARE: Final = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def every(parts: Sequence[Truth]) -> Truth:
    return False if False in parts else None if None in parts else True


def some(parts: Sequence[Truth]) -> Truth:
    return True if True in parts else None if None in parts else False


def compared(sign: str, left: Read, right: Read, row: int, k: int) -> Truth:
    a, b = left(row, k), right(row, k)
    return None if a is None or b is None else bool(COMPARE[sign](a, b))


@st.composite
def values(draw: st.DrawFn, holder: str) -> tuple[str, Read]:
    """Draw a value; `holder`: what stands before the dot, empty for a bare name."""
    if draw(st.integers(0, 3)) == 0:
        number = draw(st.sampled_from([0, 1, 49.5, 50, 51, 100, 5000]))
        return str(number), lambda row, k: float(number)
    name = draw(st.sampled_from(NAMES))
    back = draw(st.integers(0, 3)) if name in BACK else 0
    text, of = (f"{name}[{back}]" if back else name), partial(read_name, name, back)
    if holder in SYMBOLS:
        return f"{holder}.{text}", lambda row, k: of(SYMBOLS.index(holder), k)
    return (f"{holder}.{text}" if holder else text), of


@st.composite
def judgements(draw: st.DrawFn) -> tuple[str, Judge]:
    """Draw a comparison of two or three values, or a cross."""
    over = draw(st.sampled_from(["", "", "", "any", "all"]))
    holders = st.sampled_from([over, over, *SYMBOLS[:3]])
    sides = [draw(holders.flatmap(values)) for _ in range(draw(st.integers(1, 2)))]
    name = draw(st.sampled_from(NAMES))
    texts, reads = zip((f"{over}.{name}" if over else name, partial(read_name, name, 0)), *sides, strict=True)
    if len(sides) == 1 and draw(st.booleans()):
        word = draw(st.sampled_from(["above", "below"]))
        left, right = reads if word == "above" else reads[::-1]

        def of_row(row: int, k: int) -> Truth:
            return every([compared(">", left, right, row, k), compared("<=", left, right, row, k - 1)])

        text = f"{texts[0]} crosses {word} {texts[1]}"
    else:
        signs = [draw(st.sampled_from(sorted(COMPARE))) for _ in sides]
        text = texts[0] + "".join(f" {s} {t}" for s, t in zip(signs, texts[1:], strict=True))

        def of_row(row: int, k: int) -> Truth:
            pairs = zip(signs, reads, reads[1:], strict=False)
            return every([compared(sign, left, right, row, k) for sign, left, right in pairs])

    fold = {"any": some, "all": every}.get(over)
    return text, of_row if fold is None else lambda row, k: fold([of_row(each, k) for each in ROWS])


def joined(word: str, parts: list[tuple[str, Judge]]) -> tuple[str, Judge]:
    fold = every if word == "and" else some
    text = "(" + f" {word} ".join(text for text, _ in parts) + ")"
    return text, lambda row, k: fold([judge(row, k) for _, judge in parts])


def denied(part: tuple[str, Judge]) -> tuple[str, Judge]:
    def judge(row: int, k: int) -> Truth:
        found = part[1](row, k)
        return None if found is None else not found

    return f"not ({part[0]})", judge


RULES: Final = st.recursive(
    judgements(),
    lambda inner: st.one_of(
        st.builds(joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
        st.builds(denied, inner),
    ),
    max_leaves=4,
)
FRONTIERS: Final = st.tuples(st.integers(0, len(TAPE)), st.sampled_from([0, 0, 3]))


def values_at(start: int, more: int = 0) -> KnownValues:
    return KnownValues(TAPE, start, min(len(TAPE), start + more), FIGURES)


@settings(max_examples=40, deadline=None)
@given(said=RULES, at=FRONTIERS)
def test_a_rule_matches_where_a_reader_of_raw_bars_finds_it(
    said: tuple[str, Judge], at: tuple[int, int]
) -> None:
    text, judge = said
    known_there = values_at(*at)
    found = RowRule.parse(text, WORDS).matches(known_there, SYMBOLS)
    frontiers = range(at[0], at[0] + len(known_there))
    assert found.tolist() == [[judge(row, k) is True for k in frontiers] for row in ROWS], text


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(NAMES + tuple(f"{name}[{back}]" for name in BACK for back in (1, 4))),
    start=st.integers(0, len(TAPE)),
)
def test_values_at_one_frontier_are_those_of_many_bit_for_bit_and_of_a_plain_reader(
    name: str, start: int
) -> None:
    (alone,) = own_values([name], values_at(start), SYMBOLS)
    (many,) = own_values([name], KnownValues(TAPE, 0, len(TAPE), FIGURES), SYMBOLS)
    assert same_bits(alone, many[:, start : start + 1])
    word, _, back = name.partition("[")
    plain = [read_name(word, int(back.rstrip("]") or 0), row, start) for row in ROWS]
    assert [None if np.isnan(value) else value for value in alone[:, 0].tolist()] == plain


def test_any_and_all_say_what_they_say_in_a_breakpoint() -> None:
    for text in ("any.close > 50", "all.missing > 3", "all.close > 0", "any.close crosses above 50"):
        holds = Condition.parse(text, WORDS).holds(TAPE, 0, len(TAPE))
        found = RowRule.parse(text, WORDS).matches(values_at(0, len(TAPE)), SYMBOLS)
        assert (found == holds).all(), text


@pytest.mark.parametrize(
    "text",
    ["close > 0", "not close > 0", "close != 1", "not close == 1", "change / 0 > 1", "not gap_pct < 1",
     "close crosses above 1", "not close crosses above 1"],
)  # fmt: skip
def test_a_missing_value_never_matches(text: str) -> None:
    rule = RowRule.parse(text, WORDS)
    assert not rule.matches(values_at(0, len(TAPE)), SYMBOLS)[3].any()
    assert RowRule.parse(f"{text} or missing >= 0", WORDS).matches(values_at(5), SYMBOLS)[3].all()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("gap_pct > 2 and day_volume > 1.5 * usual", ("gap_pct", "day_volume", "usual")),
        ("close[ 1 ] < close and close[0] > SPY.close", ("close[1]", "close")),
        ("not (sma crosses above close or abs(change) > sma)", ("sma", "close", "change")),
        ("any.close > 2 and time > 10:00", ()),
    ],
)
def test_a_rule_names_the_own_values_that_it_looks_at(text: str, names: tuple[str, ...]) -> None:
    words = Vocabulary(("SPY",), (MINUTE,), ("sma",), ("high_2w",), ("usual",))
    assert RowRule.parse(text, words).looked_at == names


def test_a_value_ranks_by_its_arithmetic_and_is_missing_where_a_part_is() -> None:
    value = RowValue.parse("-day_volume / usual", WORDS)
    (volume, usual), found = (
        own_values(value.looked_at, values_at(200), SYMBOLS),
        value.of(values_at(200), SYMBOLS),
    )
    assert value.looked_at == ("day_volume", "usual")
    np.testing.assert_array_equal(found, -volume / usual)
    assert np.isnan(found[:, 0]).tolist() == [False, False, True, True, False]


def test_values_of_rules_cannot_be_written() -> None:
    known_there = values_at(100)
    with pytest.raises(ValueError, match="read-only"):
        known_there.value("close", slice(None))[:] = 0.0


@pytest.mark.parametrize(
    "text",
    [
        "{}5m.close > {}close",
        "{}close[2] crosses above {}5m.open[1] and time >= 10:00",
        "{}sma > {}5m.low or {}quality < 70 and {}5m.volume[3] / 2 > {}volume",
    ],
)
def test_a_condition_of_a_breakpoint_over_one_symbol_is_a_rule_with_the_symbol_dropped(text: str) -> None:
    tape = compute(
        tape_over(slots_of("2013-11-29"), random_values(2, 210, seed=8, missing=0.2), derived=["5m"]),
        [IndicatorSpec("sma", "SMA", MINUTE, {"timeperiod": 3})],
    )
    rule = RowRule.parse(text.replace("{}", ""), Vocabulary.of(tape))
    matches = rule.matches(KnownValues(tape, 0, len(tape)), tape.symbols)
    assert matches.any(axis=1).all()
    for row, symbol in enumerate(tape.symbols):
        condition = Condition.parse(text.replace("{}", f"{symbol}."), Vocabulary.of(tape))
        assert (matches[row] == condition.holds(tape, 0, len(tape))).all()


def test_a_bar_field_of_another_interval_needs_a_symbol_in_a_breakpoint() -> None:
    words = Vocabulary(("SPY",), (MINUTE, Interval(300)), (), ())
    with pytest.raises(ConditionError, match=r"'5m.close' needs a symbol: SPY\.5m\.close, any\.5m"):
        Condition.parse("5m.close > 3", words)
    assert RowRule.parse("5m.close[1] > 5m.close and 1m.close > 0", words).looked_at == (
        "5m.close[1]", "5m.close", "1m.close",
    )  # fmt: skip
