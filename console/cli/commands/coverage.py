"""`tapedeck coverage`: stored bars of a session file, by symbol and trading day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.failures import DATA_MISSING, DONE
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import JsonOption, SessionFile, StoreOption, bad_option, examples
from tapedeck.console.cli.terminal import Cell, Column, Terminal, number_column

if TYPE_CHECKING:
    from tapedeck.engine.store.coverage import Coverage, DayCoverage

EPILOG: Final = examples(
    "tapedeck coverage october.yaml --store bars.db",
    "tapedeck coverage october.yaml --min-quality 99 --json",
)
# For longer spans only days with missing bars are shown.
_MAX_DAYS: Final = 31
_DAY_WIDTH: Final = 7
_STYLES: Final = {"full": "", "partial": "yellow", "missing": "red"}


def coverage(
    context: typer.Context,
    file: SessionFile,
    *,
    store: StoreOption = None,
    min_quality: Annotated[
        float | None,
        typer.Option("--min-quality", metavar="X", help="Minimum quality of every day, in percent."),
    ] = None,
    all_days: Annotated[bool, typer.Option("--all-days", help="Show full days, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the stored bars of a session file: symbols by trading days; full, partial, missing.

    Counts bars in regular hours, of the interval that a run would stream. Warns of bars that no session plays
    (holidays, weekends, after an early close, at the close), and of stored 1d bars that differ from derived
    ones. Exit code 3 if a day is missing, or below --min-quality.
    """
    invocation = begin(context, as_json=as_json, store=store)
    if min_quality is not None and not 0 <= min_quality <= 100:
        raise bad_option("--min-quality", min_quality, f"invalid percentage {min_quality:g}: use 0 to 100")
    found = _measure(invocation, file)
    wanting = found.incomplete(min_quality)
    if as_json:
        invocation.terminal.write_json(_document(found, min_quality))
    else:
        _write(found, invocation.terminal, all_days=all_days or len(found.days) <= _MAX_DAYS)
        for warning in found.warnings:
            invocation.terminal.write(f"\nwarning: {warning}")
        invocation.terminal.write(_verdict(found, wanting, min_quality))
    raise typer.Exit(DATA_MISSING if wanting else DONE)


def _measure(invocation: Invocation, file: SessionFile) -> Coverage:
    # Slow to import, see this package's __init__.py.
    from tapedeck.console.cli.session_coverage import coverage_of  # noqa: PLC0415
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    loaded = load_session_config(file)
    with open_store(invocation.settings.store) as bars:
        return coverage_of(loaded, bars)


def _document(found: Coverage, min_quality: float | None) -> dict[str, object]:
    wanting = found.incomplete(min_quality)
    return {
        "interval": str(found.interval),
        "min_quality": min_quality,
        "ok": not wanting,
        "warnings": list(found.warnings),
        "symbols": [
            {
                "symbol": row.symbol,
                "quality": row.pct,
                "full": row.count("full"),
                "partial": row.count("partial"),
                "missing": row.count("missing"),
                "days": [_day_document(day) for day in row.days],
            }
            for row in found.symbols
        ],
        "wanting": [
            {"symbol": symbol, "date": day.trading_day.isoformat(), "quality": day.pct}
            for symbol, day in wanting
        ],
    }


def _day_document(day: DayCoverage) -> dict[str, object]:
    return {
        "date": day.trading_day.isoformat(),
        "status": day.status,
        "bars": day.bars,
        "expected": day.expected,
        "quality": day.pct,
    }


def _write(found: Coverage, terminal: Terminal, *, all_days: bool) -> None:
    """Write the totals of symbols, then the days in blocks that fit the terminal's width."""
    headings = ("full", "partial", "missing", "quality")
    rows = [
        (row.symbol, *(f"{row.count(status):,}" for status in ("full", "partial", "missing")), _pct(row.pct))
        for row in found.symbols
    ]
    terminal.write(f"{found.interval} bars, {found.days[0]} to {found.days[-1]}: number of days\n")
    terminal.table([Column("symbol"), *map(number_column, headings)], rows)
    shown = [
        i
        for i in range(len(found.days))
        if all_days or any(r.days[i].status != "full" for r in found.symbols)
    ]
    symbol_width = max(len(row.symbol) for row in found.symbols)
    per_block = max(1, (terminal.width - symbol_width) // (_DAY_WIDTH + 1))
    for block in _blocks(shown, per_block, found.days):
        year = found.days[block[0]].year
        columns = [Column(str(year)), *(number_column(f"{found.days[i]:%m-%d}") for i in block)]
        terminal.write("")
        terminal.table(columns, [(row.symbol, *(_cell(row.days[i]) for i in block)) for row in found.symbols])
    if len(shown) < len(found.days):
        terminal.write(f"\n{len(found.days) - len(shown):,} full days not shown (use --all-days)")


def _blocks(positions: Sequence[int], most: int, days: Sequence[date]) -> Iterator[list[int]]:
    """Split the positions of days into blocks within one year, of at most `most` days."""
    block: list[int] = []
    for at in positions:
        if block and (len(block) == most or days[at].year != days[block[0]].year):
            yield block
            block = []
        block.append(at)
    if block:
        yield block


def _cell(day: DayCoverage) -> Cell:
    text = _pct(day.pct) if day.status == "partial" else day.status
    return Cell(text, _STYLES[day.status])


def _pct(value: float) -> str:
    # Truncated, not rounded: 100.0% is complete, while 0.0% may have a bar.
    return f"{int(value * 10) / 10:.1f}%"


def _verdict(found: Coverage, wanting: Sequence[tuple[str, DayCoverage]], min_quality: float | None) -> str:
    bound = "" if min_quality is None else f" or below {min_quality:g}%"
    if not wanting:
        return f"\nno day is missing{bound}"
    symbols = len({symbol for symbol, _ in wanting})
    first = f"{wanting[0][0]} {wanting[0][1].trading_day}"
    total = len(found.symbols) * len(found.days)
    whose = f"{symbols} symbol{'' if symbols == 1 else 's'}"
    text = f"\n{len(wanting):,} of {total:,} days are missing{bound}, of {whose}; {first} first"
    if found.unknown:
        text += f"\nno {found.interval} bars stored for {', '.join(found.unknown)}{found.similar}"
    return f"{text}\nimport missing bars: tapedeck import lean, csv or parquet PATH --store STORE"
