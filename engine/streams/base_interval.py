"""Choice of the streamed base interval, and of the stored source of each history interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tapedeck.engine.errors import DataMissingError
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.store.symbol_hints import nearest_symbol

Stored = Mapping[str, frozenset[Interval]]
_COARSEST_FIRST = tuple(sorted(BASE_INTERVALS, reverse=True))


def sources_of(interval: Interval) -> tuple[Interval, ...]:
    """Return the base intervals that can make `interval` exactly, coarsest first."""
    return tuple(base for base in _COARSEST_FIRST if interval.can_be_made_from(base))


def choose_base(requested: Iterable[Interval], symbols: Sequence[str], stored: Stored) -> Interval:
    """Return the coarsest stored interval that can make every requested one, for all symbols.

    Raises DataMissingError with the symbols that lack it, if there is none.
    """
    intervals = sorted(set(requested))
    candidates = [base for base in _COARSEST_FIRST if all(i.can_be_made_from(base) for i in intervals)]
    for base in candidates:
        if all(base in stored[symbol] for symbol in symbols):
            return base
    raise _no_base(intervals, candidates, symbols, stored)


def choose_source(interval: Interval, symbol: str, stored: Stored) -> Interval:
    """Return the stored source of a symbol's history of an interval: that interval, or the next finer one.

    Raises DataMissingError if no stored interval can make it.
    """
    for source in sources_of(interval):
        if source in stored[symbol]:
            return source
    raise DataMissingError(
        f"no source for the {interval} history of {symbol}: it needs one of {_listed(sources_of(interval))}, "
        f"stored: {_listed(stored[symbol])}. Import such bars, or delete {interval} from historical.data.",
        symbols=[symbol],
        interval=str(interval),
    )


def _no_base(
    intervals: Sequence[Interval], candidates: Sequence[Interval], symbols: Sequence[str], stored: Stored
) -> DataMissingError:
    # Bars of `best` for the missing symbols are what the run needs, whatever else they have.
    best = max(candidates, key=lambda base: sum(base in stored[symbol] for symbol in symbols))
    missing = [symbol for symbol in symbols if best not in stored[symbol]]
    needed = " or ".join(str(base) for base in candidates)
    if any(base in stored[symbol] for symbol in missing for base in candidates):
        fault = f"no stored {best} bars, which the other symbols have"
    else:
        fault = f"no stored bars that can make {_listed(intervals)}"
    lines = [f"{', '.join(missing)}: {fault} (needed: {needed}, the same for all symbols)."]
    for symbol in missing[:5]:
        hint = nearest_symbol(symbol, [name for name in stored if stored[name]])
        found = f"stored: {_listed(stored[symbol])}" if stored[symbol] else "no bars stored"
        lines.append(f"  {symbol}: {found}" + (f"; did you mean {hint}?" if hint else ""))
    lines.append("Import them: `tapedeck import lean PATH --store STORE`, or `import csv`, `import parquet`.")
    return DataMissingError("\n".join(lines), symbols=missing, interval=str(best))


def _listed(intervals: Iterable[Interval]) -> str:
    return ", ".join(str(interval) for interval in sorted(intervals))
