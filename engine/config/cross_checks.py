"""Cross checks of a session file: conflicts between fields, and warnings.

They read the document, not the model, so a fault in one field does not hide a conflict between others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Final, TypeVar

from pydantic_core import PydanticCustomError

from tapedeck.engine.config.catalogue import HistoricalNeed, IndicatorCatalogue, IndicatorType, output_names
from tapedeck.engine.config.faults import Location
from tapedeck.engine.config.names import is_reserved, other_names
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.readers import ALL, QUOTES, read_date
from tapedeck.engine.config.scanner_checks import find_scanner_conflicts, find_scanner_warnings
from tapedeck.engine.config.strategy_checks import find_strategy_conflicts, find_strategy_warnings
from tapedeck.engine.errors import ConfigProblem, listed, nearest, unknown_name

T = TypeVar("T")

_DATA: Final = "session_data_config"
_INDICATORS: Final = (_DATA, "indicators")
_TRAILING: Final = (_DATA, "historical", "indicators")


def find_conflicts(document: Mapping[str, object], catalogue: IndicatorCatalogue) -> list[ConfigProblem]:
    """Return every conflict between fields of `document`, which may have other faults."""
    found = [problem for check in _CHECKS for problem in check(document)]
    found += find_scanner_conflicts(_section(document, _DATA))
    found += find_strategy_conflicts(document)
    found += _check_against(document, catalogue)
    found += _check_names(document, catalogue)
    found += _check_reserved(document, catalogue)
    return found


def find_warnings(document: Mapping[str, object]) -> list[str]:
    """Return warnings: valid settings that are probably mistakes."""
    return [*find_scanner_warnings(_section(document, _DATA)), *find_strategy_warnings(document)]


def _check_mode(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    if document.get("mode", "backtest") == "backtest" and "backtest_config" not in document:
        message = "is required in mode backtest: {start_date: YYYY-MM-DD, end_date: YYYY-MM-DD}"
        yield ConfigProblem("backtest_config", None, message)


def _check_dates(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    backtest = _section(document, "backtest_config")
    start, end = (_valid(read_date, backtest.get(name)) for name in ("start_date", "end_date"))
    if isinstance(start, date) and isinstance(end, date) and start > end:
        message = f"must be on or after start_date {start}, not {end}"
        yield ConfigProblem("backtest_config.end_date", end, message)


def _check_apply_to(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    symbols, entries = (
        _section(document, _DATA).get("symbols"),
        _section(document, _DATA, "historical").get("data"),
    )
    if not isinstance(symbols, list) or not isinstance(entries, list):
        return
    known = [symbol for symbol in symbols if isinstance(symbol, str) and symbol]
    for position, entry in enumerate(entries):
        wanted = entry.get("apply_to") if isinstance(entry, Mapping) else None
        for index, symbol in enumerate(wanted if isinstance(wanted, list) else []):
            if isinstance(symbol, str) and symbol not in known:
                place = dotted((_DATA, "historical", "data", position, "apply_to", index))
                hint = f". For every symbol, write apply_to: {ALL}" if symbol == ALL else ""
                message = f"{unknown_name('symbol', symbol, known, owner='this file')}{hint}"
                yield ConfigProblem(place, symbol, message, nearest(symbol, known))


def _check_against(document: Mapping[str, object], catalogue: IndicatorCatalogue) -> Iterator[ConfigProblem]:
    trailing = _section(document, *_TRAILING)
    for name, definition in _section(document, *_INDICATORS).items():
        wanted = definition.get("against") if isinstance(definition, Mapping) else None
        type_ = _type_of(definition, catalogue)
        if not isinstance(wanted, str) or type_ is None or type_.against is None:
            continue
        place, need = dotted((*_INDICATORS, name, "against")), type_.against
        if wanted not in trailing:
            usable = [other for other, one in trailing.items() if _meets(one, need)]
            message = (
                f"unknown historical indicator {wanted!r}: {type_.type} needs one with {need}; this file has "
                f"{listed(usable)}"
            )
            yield ConfigProblem(place, wanted, message, nearest(wanted, usable))
        elif not _meets(trailing[wanted], need):
            yield ConfigProblem(
                place, wanted, f"unusable historical indicator {wanted!r}: {type_.type} needs one with {need}"
            )


def _meets(definition: object, need: HistoricalNeed) -> bool:
    # A definition of a wrong type is reported by the model, not here.
    if not isinstance(definition, Mapping):
        return False
    granularity = definition.get("granularity", "daily")
    if granularity == "intraday":
        granularity = "minute"
    return (
        definition.get("type") == need.type
        and granularity == need.granularity
        and definition.get("field") == need.field
    )


def _check_names(document: Mapping[str, object], catalogue: IndicatorCatalogue) -> Iterator[ConfigProblem]:
    """Yield a problem for each name of an indicator or output, historical or not, that is used twice."""
    taken: dict[str, str] = {name: dotted((*_TRAILING, name)) for name in _section(document, *_TRAILING)}
    for name, definition in _section(document, *_INDICATORS).items():
        place = dotted((*_INDICATORS, name))
        for output in _names_of(name, _type_of(definition, catalogue)):
            if output in taken:
                what = "the name" if output == name else "the output"
                yield ConfigProblem(
                    place, output, f"{what} {output!r} is used already by {taken[output]}: rename one"
                )
            else:
                taken[output] = place


def _check_reserved(document: Mapping[str, object], catalogue: IndicatorCatalogue) -> Iterator[ConfigProblem]:
    """Yield a problem for each reserved name of an indicator or output, historical or not."""
    types: dict[Location, IndicatorType | None] = {
        (*_TRAILING, name): None for name in _section(document, *_TRAILING)
    }
    for name, definition in _section(document, *_INDICATORS).items():
        types[*_INDICATORS, name] = _type_of(definition, catalogue)
    taken = {output for place, type_ in types.items() for output in _names_of(str(place[-1]), type_)}
    streams = _section(document, _DATA).get("streams")
    reserved = partial(is_reserved, with_quotes=isinstance(streams, list | tuple) and QUOTES in streams)
    for place, type_ in types.items():
        name = str(place[-1])
        for output in filter(reserved, _names_of(name, type_)):
            what = "reserved name" if output == name else "the output has the reserved name"
            other = next(
                other
                for other in other_names(name)
                if not any(one in taken or reserved(one) for one in _names_of(other, type_))
            )
            message = f"{what} {output!r}, used by conditions and columns: choose another, such as {other!r}"
            yield ConfigProblem(dotted(place), output, message)


def _names_of(name: str, type_: IndicatorType | None) -> list[str]:
    """Return the names of the indicator and of its outputs; only its own for an unknown type."""
    return [name] if type_ is None else list(dict.fromkeys([name, *output_names(name, type_.outputs)]))


def _type_of(definition: object, catalogue: IndicatorCatalogue) -> IndicatorType | None:
    written = definition.get("type") if isinstance(definition, Mapping) else None
    return _valid(catalogue.read_type, written) if isinstance(written, str) else None


def _section(document: Mapping[str, object], *path: str) -> Mapping[str, object]:
    """Return the mapping at `path`, or an empty one."""
    node: object = document
    for name in path:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _valid(read: Callable[..., T], value: object) -> T | None:
    """Return the result of `read`, or None for an invalid value, which the model reports."""
    try:
        return read(value)
    except PydanticCustomError:
        return None


_CHECKS: Final = (_check_mode, _check_dates, _check_apply_to)
