"""Results of scanner classes: checks, and the ranks of the symbols found."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import islice

from tapedeck.engine.errors import EngineError, listed
from tapedeck.engine.tape.scan_records import FoundSymbol
from tapedeck.engine.universe.scanner import Found


class ScanResultError(EngineError):
    """What a scan returned is invalid."""


def ranked(result: object, universe: Container[str], top: int | None) -> tuple[FoundSymbol, ...]:
    """Return the symbols of a scan's result with their ranks from 1, at most `top`.

    A symbol that is there twice keeps its first rank. Raises ScanResultError if one is not in `universe`, or
    if it is something else.
    """
    if isinstance(result, str) or not isinstance(result, Iterable):
        raise ScanResultError(f"scan returned {result!r:.80}: return a list of symbols or Found")
    found: dict[str, Found] = {}
    for item in result:
        one = _found(item)
        found.setdefault(one.symbol, one)
    unknown = [symbol for symbol in found if symbol not in universe]
    if unknown:
        raise ScanResultError(f"scan found symbols that are not in the universe: {listed(unknown)}")
    return tuple(
        FoundSymbol(rank, symbol, _values(one))
        for rank, (symbol, one) in enumerate(islice(found.items(), top), start=1)
    )


def _found(item: object) -> Found:
    if isinstance(item, Found) and isinstance(item.symbol, str):
        return item
    if isinstance(item, str):
        return Found(str(item))
    raise ScanResultError(f"scan found {item!r:.80}: return a list of symbols or Found")


def _values(found: Found) -> tuple[tuple[str, float], ...]:
    try:
        values = tuple((str(name), float(value)) for name, value in found.values.items())
        if not all(name.strip() for name, _ in values):
            raise ValueError
        return values
    except (AttributeError, TypeError, ValueError) as error:
        message = f"Found.values of {found.symbol} must be numbers by name, not {found.values!r:.80}"
        raise ScanResultError(message) from error
