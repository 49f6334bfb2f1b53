"""`tapedeck import`: brings bars of files into a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.failures import DONE, INTERRUPTED
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import (
    JsonOption,
    StoreOption,
    bad_option,
    complete_interval,
    examples,
    read_choice,
    read_interval,
)

if TYPE_CHECKING:
    from tapedeck.console.cli.import_job import Importer

app = typer.Typer(
    help="Bring bars into a store: LEAN folders, CSV or Parquet files.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("tapedeck import lean data --store bars.db"),
)
_LEAN: Final = examples(
    "tapedeck import lean data --store bars.db",
    "tapedeck import lean data/equity/usa/minute/spy --strict",
)
_CSV: Final = examples(
    "tapedeck import csv spy.csv --interval 1m --zone America/New_York",
    "tapedeck import csv all.csv --interval 1d --column symbol=Ticker --column time=Date",
)
_PARQUET: Final = examples("tapedeck import parquet bars.parquet --interval 1m --symbol SPY --store bars.db")

PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="File or folder to import.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse a file that holds any bad row.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Let bars overwrite what is stored.")]
RejectsOption = Annotated[
    Path | None, typer.Option("--rejects", metavar="FILE", help="Write all rejected rows to this CSV file.")
]
IntervalOption = Annotated[
    str,
    typer.Option("--interval", metavar="I", help="1s, 1m or 1d.", autocompletion=complete_interval),
]
SymbolOption = Annotated[
    str | None, typer.Option("--symbol", metavar="S", help="Whose bars; else a column, else the file's name.")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="ROLE=NAME", help="Which column is time, date, open, ..., symbol."),
]
ZoneOption = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Zone of times that have none themselves.")
]
TimeFormatOption = Annotated[
    str | None,
    typer.Option("--time-format", metavar="F", help="s, ms, us, ns, or a pattern like '%m/%d/%Y %H:%M'."),
]
LabelOption = Annotated[
    str, typer.Option("--label", metavar="END", help="Times name the bar's open or close.")
]


@app.command("lean", epilog=_LEAN)
def import_lean(
    context: typer.Context,
    path: PathArgument,
    *,
    store: StoreOption = None,
    strict: StrictOption = False,
    replace: ReplaceOption = False,
    rejects: RejectsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import zip files in the folders of the LEAN engine: equity, crypto, index; seconds, minutes, days."""
    invocation = begin(context, as_json=as_json, store=store)
    from tapedeck.engine import importers  # noqa: PLC0415 - slow, see this package's __init__.py

    _run(invocation, path, importers.import_lean, strict=strict, replace=replace, rejects=rejects)


@app.command("csv", epilog=_CSV)
def import_csv(
    context: typer.Context,
    path: PathArgument,
    *,
    interval: IntervalOption,
    store: StoreOption = None,
    symbol: SymbolOption = None,
    column: ColumnOption = None,
    zone: ZoneOption = None,
    time_format: TimeFormatOption = None,
    label: LabelOption = "open",
    strict: StrictOption = False,
    replace: ReplaceOption = False,
    rejects: RejectsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import CSV files whose first line names the columns; usual names need no --column."""
    invocation = begin(context, as_json=as_json, store=store)
    from tapedeck.engine import importers  # noqa: PLC0415 - as above

    described = _described(
        interval, symbol=symbol, columns=column, zone=zone, time_format=time_format, label=label
    )
    _run(
        invocation,
        path,
        importers.import_csv,
        strict=strict,
        replace=replace,
        rejects=rejects,
        described=described,
    )


@app.command("parquet", epilog=_PARQUET)
def import_parquet(
    context: typer.Context,
    path: PathArgument,
    *,
    interval: IntervalOption,
    store: StoreOption = None,
    symbol: SymbolOption = None,
    column: ColumnOption = None,
    zone: ZoneOption = None,
    time_format: TimeFormatOption = None,
    label: LabelOption = "open",
    strict: StrictOption = False,
    replace: ReplaceOption = False,
    rejects: RejectsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import Parquet files; the index of a pandas frame counts as a column."""
    invocation = begin(context, as_json=as_json, store=store)
    from tapedeck.engine import importers  # noqa: PLC0415 - as above

    described = _described(
        interval, symbol=symbol, columns=column, zone=zone, time_format=time_format, label=label
    )
    _run(
        invocation,
        path,
        importers.import_parquet,
        strict=strict,
        replace=replace,
        rejects=rejects,
        described=described,
    )


def _described(
    interval: str,
    *,
    symbol: str | None,
    columns: list[str] | None,
    zone: str | None,
    time_format: str | None,
    label: str,
) -> dict[str, object]:
    """Return what the options say of the files, as the importers take it."""
    return {
        "interval": read_interval("--interval", interval),
        "symbol": symbol,
        "columns": _column_map(columns or []),
        "zone": zone,
        "time_format": time_format,
        "label": read_choice("--label", label, ("open", "close")),
    }


def _column_map(pairs: list[str]) -> Mapping[str, str]:
    columns: dict[str, str] = {}
    for pair in pairs:
        role, sign, name = pair.partition("=")
        if not (sign and role.strip() and name):
            raise bad_option("--column", pair, f"{pair!r} is no pair: write ROLE=NAME, like time=Date")
        if role.strip() in columns:
            raise bad_option("--column", pair, f"{role.strip()!r} is given twice: keep one of them")
        columns[role.strip()] = name
    return columns


def _run(
    invocation: Invocation,
    path: Path,
    importer: Importer,
    *,
    strict: bool,
    replace: bool,
    rejects: Path | None,
    described: Mapping[str, object] | None = None,
) -> None:
    from tapedeck.console.cli.import_job import run_import, write_report  # noqa: PLC0415 - as above
    from tapedeck.engine.importers import ImportOptions  # noqa: PLC0415 - as above

    report = run_import(
        invocation,
        path,
        importer,
        options=ImportOptions(strict=strict, replace=replace),
        rejects=rejects,
        described=described or {},
    )
    write_report(report, invocation, rejects)
    raise typer.Exit(INTERRUPTED if report.interrupted else DONE)
