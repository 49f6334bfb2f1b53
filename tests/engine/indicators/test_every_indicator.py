"""Contract of every session indicator: one suite for all types of session files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError
from talib.abstract import Function  # type: ignore[attr-defined]  # TA-Lib's annotations lack it

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.undefined import RULES
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.run.editions import Corrections, mended
from tapedeck.engine.session_file import session_config_schema
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, BarGrid, Floats
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, random_values, same_bits, sessions_of, slots_of, tape_over

OWN_TYPES: Final = REGISTRY.own_types()
KINDS: Final = REGISTRY.types()
TALIB_KINDS: Final = tuple(kind for kind in KINDS if kind not in OWN_TYPES)
SYMBOLS: Final = 2
FIVE: Final = Interval.parse("5m")
# Functions whose outputs are positions: of TA-Lib in its input, of the engine in bars back from the newest.
POSITIONS: Final = {"MAXINDEX", "MININDEX", "MINMAXINDEX"}
# Functions that are 0 / 0 over some windows; which ones, test_undefined_values.py says.
RATIOS: Final = {*RULES, "STOCHRSI"}
# Ten regular days and one early close (2013-11-29), then the day played.
HISTORY_SESSIONS: Final = sessions_of("2013-11-15", "2013-12-02")
TODAY: Final = slots_of("2013-12-03", "5m")


def spec_of(kind: str, interval: Interval = FIVE) -> IndicatorSpec:
    """Return an indicator with its default parameters."""
    description = REGISTRY.kind(kind)
    against = None if description.against is None else "usual"
    return IndicatorSpec(kind.lower(), kind, interval, description.resolve_parameters({}), against)


SPECS: Final = tuple(spec_of(kind) for kind in KINDS)


def make_tape(values: Floats, slots: SessionSlots = TODAY, *, derived: Sequence[str] = ()) -> Tape:
    """Return a tape with the average volume that some kinds compare with."""
    tape = tape_over(slots, values, derived=derived, measure_quality=False)
    usual: Floats = np.random.default_rng(3).integers(0, 4, (SYMBOLS, len(slots))).astype(np.float64) * 250
    usual[:, 3] = np.nan
    tape.historical["usual"] = HistoricalValue(
        "usual", TrailingKind.AVERAGE, True, usual, np.ones(usual.shape, dtype=np.int64), 1
    )
    return tape


@cache
def history(missing: float) -> tuple[BarGrid, ...]:
    """Return the bars of the earlier sessions."""
    return tuple(
        BarGrid.loaded(
            random_values(SYMBOLS, len(SessionSlots(session, FIVE)), seed=50 + at, missing=missing)
        )
        for at, session in enumerate(HISTORY_SESSIONS)
    )


def today(missing: float) -> Floats:
    """Return the bars of the day played."""
    return random_values(SYMBOLS, len(TODAY), seed=99, missing=missing)


@cache
def played(missing: float, cuts: tuple[int, ...] = ()) -> Mapping[str, Floats]:
    """Return every indicator's values of a day, by output name."""
    tape = compute(make_tape(today(missing)), SPECS, {FIVE: history(missing)}, cuts=cuts)
    return {name: column.values for name, column in tape.indicators.items()}


def columns_of(kind: str, all_values: Mapping[str, Floats]) -> list[Floats]:
    """Return one indicator's outputs."""
    return [all_values[name] for name in spec_of(kind).outputs]


def lookback_of(kind: str) -> int:
    """Return the lookback: TA-Lib's own for its functions, that of the kind for own ones."""
    return spec_of(kind).lookback or 0 if kind in OWN_TYPES else int(Function(kind).lookback)


def sessions_in_history(bars: int, sizes: Sequence[int]) -> int:
    """Return the number of sessions that hold so many bars: at least two, at most all; none for 0 bars."""
    enough = [n for n in range(2, len(sizes) + 1) if sum(sizes[len(sizes) - n :]) >= bars]
    return 0 if bars == 0 else enough[0] if enough else len(sizes)


def by_talib(kind: str, earlier: Sequence[Floats], own: Floats, row: int) -> list[np.ndarray]:
    """Return the output of TA-Lib's abstract interface for the bars present, placed in their slots."""
    lookback = lookback_of(kind)
    series = np.concatenate([*(values[:, row] for values in earlier), own[:, row]], axis=1)
    there = ~np.isnan(series[CLOSE])
    compact = series[:, there]
    inputs = {name: np.ascontiguousarray(compact[at]) for at, name in enumerate(FIELDS)}
    answer = Function(kind)(inputs)
    outputs = []
    for output in answer if isinstance(answer, list | tuple) else [answer]:
        positions = np.arange(len(output)) if kind in POSITIONS else None
        warm = np.asarray(output).astype(float) if positions is None else (positions - output).astype(float)
        warm[:lookback] = np.nan
        slots = np.full(series.shape[1], np.nan)
        slots[there] = warm
        outputs.append(slots[series.shape[1] - own.shape[2] :] + 0.0)
    return outputs


def test_session_files_accept_talibs_functions_of_bars_and_own_kinds() -> None:
    foreign = {"MAVP"}  # needs a series of periods
    assert set(OWN_TYPES) < set(KINDS)
    known = set(talib.get_functions())  # type: ignore[no-untyped-call]  # as TA-Lib has it
    assert set(TALIB_KINDS) | foreign >= known - {"VWAP"}
    assert len(TALIB_KINDS) >= 190


@pytest.mark.parametrize("missing", [0.0, 0.25])
@pytest.mark.parametrize("kind", TALIB_KINDS)
def test_agrees_with_talib_on_the_same_bars_to_the_last_bit(kind: str, missing: float) -> None:
    grids = [grid.values for grid in history(missing)]
    used = sessions_in_history(spec_of(kind).history_bars, [values.shape[2] for values in grids])
    found = columns_of(kind, played(missing))
    for row in range(SYMBOLS):
        expected = by_talib(kind, grids[len(grids) - used :], today(missing), row)
        assert len(expected) == len(found)
        for column, plain in zip(found, expected, strict=True):
            undefined = np.isnan(column[row]) & ~np.isnan(plain)
            assert not undefined.any() or kind in RATIOS
            assert undefined.mean() < 0.5
            assert same_bits(np.where(undefined, np.nan, plain), column[row].copy())


@pytest.mark.parametrize("kind", KINDS)
def test_slot_by_slot_gives_the_same_bits_as_one_block(kind: str) -> None:
    bar_by_bar = tuple(range(1, len(TODAY)))
    for cuts in (bar_by_bar, (1, 2, 30, 77)):
        for cut, whole in zip(
            columns_of(kind, played(0.25, cuts)), columns_of(kind, played(0.25)), strict=True
        ):
            assert same_bits(cut, whole)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_bars_and_warm_up_have_nan_and_no_zero(kind: str) -> None:
    present = ~np.isnan(today(0.25)[CLOSE])
    for column in columns_of(kind, played(0.25)):
        assert np.isnan(column[~present]).all()


@cache
def corrected(
    interval: Interval, kinds: tuple[str, ...]
) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
    """Return indicators of a day with corrections behind the frontier, and of the corrected bars."""
    slots = TODAY if interval == FIVE else slots_of("2013-12-03", "1m")
    derived = () if interval == FIVE else ("5m",)
    specs = [spec_of(kind) for kind in kinds]
    values = random_values(SYMBOLS, len(slots), seed=99, missing=0.25)
    tape = make_tape(values, slots, derived=derived)
    computer = BlockComputer(tape, specs, lambda wanted: history(0.25) if wanted == FIVE else ())
    others = random_values(SYMBOLS, len(slots), seed=31)
    done = 0
    # The last correction of the first row leaves half the session to be played with what it carries.
    for stop, row, late in ((4, 0, (2,)), (31, 0, (0, 3, 17)), (35, 0, (30, 34)), (len(slots), 1, (9,))):
        assert computer.compute(done, stop)
        tape.frontier = tape.processed = done = stop
        at = np.array(late)
        values[:, row, at] = others[:, row, at]
        tape = mended(tape, Corrections(np.full(len(at), row), at, others[:, row, at]), computer, None)
    plain = compute(make_tape(values, slots, derived=derived), specs, {FIVE: history(0.25)})
    found, expected = (
        {name: column.values for name, column in one.indicators.items()} for one in (tape, plain)
    )
    return found, expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_corrected_bar_gives_the_bits_of_the_corrected_bars_played_from_the_open(kind: str) -> None:
    found, expected = corrected(FIVE, KINDS)
    for name in spec_of(kind).outputs:
        assert same_bits(found[name], expected[name]), "a carry may be missing in `carries`"


@pytest.mark.parametrize("kind", [kind for kind in OWN_TYPES if REGISTRY.kind(kind).against is None])
def test_a_corrected_bar_changes_an_own_kind_on_derived_bars_as_well(kind: str) -> None:
    found, expected = corrected(MINUTE, (kind,))
    for name in spec_of(kind).outputs:
        assert same_bits(found[name], expected[name]), "a carry may be missing in `carries`"


@cache
def joined(interval: Interval, kinds: tuple[str, ...]) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
    """Return indicators of a day on which rows joined and left, and of the same rows from the open."""
    slots = TODAY if interval == FIVE else slots_of("2013-12-03", "1m")
    derived = () if interval == FIVE else ("5m",)
    specs = [spec_of(kind) for kind in kinds]
    whole = make_tape(random_values(SYMBOLS, len(slots), seed=99, missing=0.25), slots, derived=derived)

    def loaded(*rows: int) -> tuple[Tape, BlockComputer]:
        chosen = np.array(rows)
        grids = [grid.of_rows(chosen) for grid in history(0.25)]
        part = whole.of_rows(chosen)
        return part, BlockComputer(part, specs, lambda wanted: grids if wanted == FIVE else ())

    tape, computer = loaded(0)
    done = 0
    # Row 1 joins, row 0 leaves, and joins again as the last row.
    for stop, kept, joining in ((31, (0,), 1), (40, (1,), None), (52, (0,), 0), (len(slots), (0, 1), None)):
        assert computer.compute(done, stop)
        tape.frontier = tape.processed = done = stop
        part, other = (None, None) if joining is None else loaded(joining)
        if other is not None:
            assert other.compute(0, stop)
        tape = tape.with_symbols(np.array(kept), part, ())
        computer.change_rows(tape, np.array(kept), other)
    plain, plain_computer = loaded(1, 0)
    assert plain_computer.compute(0, len(slots))
    found, expected = (
        {name: column.values for name, column in one.indicators.items()} for one in (tape, plain)
    )
    return found, expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_joins_has_the_bits_of_one_that_was_there_from_the_open(kind: str) -> None:
    found, expected = joined(FIVE, KINDS)
    for name in spec_of(kind).outputs:
        assert same_bits(found[name], expected[name]), "a carry may be missing in `carries`"


@pytest.mark.parametrize("kind", [kind for kind in OWN_TYPES if REGISTRY.kind(kind).against is None])
def test_a_row_that_joins_has_an_own_kind_on_derived_bars_as_well(kind: str) -> None:
    found, expected = joined(MINUTE, (kind,))
    for name in spec_of(kind).outputs:
        assert same_bits(found[name], expected[name]), "a carry may be missing in `carries`"


@cache
def cold() -> Mapping[str, Floats]:
    """Return every indicator on one day without any history."""
    slots = slots_of("2013-12-03", "1m")
    specs = tuple(spec_of(kind, Interval(60)) for kind in KINDS)
    values = random_values(SYMBOLS, len(slots), seed=21, missing=0.1)
    tape = compute(make_tape(values, slots), specs)
    return {name: column.values for name, column in tape.indicators.items()}


@pytest.mark.parametrize("kind", TALIB_KINDS)
def test_without_history_the_first_value_is_at_the_lookback(kind: str) -> None:
    present = ~np.isnan(random_values(SYMBOLS, 390, seed=21, missing=0.1)[CLOSE])
    lookback = lookback_of(kind)
    for row in range(SYMBOLS):
        slots = np.flatnonzero(present[row])
        for column in columns_of(kind, cold()):
            assert np.isnan(column[row, slots[:lookback]]).all()
            # ACOS and ASIN are not defined for prices.
            assert np.isfinite(column[row, slots[lookback]]) or kind in {"ACOS", "ASIN"}


@cache
def tampered(from_slot: int, *, removed: bool) -> Mapping[str, Floats]:
    """Return every indicator of a day with its bars from a slot on changed or removed."""
    values = today(0.25)
    values[:, :, from_slot:] = (
        np.nan if removed else random_values(SYMBOLS, len(TODAY), seed=5)[:, :, from_slot:] * 3
    )
    tape = compute(make_tape(values), SPECS, {FIVE: history(0.25)})
    return {name: column.values for name, column in tape.indicators.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_later_bars_do_not_change_earlier_values(kind: str) -> None:
    for from_slot in (1, 40):
        for removed in (False, True):
            changed = columns_of(kind, tampered(from_slot, removed=removed))
            for after, before in zip(changed, columns_of(kind, played(0.25)), strict=True):
                assert same_bits(after[:, :from_slot].copy(), before[:, :from_slot].copy())


@given(
    seed=st.integers(0, 10**6),
    missing=st.sampled_from([0.0, 0.02, 0.5, 0.98]),
    cuts=st.lists(st.integers(1, 38), max_size=8),
    hole=st.tuples(st.integers(0, 38), st.integers(0, 38)),
    earlier=st.integers(0, 3),
)
@settings(max_examples=12, deadline=None)
def test_random_cuts_and_gaps_change_no_bit(
    seed: int, missing: float, cuts: list[int], hole: tuple[int, int], earlier: int
) -> None:
    slots = slots_of("2013-11-29", "5m")
    values = random_values(SYMBOLS, len(slots), seed=seed, missing=missing)
    values[:, 0, min(hole) : max(hole)] = np.nan
    prices = values[: CLOSE + 1, 1, min(hole) : max(hole)]
    prices[~np.isnan(prices)] = 50.0  # a halted symbol
    before = {FIVE: history(0.25)[len(HISTORY_SESSIONS) - earlier :]}
    whole = compute(make_tape(values, slots), SPECS, before)
    cut = compute(make_tape(values, slots), SPECS, before, cuts=cuts)
    different = [
        name
        for name, column in whole.indicators.items()
        if not same_bits(column.values, cut.indicators[name].values)
    ]
    assert different == []


@pytest.mark.parametrize("kind", OWN_TYPES)
def test_an_own_kind_on_derived_bars_is_the_same_for_any_cut(kind: str) -> None:
    interval = FIVE
    try:
        REGISTRY.kind(kind).check_interval(interval)
    except PydanticCustomError:
        interval = MINUTE
    slots = slots_of("2013-12-03")
    values = random_values(SYMBOLS, len(slots), seed=77, missing=0.4)

    def columns(cuts: Sequence[int]) -> list[Floats]:
        tape = make_tape(values, slots, derived=["5m"])
        compute(tape, [spec_of(kind, interval)], {FIVE: history(0.25)}, cuts=cuts)
        return [column.values for column in tape.indicators.values()]

    whole = columns(())
    assert any(np.isfinite(column).any() for column in whole)
    for cuts in (range(1, len(slots)), (1, 2, 3, 34, 100, 101, 389)):
        for cut, expected in zip(columns(cuts), whole, strict=True):
            assert same_bits(cut, expected)


@pytest.mark.parametrize("kind", OWN_TYPES)
def test_an_own_kind_has_a_formula_and_is_in_the_schema(kind: str) -> None:
    assert REGISTRY.kind(kind).formula
    types = session_config_schema()["$defs"]["SessionIndicator"]["properties"]["type"]["anyOf"][0]["enum"]
    assert kind in types


def test_a_single_bar_gives_a_value_without_lookback_only() -> None:
    values = np.full((5, SYMBOLS, len(TODAY)), np.nan)
    values[:, 0, 7] = (10.0, 11.0, 9.0, 10.0, 100.0)
    tape = compute(make_tape(values), SPECS, {})
    for spec in SPECS:
        for name in spec.outputs:
            column = tape.indicators[name].values
            assert np.isnan(np.delete(column[0], 7)).all()
            assert np.isnan(column[1]).all()
            assert np.isnan(column[0, 7]) or lookback_of(spec.kind) == 0


def test_a_cancelled_block_returns_false() -> None:
    calls: list[int] = []

    def cancelled() -> bool:
        calls.append(1)
        return len(calls) > 2

    computer = BlockComputer(make_tape(today(0.0)), SPECS, lambda _: (), cancelled=cancelled)
    assert not computer.compute(0, len(TODAY))
    assert len(calls) == 3


def test_indicators_on_several_intervals_have_values_at_their_own_bars() -> None:
    slots = slots_of("2013-12-03", "1m")
    values = random_values(SYMBOLS, len(slots), seed=8, missing=0.2)
    specs = [
        IndicatorSpec("fast", "SMA", Interval.parse("1m"), {"timeperiod": 3}),
        IndicatorSpec("slow", "SMA", Interval.parse("15m"), {"timeperiod": 3}),
        IndicatorSpec("high", "SESSION_HIGH", Interval.parse("15m")),
    ]
    tape = compute(tape_over(slots, values, derived=["15m"]), specs)
    slow = tape.derived[Interval.parse("15m")]
    for row in range(SYMBOLS):
        here = slow.present[row]
        plain = talib.SMA(slow.values[CLOSE, row, here].copy(), 3)
        assert same_bits(tape.indicators["slow"].values[row, here].copy(), plain)
        assert tape.indicators["high"].values[row, here][-1] == np.nanmax(values[1, row])
