"""Reports of the store commands: contents, damage, removals and repairs, as text, CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from tapedeck.console.cli.invocation import Invocation
from tapedeck.console.cli.store_jobs import Removal, Removed, Verified
from tapedeck.console.cli.terminal import Column, number_column
from tapedeck.engine.importers.repair import Repaired
from tapedeck.engine.store.checksums import dates_of
from tapedeck.engine.store.contents import SeriesContents
from tapedeck.engine.store.damage import Damage

_COLUMNS: Final = ("symbol", "interval", "first", "last", "bars", "days")
_EMPTY: Final = "empty"  # slots confirmed to have no trade; a column only where there are any
_QUOTES: Final = "quotes"  # the same
_MOST_SHOWN: Final = 20


def write_contents(found: Sequence[SeriesContents], invocation: Invocation, *, has_checks: bool) -> None:
    """Write the contents of a store as a table."""
    has_empty, quoted = any(one.empty for one in found), [one for one in found if one.quotes]
    found = [one for one in found if one.bars or not one.quotes]
    counts = (*_COLUMNS[4:], *([_EMPTY] if has_empty else []))
    columns = [*map(Column, _COLUMNS[:4]), *map(number_column, counts)]
    rows = [
        (
            one.symbol,
            str(one.interval),
            _moment(one.first, one),
            _moment(one.last, one),
            f"{one.bars:,}",
            f"{one.days:,}",
            *([f"{one.empty:,}"] if has_empty else []),
        )
        for one in found
    ]
    invocation.terminal.table(columns, rows)
    if quoted:
        invocation.terminal.write("")
        invocation.terminal.table(
            [*map(Column, _COLUMNS[:4]), number_column(_QUOTES)],
            [
                (
                    one.symbol,
                    str(one.interval),
                    _moment(one.first_quote, one),
                    _moment(one.last_quote, one),
                    f"{one.quotes:,}",
                )
                for one in quoted
            ],
        )
    location, bars = invocation.settings.store, sum(one.bars for one in found)
    symbols = len({one.symbol for one in found})
    what = _count(bars, "bar")
    if quoted:
        symbols = len({one.symbol for one in [*found, *quoted]})
        what += f", {_count(sum(one.quotes for one in quoted), 'quote')}"
    words = f"{_count(symbols, 'symbol')}, {what} in {location}; times and days are UTC"
    invocation.terminal.write(f"\n{words}")
    if not has_checks:
        invocation.terminal.write(_without_checks(invocation))


def write_contents_csv(found: Sequence[SeriesContents], invocation: Invocation, *, has_checks: bool) -> None:
    """Write the contents of a store as CSV; the same columns whether or not it has checksums.

    With the column `empty` if any slots are confirmed empty, and three more if any quotes are stored.
    """
    del has_checks
    has_empty, has_quotes = any(one.empty for one in found), any(one.quotes for one in found)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    of_quotes = (_QUOTES, "first_quote", "last_quote") if has_quotes else ()
    writer.writerow([*_COLUMNS, *([_EMPTY] if has_empty else []), *of_quotes])
    for one in found:
        counts = [one.bars, one.days, *([one.empty] if has_empty else [])]
        quotes = [one.quotes, one.first_quote, one.last_quote] if has_quotes else []
        writer.writerow([one.symbol, one.interval, one.first, one.last, *counts, *quotes])
    invocation.terminal.write(buffer.getvalue().removesuffix("\n"))


def write_contents_json(found: Sequence[SeriesContents], invocation: Invocation, *, has_checks: bool) -> None:
    """Write the contents of a store as one JSON document."""
    series = [asdict(one) | {"interval": str(one.interval)} for one in found]
    store = str(invocation.settings.store)
    invocation.terminal.write_json({"store": store, "has_checksums": has_checks, "series": series})


def write_verified(result: Verified, invocation: Invocation, *, has_checks: bool) -> None:
    """Write what is damaged, and how to go on."""
    location = invocation.settings.store
    if invocation.as_json:
        document = {
            "store": str(location),
            "ok": not result.damage and not result.interrupted,
            "has_checksums": has_checks,
            "series": result.series,
            "bars": result.bars,
            "damage": [_damage_document(one) for one in result.damage],
            "interrupted": result.interrupted,
        }
        invocation.terminal.write_json(document)
        return
    terminal = invocation.terminal
    for one in result.damage[:_MOST_SHOWN]:
        terminal.write(str(one))
    if len(result.damage) > _MOST_SHOWN:
        terminal.write(f"… and {len(result.damage) - _MOST_SHOWN:,} more (all with --json)")
    read = f"{_count(result.bars, 'whole bar')} in {_count(result.series, 'series', 'series')}"
    if result.interrupted:
        terminal.write(f"{location}: interrupted after {read}")
    elif result.damage:
        terminal.write(f"{location}: damaged in {_count(len(result.damage), 'place')}; {read}")
        terminal.write(f"rewrite it from its files: tapedeck store repair --from FILES --store {location}")
    else:
        found = "no damage found" if has_checks else "all bars can be read, no checksums to compare with"
        terminal.write(f"{location}: {found}; {read}")
    if not has_checks:
        terminal.write(_without_checks(invocation))


def write_planned_removal(planned: Sequence[Removal], invocation: Invocation, command: str) -> None:
    """Write what a removal would take, and the command that carries it out."""
    if invocation.as_json:
        removals = [_removal_document(one) for one in planned]
        invocation.terminal.write_json({"removed": [], "would_remove": removals, "command": command})
        return
    if not planned:
        invocation.terminal.write("nothing to remove: nothing of that interval is stored")
        return
    for one in planned:
        invocation.terminal.write(f"would remove {_removal_words(one)}")
    invocation.terminal.write(f"nothing was removed; to remove this: {command}")


def write_removed(removed: Sequence[Removed], invocation: Invocation) -> None:
    """Write what was removed."""
    if invocation.as_json:
        removals = [
            _removal_document(one.removal) | {"bars": one.bars, "quotes": one.quotes} for one in removed
        ]
        invocation.terminal.write_json({"removed": removals})
        return
    for one in removed:
        found = one.removal.contents
        what = _what(one.bars, one.quotes)
        invocation.terminal.write(f"removed {what} of {found.symbol} {found.interval}")


def write_repaired(repaired: Sequence[Repaired], invocation: Invocation) -> None:
    """Write what became of each piece of damage."""
    if invocation.as_json:
        document = [
            _damage_document(one.damage) | {"status": one.status, "detail": one.detail} for one in repaired
        ]
        invocation.terminal.write_json({"store": str(invocation.settings.store), "repaired": document})
        return
    if not repaired:
        words = "interrupted; nothing was changed" if invocation.interrupts.seen else "no damage"
        invocation.terminal.write(f"{invocation.settings.store}: {words}")
    meaning = {
        "restored": "restored, as it was written",
        "rewritten": "rewritten from the files",
        "left": "left as it is",
    }
    for one in repaired:
        detail = f": {one.detail}" if one.detail else ""
        invocation.terminal.write(f"{one.damage}: {meaning[one.status]}{detail}")


def _damage_document(damage: Damage) -> dict[str, object]:
    document: dict[str, object] = {"file": damage.file, "reason": damage.reason}
    if damage.series is not None:
        first, last = dates_of(damage.start, damage.end)
        symbol, interval = damage.series
        document |= {"symbol": symbol, "interval": str(interval), "first_day": first, "last_day": last}
    return document


def _removal_words(removal: Removal) -> str:
    found = removal.contents
    first, last = _removed_days(removal)
    what = _what(found.bars, found.quotes)
    return f"{found.symbol} {found.interval}, {first} to {last} (of {what} in all)"


def _what(bars: int, quotes: int) -> str:
    found = [_count(bars, "bar")] if bars or not quotes else []
    return " and ".join([*found, *([_count(quotes, "quote")] if quotes else [])])


def _removal_document(removal: Removal) -> dict[str, object]:
    first, last = _removed_days(removal)
    found = removal.contents
    return {"symbol": found.symbol, "interval": str(found.interval), "first_day": first, "last_day": last}


def _removed_days(removal: Removal) -> tuple[str, str]:
    first, last = dates_of(removal.start, removal.end)
    found = removal.contents
    starts = [stamp[:10] for stamp in (found.first, found.first_quote) if stamp]
    ends = [stamp[:10] for stamp in (found.last, found.last_quote) if stamp]
    return max(first, min(starts)), min(last, max(ends))


def _moment(stamp: str, series: SeriesContents) -> str:
    """Return a time such as 2013-10-07T13:30:00Z as short as the interval allows."""
    seconds = series.interval.seconds
    length = 10 if not series.interval.is_intraday else 16 if seconds % 60 == 0 else 19
    return stamp[:length].replace("T", " ")


def _without_checks(invocation: Invocation) -> str:
    location = invocation.settings.store
    return (
        "this store was made without checksums, so damage would not be noticed; to add them: "
        f"tapedeck store verify --accept --store {location}"
    )


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
