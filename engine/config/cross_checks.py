"""What only two fields together can get wrong.

Looked at in the document rather than the model, so that other faults of the file hide none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final, TypeVar

from pydantic_core import PydanticCustomError

from tapedeck.engine.config.catalogue import HistoricalNeed, IndicatorCatalogue, IndicatorType, output_names
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.readers import ALL, read_date
from tapedeck.engine.errors import ConfigProblem, nearest

T = TypeVar("T")

_DATA: Final = "session_data_config"
_INDICATORS: Final = (_DATA, "indicators")
_TRAILING: Final = (_DATA, "historical", "indicators")


def find_conflicts(document: Mapping[str, object], catalogue: IndicatorCatalogue) -> list[ConfigProblem]:
    """Return every disagreement between fields of `document`, which need not be valid otherwise."""
    found = [problem for check in _CHECKS for problem in check(document)]
    found += _check_against(document, catalogue)
    found += _check_names(document, catalogue)
    return found


def find_oddities(document: Mapping[str, object]) -> list[str]:
    """Return warnings: what may stand so, but hardly is what its writer wants."""
    scanners = _section(document, _DATA).get("scanners")
    return [
        f"{dotted((_DATA, 'scanners', position))} never runs: it has no schedules, and pre_session is false"
        for position, scanner in enumerate(scanners if isinstance(scanners, list) else [])
        if isinstance(scanner, Mapping)
        and scanner.get("pre_session") is False
        and not scanner.get("schedules")
    ]


def _check_mode(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    if document.get("mode", "backtest") == "backtest" and "backtest_config" not in document:
        message = "is required in mode backtest: {start_date: YYYY-MM-DD, end_date: YYYY-MM-DD}"
        yield ConfigProblem("backtest_config", None, message)


def _check_dates(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    backtest = _section(document, "backtest_config")
    start, end = (_valid(read_date, backtest.get(name)) for name in ("start_date", "end_date"))
    if isinstance(start, date) and isinstance(end, date) and start > end:
        message = f"must not be before start_date: {end} is earlier than {start}"
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
                hint = f"; for every symbol, write apply_to: {ALL}" if symbol == ALL else ""
                message = f"{symbol!r} is not among the symbols of this file ({_some(known)}){hint}"
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
            names = f"usable here: {_some(usable)}" if usable else "the file has none"
            message = (
                f"{wanted!r} is not a historical indicator of this file; {type_.type} needs one with {need}"
            )
            yield ConfigProblem(place, wanted, f"{message} ({names})", nearest(wanted, usable))
        elif not _meets(trailing[wanted], need):
            yield ConfigProblem(
                place, wanted, f"{wanted!r} cannot be used here: {type_.type} compares with {need}"
            )


def _meets(definition: object, need: HistoricalNeed) -> bool:
    # A definition that is wrong otherwise is reported as such, not as unfit.
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
    """No two indicators, historical or of the session, and no two of their outputs, have one name."""
    taken: dict[str, str] = {name: dotted((*_TRAILING, name)) for name in _section(document, *_TRAILING)}
    for name, definition in _section(document, *_INDICATORS).items():
        place = dotted((*_INDICATORS, name))
        for output in _names_of(name, _type_of(definition, catalogue)):
            if output in taken:
                what = "the name" if output == name else "the output"
                yield ConfigProblem(
                    place, output, f"{what} {output!r} is taken already, by {taken[output]}: rename one"
                )
            else:
                taken[output] = place


def _names_of(name: str, type_: IndicatorType | None) -> list[str]:
    """Return the indicator's own name and those of its outputs, as far as its type is known."""
    return [name] if type_ is None else list(dict.fromkeys([name, *output_names(name, type_.outputs)]))


def _type_of(definition: object, catalogue: IndicatorCatalogue) -> IndicatorType | None:
    written = definition.get("type") if isinstance(definition, Mapping) else None
    return _valid(catalogue.read_type, written) if isinstance(written, str) else None


def _section(document: Mapping[str, object], *path: str) -> Mapping[str, object]:
    """Return the mapping at `path`, or an empty one where there is none."""
    node: object = document
    for name in path:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _valid(read: Callable[..., T], value: object) -> T | None:
    """Return what `read` makes of `value`, or None where it is at fault, which the model reports."""
    try:
        return read(value)
    except PydanticCustomError:
        return None


def _some(names: list[str]) -> str:
    shown_names = ", ".join(names[:8])
    return shown_names if len(names) <= 8 else f"{shown_names} and {len(names) - 8} more"


_CHECKS: Final = (_check_mode, _check_dates, _check_apply_to)
