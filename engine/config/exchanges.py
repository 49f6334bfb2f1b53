"""Names of exchanges: groups, codes and aliases, each with the code of its calendar.

The one owner of these names, for session files, commands and calendars. Importing exchange_calendars takes
most of a second, so it is imported only for names that are not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from tapedeck.engine.errors import CalendarError, did_you_mean, nearest

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
"""Group names, and the exchange_calendars code of each."""

_LIST: Final = "`tapedeck calendar --list` lists all exchanges"
_LISTED_CODES: Final = frozenset(EXCHANGE_GROUPS.values())


def resolve_exchange(text: str) -> str:
    """Return the exchange_calendars code of a group (`US_EQUITY`), code (`XNYS`) or alias (`NYSE`).

    Case is ignored. CalendarError for an unknown name, with the nearest known one.
    """
    code = find_exchange(text)
    if code is None:
        near = did_you_mean(nearest_exchange(text))
        raise CalendarError(f"unknown exchange {text!r}.{near} {_LIST}.")
    return code


@lru_cache(maxsize=256)
def find_exchange(text: str) -> str | None:
    """Return the code of the exchange named `text`, or None if it is unknown."""
    word = text.strip().upper()
    if word in EXCHANGE_GROUPS:
        return EXCHANGE_GROUPS[word]
    if word in _LISTED_CODES:
        return word
    return _calendar_codes().get(word)


def nearest_exchange(text: str) -> str | None:
    """Return the group, code or alias most similar to `text`, or None; groups take precedence."""
    return nearest(text, EXCHANGE_GROUPS) or nearest(text, _calendar_codes())


def describe_unknown(text: str) -> str:
    """Return the message for an unknown exchange, without the nearest name."""
    return f"unknown exchange {text!r}: {_LIST}"


@lru_cache(maxsize=1)
def _calendar_codes() -> dict[str, str]:
    """Return the codes and aliases of all calendars, in capitals, with the code each resolves to."""
    # Imported here, as the import takes longer than reading a session file.
    import exchange_calendars  # noqa: PLC0415

    names = exchange_calendars.get_calendar_names(include_aliases=True)
    return {name.upper(): exchange_calendars.resolve_alias(name) for name in names}
