"""Which exchange calendar an `exchange_group` means.

exchange_calendars takes most of a second to import, so it is asked only about codes that are not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from tapedeck.engine.errors import CalendarError, nearest

EXCHANGE_GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "US_EQUITY": "XNYS",
        "US_FUTURES": "CMES",
        "CA_EQUITY": "XTSE",
        "BR_EQUITY": "BVMF",
        "MX_EQUITY": "XMEX",
        "UK_EQUITY": "XLON",
        "DE_EQUITY": "XETR",
        "FR_EQUITY": "XPAR",
        "NL_EQUITY": "XAMS",
        "BE_EQUITY": "XBRU",
        "CH_EQUITY": "XSWX",
        "IT_EQUITY": "XMIL",
        "ES_EQUITY": "XMAD",
        "SE_EQUITY": "XSTO",
        "JP_EQUITY": "XTKS",
        "HK_EQUITY": "XHKG",
        "CN_EQUITY": "XSHG",
        "KR_EQUITY": "XKRX",
        "TW_EQUITY": "XTAI",
        "IN_EQUITY": "XBOM",
        "SG_EQUITY": "XSES",
        "AU_EQUITY": "XASX",
        "NZ_EQUITY": "XNZE",
        "ZA_EQUITY": "XJSE",
        "FOREX": "24/5",
        "CRYPTO": "24/7",
    }
)
"""Group names for those who do not know the codes by heart, and the exchange_calendars code of each."""

_LISTED_CODES: Final = frozenset(EXCHANGE_GROUPS.values())


def resolve_exchange(text: str) -> str:
    """Return the exchange_calendars code that a group (`US_EQUITY`), code (`XNYS`) or alias (`NYSE`) means.

    Case is ignored. Raises CalendarError for a name that is none of these, with the nearest that is one.
    """
    code = find_exchange(text)
    if code is None:
        near = nearest_exchange(text)
        hint = f" Did you mean {near!r}?" if near else ""
        raise CalendarError(f"{describe_unknown(text)}.{hint}")
    return code


@lru_cache(maxsize=256)
def find_exchange(text: str) -> str | None:
    """Return the code that `text` means, or None where no calendar has that name."""
    word = text.strip().upper()
    if word in EXCHANGE_GROUPS:
        return EXCHANGE_GROUPS[word]
    if word in _LISTED_CODES:
        return word
    return _calendar_codes().get(word)


def nearest_exchange(text: str) -> str | None:
    """Return the group, code or alias spelled most like `text`, or None; groups are looked at first."""
    return nearest(text, EXCHANGE_GROUPS) or nearest(text, _calendar_codes())


def describe_unknown(text: str) -> str:
    """Say that `text` is no exchange, and what would be one."""
    groups = ", ".join(EXCHANGE_GROUPS)
    return f"{text!r} is no exchange: write a group ({groups}) or any exchange_calendars code, like XNYS"


@lru_cache(maxsize=1)
def _calendar_codes() -> dict[str, str]:
    """Codes and aliases of every calendar, in capitals, with the code each resolves to."""
    # Imported here because it costs more than everything else that reading a file needs.
    import exchange_calendars  # noqa: PLC0415

    names = exchange_calendars.get_calendar_names(include_aliases=True)
    return {name.upper(): exchange_calendars.resolve_alias(name) for name in names}
