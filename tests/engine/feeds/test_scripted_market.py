"""Faults of a feed by a clock in hand: what arrives when, what history has, what is right at last."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_kit import NEW_YORK, at, bar, market, morning

from tapedeck.engine.feeds.bar_fate import Delivery
from tapedeck.engine.feeds.fault_script import parse_fault_script
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.scripted_market import HistoryFailedError, ScriptedMarket

DAY = (at("00:00"), at("23:59"))
BOTH = ("AIG", "SPY")


def arrivals(messages: list[Delivery]) -> list[tuple[float, str, int]]:
    """Return market second after 09:30, symbol and minute of each message."""
    open_ = at("09:30")
    return [
        (round(message.at - open_, 3), message.bar.symbol, (message.bar.opened_at - open_) // 60)
        for message in messages
    ]


def whole_day(one: ScriptedMarket) -> list[Delivery]:
    return one.due(*DAY)


class TestMessages:
    def test_without_faults_each_bar_arrives_a_tenth_of_a_second_after_its_end(self) -> None:
        bars = morning(minutes=2)
        found = whole_day(market(bars))
        assert arrivals(found) == [(60.1, "AIG", 0), (60.1, "SPY", 0), (120.1, "AIG", 1), (120.1, "SPY", 1)]
        assert [message.bar for message in found] == bars

    def test_a_duplicate_arrives_again_with_the_same_values(self) -> None:
        one = market(morning(minutes=2), {"kind": "duplicate", "at": "09:30", "symbol": "SPY", "after": 70})
        found = whole_day(one)
        assert arrivals(found) == [
            (60.1, "AIG", 0), (60.1, "SPY", 0), (120.1, "AIG", 1), (120.1, "SPY", 1), (130.1, "SPY", 0),
        ]  # fmt: skip
        assert found[1].bar == found[-1].bar

    def test_a_late_bar_arrives_after_later_ones(self) -> None:
        one = market(morning(minutes=3), {"kind": "late", "at": "09:30", "symbol": "SPY", "by": "1m"})
        assert arrivals(whole_day(one))[:4] == [
            (60.1, "AIG", 0), (120.1, "AIG", 1), (120.1, "SPY", 0), (120.1, "SPY", 1),
        ]  # fmt: skip

    def test_an_early_bar_arrives_before_its_end_by_our_clock(self) -> None:
        one = market(morning(minutes=1), {"kind": "early", "at": "09:30", "symbol": "SPY", "by": 1.5})
        assert arrivals(whole_day(one)) == [(58.5, "SPY", 0), (60.1, "AIG", 0)]

    def test_reordered_bars_arrive_with_the_last_of_them_the_last_one_first(self) -> None:
        one = market(morning(minutes=3), {"kind": "reorder", "at": "09:30", "for": "2m"})
        assert arrivals(whole_day(one)) == [
            (120.1, "SPY", 1), (120.1, "AIG", 1), (120.1, "SPY", 0), (120.1, "AIG", 0),
            (180.1, "AIG", 2), (180.1, "SPY", 2),
        ]  # fmt: skip

    def test_a_corrected_bar_is_wrong_first_and_right_in_the_updated_message(self) -> None:
        true = bar("SPY", "09:30", 100.0, 1000.0)
        fault = {"kind": "corrected", "at": "09:30", "after": 30, "price": 1.01, "volume": 0.5}
        first, second = whole_day(market([true], fault))
        assert (first.bar.open, first.bar.volume, first.bar.kind) == (101.0, 500.0, BarKind.BAR)
        assert second.at - first.at == 30
        assert second.bar == true._replace(kind=BarKind.UPDATED)

    def test_a_gap_of_minutes_delivers_nothing(self) -> None:
        one = market(morning(minutes=4), {"kind": "missing", "at": "09:31", "for": "2m"})
        assert [minute for _, _, minute in arrivals(whole_day(one))] == [0, 0, 3, 3]

    def test_messages_during_a_disconnect_are_lost_and_a_late_one_after_it_is_not(self) -> None:
        one = market(
            morning(("SPY",), 4),
            {"kind": "disconnect", "at": "09:31:30", "for": "1m"},
            {"kind": "late", "at": "09:31", "by": 45},
        )
        assert arrivals(whole_day(one)) == [
            (60.1, "SPY", 0),
            (165.1, "SPY", 1),
            (180.1, "SPY", 2),
            (240.1, "SPY", 3),
        ]
        assert one.is_connected(at("09:31:29"))
        assert not one.is_connected(at("09:31:30"))
        assert not one.is_connected(at("09:32:29"))
        assert one.is_connected(at("09:32:30"))

    def test_the_connection_ends_once_at_the_begin_of_a_disconnect(self) -> None:
        one = market([], {"kind": "disconnect", "at": "09:31:30", "for": "1m"})
        begin = at("09:31:30")
        assert one.connection_ends(begin - 100, begin - 1) is None
        assert one.connection_ends(begin - 1, begin) == begin
        assert one.connection_ends(begin, begin + 3600) is None

    def test_a_mute_feed_is_connected_and_delivers_nothing(self) -> None:
        one = market(morning(("SPY",), 4), {"kind": "mute", "at": "09:31:30", "for": "2m"})
        assert one.is_connected(at("09:32:00"))
        assert [minute for _, _, minute in arrivals(whole_day(one))] == [0, 3]

    def test_a_time_of_day_without_a_date_is_every_day(self) -> None:
        bars = [bar("SPY", "09:30"), FeedBar("SPY", at("09:30", "2013-10-08"), 1, 1, 1, 1, 1)]
        daily = market(bars, {"kind": "missing", "at": "09:30"})
        once = market(bars, {"kind": "missing", "at": "2013-10-08 09:30"})
        assert daily.due(0, DAY[1] + 86400) == []
        assert [message.bar for message in once.due(0, DAY[1] + 86400)] == bars[:1]

    def test_times_of_day_follow_daylight_saving(self) -> None:
        before, after = at("09:30", "2013-11-01"), at("09:30", "2013-11-04")
        assert (after - before) % 86400 == 3600
        bars = [FeedBar("SPY", opened_at, 1, 1, 1, 1, 1) for opened_at in (before, after)]
        assert market(bars, {"kind": "missing", "at": "09:30"}).due(before, after + 120) == []

    def test_of_two_faults_of_one_kind_the_first_applies(self) -> None:
        one = market(
            morning(("SPY",), 1),
            {"kind": "late", "at": "09:30", "by": 5},
            {"kind": "late", "at": "09:30", "for": "5m", "by": 50},
        )
        assert arrivals(whole_day(one)) == [(65.1, "SPY", 0)]


class TestHistory:
    def ask(self, one: ScriptedMarket, clock: str, symbols: tuple[str, ...] = BOTH) -> list[tuple[str, int]]:
        answer = one.history(symbols, *DAY, now=at(clock))
        return [(bar.symbol, (bar.opened_at - at("09:30")) // 60) for bar in answer.bars]

    def test_it_has_the_bars_that_are_over(self) -> None:
        one = market(morning(minutes=3))
        assert self.ask(one, "09:31:00") == []
        assert self.ask(one, "09:31:01") == [("AIG", 0), ("SPY", 0)]
        assert self.ask(one, "09:32:01", ("SPY",)) == [("SPY", 0), ("SPY", 1)]

    def test_it_answers_the_range_that_is_asked_for(self) -> None:
        answer = market(morning(minutes=4)).history(["SPY"], at("09:31"), at("09:33"), at("12:00"))
        assert [bar.opened_at for bar in answer.bars] == [at("09:31"), at("09:32")]

    def test_it_may_have_a_bar_later_than_the_stream(self) -> None:
        one = market(morning(("SPY",), 1), {"kind": "history_late", "at": "09:30", "by": 20})
        assert arrivals(whole_day(one)) == [(60.1, "SPY", 0)]
        assert self.ask(one, "09:31:20") == []
        assert self.ask(one, "09:31:21") == [("SPY", 0)]

    def test_it_has_a_missing_bar_later_or_never(self) -> None:
        bars = morning(("SPY",), 2)
        one = market(
            bars,
            {"kind": "missing", "at": "09:30", "history_after": "2m"},
            {"kind": "missing", "at": "09:31", "history_after": "never"},
        )
        assert whole_day(one) == []
        assert self.ask(one, "09:33:00") == []
        assert self.ask(one, "16:00:00") == [("SPY", 0)]
        assert one.final_bars(["SPY"], *DAY) == bars[:1]

    def test_it_changes_with_the_correction(self) -> None:
        true = bar("SPY", "09:30", 100.0)
        one = market([true], {"kind": "corrected", "at": "09:30", "after": 30, "price": 1.01})
        assert one.history(["SPY"], *DAY, now=at("09:31:20")).bars[0].open == 101.0
        assert one.history(["SPY"], *DAY, now=at("09:31:31")).bars == [true]
        assert one.final_bars(["SPY"], *DAY) == [true]

    def test_it_may_be_rewritten_later_and_is_right_then(self) -> None:
        true = bar("SPY", "09:30", 100.0)
        fault = {"kind": "history_differs", "at": "09:30", "after": 600, "price": 0.5, "volume": 2}
        one = market([true], fault)
        assert one.history(["SPY"], *DAY, now=at("09:40")).bars == [true]
        rewritten = FeedBar("SPY", at("09:30"), 50.0, 50.5, 49.5, 50.25, 2000.0)
        assert one.history(["SPY"], *DAY, now=at("09:42")).bars == [rewritten]
        assert one.final_bars(["SPY"], *DAY) == [rewritten]

    @pytest.mark.parametrize(("how", "hangs"), [("error", False), ("hang", True)])
    def test_it_fails_for_a_time(self, how: str, hangs: bool) -> None:
        one = market(morning(), {"kind": "history_fails", "at": "09:35", "for": "1m", "how": how})
        with pytest.raises(HistoryFailedError, match="history does not answer") as caught:
            one.history(BOTH, *DAY, now=at("09:35:30"))
        assert caught.value.hangs == hangs
        assert isinstance(caught.value, FeedError)
        assert len(one.history(BOTH, *DAY, now=at("09:36:01")).bars) == 12

    def test_by_itself_it_never_confirms_an_empty_minute(self) -> None:
        assert market(morning()).history(BOTH, *DAY, now=at("16:00")).complete_until == 0

    def test_it_confirms_empty_minutes_where_the_script_says_so(self) -> None:
        one = market(morning(("SPY",), 3)[::2], history_confirms_empty=True)
        answer = one.history(["SPY"], *DAY, now=at("09:33:01"))
        assert [bar.opened_at for bar in answer.bars] == [at("09:30"), at("09:32")]
        assert answer.complete_until == at("09:33")  # 09:31 was empty

    def test_it_confirms_nothing_from_a_bar_on_that_it_will_have_later(self) -> None:
        late = {"kind": "missing", "at": "09:31", "history_after": 600}
        never = {"kind": "missing", "at": "09:30", "history_after": "never"}
        one = market(morning(("SPY",), 4), late, never, history_confirms_empty=True)
        assert one.history(["SPY"], *DAY, now=at("09:36")).complete_until == at("09:31")
        assert one.history(["SPY"], *DAY, now=at("09:45")).complete_until == at("09:44:59")


SHARES = st.fixed_dictionaries(
    {
        name: st.sampled_from([0.0, 0.1, 0.5])
        for name in (
            "duplicate", "reorder", "late", "early", "corrected", "missing", "lost", "history_late",
            "history_differs", "gap", "disconnect", "mute",
        )
    }
)  # fmt: skip
LISTED = st.lists(
    st.builds(
        lambda minute, fields: {"at": f"09:{30 + minute}", **fields},
        st.integers(0, 9),
        st.sampled_from(
            [
                {"kind": "late", "by": 75, "symbol": "SPY"},
                {"kind": "early", "by": 20, "for": "3m"},
                {"kind": "reorder", "for": "4m"},
                {"kind": "corrected", "for": "2m"},
                {"kind": "duplicate", "times": 3, "after": 40},
                {"kind": "missing", "history_after": 90},
                {"kind": "disconnect", "for": 100},
                {"kind": "mute", "for": 100},
            ]
        ),
    ),
    max_size=5,
)


@st.composite
def markets(draw: st.DrawFn) -> ScriptedMarket:
    seed = draw(st.integers(0, 10**6))
    document = {"faults": draw(LISTED), "random": {"seed": seed, **draw(SHARES)}}
    return ScriptedMarket(morning(), parse_fault_script(document), zone=NEW_YORK)


@settings(max_examples=40)
@given(one=markets(), cuts=st.lists(st.floats(-300, 1800), max_size=12))
def test_however_time_is_cut_the_same_messages_come_in_the_same_order(
    one: ScriptedMarket, cuts: list[float]
) -> None:
    again = ScriptedMarket(morning(), one.plan.script, zone=NEW_YORK)
    times = [DAY[0], *sorted(at("09:30") + cut for cut in cuts), DAY[1]]
    pieces = [message for after, until in pairwise(times) for message in again.due(after, until)]
    assert pieces == one.due(*DAY)


@settings(max_examples=40)
@given(one=markets())
def test_a_walk_from_message_to_message_finds_them_all(one: ScriptedMarket) -> None:
    walker = ScriptedMarket(morning(), one.plan.script, zone=NEW_YORK)
    found, now = [], float(DAY[0])
    while (following := walker.next_due(now, DAY[1])) is not None:
        assert following > now
        found += walker.due(now, following)
        now = following
    assert found == one.due(*DAY)


@settings(max_examples=40)
@given(one=markets())
def test_without_lost_messages_the_bars_of_the_stream_and_late_history_are_the_final_ones(
    one: ScriptedMarket,
) -> None:
    final = {(bar.symbol, bar.opened_at): bar for bar in one.final_bars(BOTH, *DAY)}
    answer = one.history(BOTH, *DAY, now=DAY[1])
    assert {(bar.symbol, bar.opened_at): bar for bar in answer.bars} == final
    true = {(bar.symbol, bar.opened_at): bar for bar in morning()}
    shares = one.plan.script.random
    assert shares is not None
    assert final.keys() <= true.keys()
    if not shares.lost:
        assert final.keys() == true.keys()
    if not shares.history_differs:
        assert all(true[key] == bar for key, bar in final.items())


@settings(max_examples=40)
@given(one=markets(), asked=st.lists(st.floats(0, 1800), min_size=1, max_size=6))
def test_what_history_confirms_as_empty_stays_empty(one: ScriptedMarket, asked: list[float]) -> None:
    script = one.plan.script.model_copy(update={"history_confirms_empty": True})
    confirming = ScriptedMarket(morning(), script, zone=NEW_YORK)
    final = {(bar.symbol, bar.opened_at) for bar in confirming.final_bars(BOTH, *DAY)}
    for seconds in asked:
        answer = confirming.history(BOTH, *DAY, now=at("09:30") + seconds)
        had = {(bar.symbol, bar.opened_at) for bar in answer.bars}
        assert had <= final
        assert {key for key in final - had if key[1] + 60 <= answer.complete_until} == set()


@settings(max_examples=40)
@given(one=markets())
def test_every_message_is_of_a_true_bar_and_updated_ones_have_its_values(one: ScriptedMarket) -> None:
    true = {(bar.symbol, bar.opened_at): bar for bar in morning()}
    for message in one.due(*DAY):
        key = (message.bar.symbol, message.bar.opened_at)
        assert one.is_connected(message.at)
        if message.bar.kind is BarKind.UPDATED:
            assert message.bar == true[key]._replace(kind=BarKind.UPDATED)
        assert message.bar.low <= min(message.bar.open, message.bar.close)
        assert message.bar.high >= max(message.bar.open, message.bar.close)


def test_the_same_seed_gives_the_same_faults_and_another_one_others() -> None:
    def messages(seed: int) -> list[Delivery]:
        shares = {"late": 0.3, "duplicate": 0.3, "corrected": 0.3, "missing": 0.2, "disconnect": 0.1}
        return market(morning(minutes=29), random={"seed": seed, **shares}).due(*DAY)

    assert messages(7) == messages(7)
    assert messages(7) != messages(8)


def test_shares_of_random_faults_are_about_as_asked() -> None:
    symbols = tuple(f"S{n:03}" for n in range(100))
    one = market(morning(symbols, 20), random={"seed": 3, "missing": 0.05})
    assert 1850 < len(one.due(*DAY)) < 1950  # of 2,000; about four standard deviations
