"""What only two fields together can get wrong.

Looked at in the document rather than the model, so that other faults of the file hide none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final, TypeVar

from pydantic_core import PydanticCustomError

from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.readers import ALL, read_date
from tapedeck.engine.config.session_indicator import output_names
from tapedeck.engine.config.talib_catalogue import RELATIVE_VOLUME, read_indicator_type
from tapedeck.engine.errors import ConfigProblem, nearest

T = TypeVar("T")

_DATA: Final = "session_data_config"
_INDICATORS: Final = (_DATA, "indicators")
_TRAILING: Final = (_DATA, "historical", "indicators")
_MINUTE_SPELLINGS: Final = ("minute", "intraday")


def find_conflicts(document: Mapping[str, object]) -> list[ConfigProblem]:
    """Return every disagreement between fields of `document`, which need not be valid otherwise."""
    return [problem for check in _CHECKS for problem in check(document)]


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


def _check_against(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    trailing = _section(document, *_TRAILING)
    for name, definition in _section(document, *_INDICATORS).items():
        wanted = definition.get("against") if isinstance(definition, Mapping) else None
        if not isinstance(wanted, str) or _type_of(definition) != RELATIVE_VOLUME:
            continue
        place = dotted((*_INDICATORS, name, "against"))
        if wanted not in trailing:
            usable = [other for other, one in trailing.items() if _is_minute_volume(one)]
            names = _some(usable) if usable else "there is none"
            wish = "a trailing_average of volume by the minute is wanted"
            message = f"{wanted!r} is no historical indicator; {wish}: {names}"
            yield ConfigProblem(place, wanted, message, nearest(wanted, usable))
        elif not _is_minute_volume(trailing[wanted]):
            message = (
                f"{wanted!r} will not do: {RELATIVE_VOLUME} compares with "
                "{type: trailing_average, granularity: minute, field: volume}"
            )
            yield ConfigProblem(place, wanted, message)


def _is_minute_volume(definition: object) -> bool:
    # A definition that is wrong otherwise is reported as such, not as unfit.
    return isinstance(definition, Mapping) and (
        definition.get("type") == "trailing_average"
        and definition.get("granularity") in _MINUTE_SPELLINGS
        and definition.get("field") == "volume"
    )


def _check_names(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    """No two indicators, historical or of the session, and no two of their outputs, have one name."""
    taken: dict[str, str] = {name: dotted((*_TRAILING, name)) for name in _section(document, *_TRAILING)}
    for name, definition in _section(document, *_INDICATORS).items():
        place = dotted((*_INDICATORS, name))
        for output in _names_of(name, definition):
            if output in taken:
                what = "the name" if output == name else "the output"
                yield ConfigProblem(
                    place, output, f"{what} {output!r} is taken already, by {taken[output]}: rename one"
                )
            else:
                taken[output] = place


def _names_of(name: str, definition: object) -> list[str]:
    """Return the indicator's own name and those of its outputs, as far as its type is known."""
    type_ = _type_of(definition)
    return [name] if type_ is None else list(dict.fromkeys([name, *output_names(name, type_)]))


def _type_of(definition: object) -> str | None:
    written = definition.get("type") if isinstance(definition, Mapping) else None
    return _valid(read_indicator_type, written) if isinstance(written, str) else None


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


_CHECKS: Final = (_check_mode, _check_dates, _check_apply_to, _check_against, _check_names)
