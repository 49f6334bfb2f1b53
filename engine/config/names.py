"""Indicator names: identifiers that are not reserved."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from itertools import count
from typing import Annotated, Any, Final

from pydantic import AfterValidator, WithJsonSchema

from tapedeck.engine.config.faults import fault, shown

_COLUMNS: Final = """
    open high low close volume last change change_pct change_open_pct prev_close gap_pct
    day_open day_high day_low day_volume price prices typical bid ask spread quote quotes
    avg_volume_to_now pre_high pre_low pre_volume pre_gap_pct
    symbol symbols interval timestamp name value bar bars base base_bars derived missing expected actual
"""
_SESSION: Final = """
    time clock now date day session slot frontier tape mode state speed quality gaps gap history historical
    indicator indicators scanner position positions cash equity
    unrealised bars_held minutes_to_close minutes_since_open
"""
_CONDITIONS: Final = """
    any all not and or in is if else true false none null nan inf abs min max sum mean count prev previous
    cross crosses crossed above below between
"""
RESERVED_NAMES: Final = frozenset(f"{_COLUMNS} {_SESSION} {_CONDITIONS}".split())
"""Words used by the console, conditions and exports; case is ignored."""


def read_indicator_name(value: str) -> str:
    """Return `value` if it is an identifier, raise a fault if not; `is_reserved` is checked for the file."""
    return read_identifier(value, "indicator name")


def read_identifier(value: str, what: str) -> str:
    """Return `value` if it is an identifier, raise a fault if not; `what`: its kind, for the message."""
    if not value.isidentifier():
        raise fault(
            f"invalid {what} {shown(value)}: use letters, digits and _, with a letter or _ first",
            _as_identifier(value),
        )
    return value


RESERVED_WITH_QUOTES: Final = frozenset({"bid_size", "ask_size"})
"""Words that are reserved in files that stream quotes; files of before may use them for indicators."""


def is_reserved(name: str, *, with_quotes: bool = False) -> bool:
    """Whether a name is used by conditions, columns or Python; case is ignored.

    `with_quotes`: whether the file streams quotes.
    """
    word = name.casefold()
    return word in RESERVED_NAMES or keyword.iskeyword(name) or (with_quotes and word in RESERVED_WITH_QUOTES)


def other_names(name: str) -> Iterator[str]:
    """Yield names like a reserved one, without end."""
    yield f"my_{name}"
    yield from (f"my_{name}_{number}" for number in count(2))


def _as_identifier(text: str) -> str | None:
    """Return the words of `text` joined by `_`, or None if that is not a valid name."""
    joined = re.sub(r"\W+", "_", text.strip()).strip("_")
    return joined if joined.isidentifier() and joined.casefold() not in RESERVED_NAMES else None


IDENTIFIER_SCHEMA: Final = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
IndicatorName = Annotated[str, AfterValidator(read_indicator_name), WithJsonSchema(IDENTIFIER_SCHEMA)]


def without_required_name(schema: dict[str, Any]) -> None:
    """Take `name` from the required fields of a model that is named after its class."""
    schema["required"].remove("name")
