"""Which stored interval is streamed, and what everything else is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tapedeck.engine.errors import DataMissingError, nearest
from tapedeck.engine.intervals import BASE_INTERVALS, Interval

Stored = Mapping[str, frozenset[Interval]]
_COARSEST_FIRST = tuple(sorted(BASE_INTERVALS, reverse=True))


def sources_of(interval: Interval) -> tuple[Interval, ...]:
    """Return the base intervals from which `interval` can be made exactly, coarsest first."""
    return tuple(base for base in _COARSEST_FIRST if interval.can_be_made_from(base))


def choose_base(requested: Iterable[Interval], symbols: Sequence[str], stored: Stored) -> Interval:
    """Return the coarsest stored interval from which every requested one can be made, for all symbols.

    Raises DataMissingError where there is none, naming the symbols that stand in the way.
    """
    wanted = sorted(set(requested))
    candidates = [base for base in _COARSEST_FIRST if all(i.can_be_made_from(base) for i in wanted)]
    for base in candidates:
        if all(base in stored[symbol] for symbol in symbols):
            return base
    raise _no_base(wanted, candidates, symbols, stored)


def choose_source(interval: Interval, symbol: str, stored: Stored) -> Interval:
    """Return where a symbol's history of an interval comes from: the store's own bars, or the next finer.

    Raises DataMissingError where nothing stored can make it.
    """
    for source in sources_of(interval):
        if source in stored[symbol]:
            return source
    raise DataMissingError(
        f"history of {interval} for {symbol} cannot be made: stored are {_listed(stored[symbol])}, "
        f"needed is one of {_listed(sources_of(interval))}. Import such bars, or leave {interval} out of "
        "historical.data.",
        symbols=[symbol],
        interval=str(interval),
    )


def _no_base(
    wanted: Sequence[Interval], candidates: Sequence[Interval], symbols: Sequence[str], stored: Stored
) -> DataMissingError:
    best = candidates[0]
    missing = [symbol for symbol in symbols if not any(base in stored[symbol] for base in candidates)]
    # No one interval fits all, though each symbol has one: name those that lack the commonest.
    if not missing:
        best = max(candidates, key=lambda base: sum(base in stored[symbol] for symbol in symbols))
        missing = [symbol for symbol in symbols if best not in stored[symbol]]
    lines = [
        f"{', '.join(missing)}: no bars are stored from which {_listed(wanted)} can be made "
        f"(needed: {' or '.join(str(base) for base in candidates)}, for all symbols alike)."
    ]
    for symbol in missing[:5]:
        hint = nearest(symbol, [name for name in stored if stored[name] and name != symbol])
        has = _listed(stored[symbol]) if stored[symbol] else "nothing"
        lines.append(f"  {symbol}: stored is {has}" + (f"; did you mean {hint}?" if hint else ""))
    lines.append("Import them: `tapedeck import lean PATH --store STORE`, or `import csv`, `import parquet`.")
    return DataMissingError("\n".join(lines), symbols=missing, interval=str(best))


def _listed(intervals: Iterable[Interval]) -> str:
    return ", ".join(str(interval) for interval in sorted(intervals))
