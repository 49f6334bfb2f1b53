"""Names of exchanges against exchange_calendars."""

from __future__ import annotations

import exchange_calendars
import pytest

from tapedeck.engine.config import EXCHANGE_GROUPS, resolve_exchange
from tapedeck.engine.errors import CalendarError


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("US_EQUITY", "XNYS"),
        ("us_equity", "XNYS"),
        ("CRYPTO", "24/7"),
        ("JP_EQUITY", "XTKS"),
        ("HK_EQUITY", "XHKG"),
        ("UK_EQUITY", "XLON"),
        ("DE_EQUITY", "XETR"),
        ("US_FUTURES", "CMES"),
        (" XNYS ", "XNYS"),
        ("NYSE", "XNYS"),
        ("nyse ", "XNYS"),
        ("xnys", "XNYS"),
        ("nasdaq", "XNYS"),
        ("CME", "CMES"),
        ("XWAR", "XWAR"),
        ("24/7", "24/7"),
    ],
)
def test_a_group_code_or_alias_means_a_calendar(written, code):
    assert resolve_exchange(written) == code


def test_every_group_means_a_calendar_that_exists():
    codes = set(exchange_calendars.get_calendar_names(include_aliases=False))
    assert set(EXCHANGE_GROUPS.values()) <= codes


# exchange_calendars has a generic calendar "us_futures"; the group of that name means the CME's.
NAMES = [name for name in exchange_calendars.get_calendar_names(include_aliases=True) if name != "us_futures"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_the_calendars_have_is_understood(name):
    assert resolve_exchange(name) == exchange_calendars.resolve_alias(name)


@pytest.mark.parametrize(
    ("written", "near"), [("US_EQITY", "US_EQUITY"), ("XNYSE", "XNYS"), ("NASDQ", "NASDAQ")]
)
def test_a_misspelt_exchange_names_the_nearest(written, near):
    with pytest.raises(CalendarError, match=f"unknown exchange {written!r}. Did you mean {near!r}"):
        resolve_exchange(written)


def test_an_exchange_like_no_other_gets_no_guess():
    with pytest.raises(CalendarError) as caught:
        resolve_exchange("the moon (dark side)")
    assert "Did you mean" not in str(caught.value)
    assert "`tapedeck calendar --list` lists all exchanges" in str(caught.value)
