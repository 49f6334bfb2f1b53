"""`tapedeck import`: one command per importer of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tapedeck.console.cli.failures import DATA_MISSING, DONE, INTERRUPTED
from tapedeck.console.cli.invocation import begin
from tapedeck.console.cli.options import (
    JsonOption,
    StoreOption,
    bad_option,
    complete_interval,
    examples,
    one_line_path,
    read_choice,
    read_interval,
)
from tapedeck.engine.importers.importer import Importer, ImporterOption
from tapedeck.engine.importers.registry import IMPORTERS

HELP: Final = """Import bars and quotes from files into a store.

Begin with --dry-run: it shows how the files are understood, and writes nothing. Where rows fit several
readings, nothing is stored, and the error prints the whole commands to choose from.

\b
Recognised without options:
  files     zip, gz, xz, bz2, zst; UTF-8, UTF-16; comma, semicolon, tab
  columns   usual names (<CLOSE>, 4. close, Vol.), or none in a usual order
  quotes    tables with a bid and an ask, and none of open, high and low
  times     ISO 8601, usual dates, epochs in s, ms, us, ns
  numbers   decimal commas, thousands marks, $, 1.25M
  symbol    a column, a folder symbol=SPY, or the file's name (SPY_1min.csv)

\b
Always needed (csv, parquet):
  --interval    length of the bars: 1s, 1m or 1d

\b
Needed where the file does not tell:
  --zone        zone of times without an offset
  --exchange    calendar of the market, if it is not US_EQUITY
  --symbol      symbol of all rows
  --label close times that name the end of each bar
"""
EXAMPLES: Final = (
    "tapedeck import csv SPY_1min.txt --interval 1m --zone America/New_York --dry-run",
    "tapedeck import csv BTCUSDT-1m-2024-01.csv --interval 1m --exchange CRYPTO",
    "tapedeck import csv EURUSD_M1_2013.csv --interval 1m --zone EET --exchange FOREX",
    "tapedeck import csv AAPL.csv --interval 1d",
    "tapedeck import csv all_stocks.csv --interval 1d --column symbol=Name",
    "tapedeck import parquet bars.parquet --interval 1m --symbol SPY",
    "tapedeck import lean data --store bars.db",
)

PathArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="File or folder to import.", callback=one_line_path)
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse a file that has any bad row.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Overwrite stored bars of the same time.")]
RejectsOption = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Write all rejected rows to this CSV file.", callback=one_line_path
    ),
]

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show how the files are understood; write nothing.")
]
AsIsOption = Annotated[
    bool, typer.Option("--as-is", help="Store rows although their steps or labels contradict the options.")
]
ZeroPricesOption = Annotated[bool, typer.Option("--allow-zero-prices", help="Store bars with prices of 0.")]
NegativePricesOption = Annotated[
    bool, typer.Option("--allow-negative-prices", help="Store bars with negative prices.")
]

_COMMON: Final[Mapping[str, tuple[object, object]]] = {
    "dry_run": (DryRunOption, False),
    "store": (StoreOption, None),
    "as_is": (AsIsOption, False),
    "zero_prices": (ZeroPricesOption, False),
    "negative_prices": (NegativePricesOption, False),
    "strict": (StrictOption, False),
    "replace": (ReplaceOption, False),
    "rejects": (RejectsOption, None),
    "as_json": (JsonOption, False),
}
"""Annotation and default of the options of every import."""


def make_app(importers: Mapping[str, Importer]) -> typer.Typer:
    """Return the group of commands with a command for each importer."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode=None,
        epilog=examples(*EXAMPLES),
    )
    for importer in importers.values():
        app.command(importer.name, help=importer.summary, epilog=examples(*importer.examples))(
            _command(importer)
        )
    return app


def _command(importer: Importer) -> Callable[..., None]:
    def command(context: typer.Context, path: Path, **values: Any) -> None:  # noqa: ANN401  # as its signature
        _import(importer, context, path, **values)

    # Typer makes the command line of a function from its signature.
    command.__signature__ = _signature(importer)  # type: ignore[attr-defined]  # read by inspect.signature
    return command


def _signature(importer: Importer) -> Signature:
    keyword = Parameter.KEYWORD_ONLY
    own = [
        Parameter(option.parameter, keyword, annotation=_annotation(option), default=_default(option))
        for option in importer.options
    ]
    common = [
        Parameter(name, keyword, annotation=annotation, default=default)
        for name, (annotation, default) in _COMMON.items()
    ]
    return Signature(
        [
            Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
            Parameter("path", Parameter.POSITIONAL_OR_KEYWORD, annotation=PathArgument),
            *own,
            *common,
        ]
    )


def _annotation(option: ImporterOption) -> object:
    info = typer.Option(
        option.flag,
        metavar=option.metavar,
        help=option.help,
        autocompletion=complete_interval if option.kind == "interval" else None,
    )
    if option.kind == "pairs":
        return Annotated[list[str] | None, info]
    is_given = option.is_required or option.default is not None
    return Annotated[str, info] if is_given else Annotated[str | None, info]


def _default(option: ImporterOption) -> object:
    return Parameter.empty if option.is_required else option.default


def _import(
    importer: Importer,
    context: typer.Context,
    path: Path,
    *,
    dry_run: bool,
    store: Path | None,
    as_is: bool,
    zero_prices: bool,
    negative_prices: bool,
    strict: bool,
    replace: bool,
    rejects: Path | None,
    as_json: bool,
    **words: Any,  # noqa: ANN401  # str, list of str or None, by the kind of the option
) -> None:
    invocation = begin(context, as_json=as_json, store=store)
    importer_options = {
        option.parameter: option_value(option, words[option.parameter]) for option in importer.options
    }
    from tapedeck.console.cli.import_job import (  # noqa: PLC0415 - slow, as the next
        question_of,
        run_import,
    )
    from tapedeck.console.cli.import_report import write_report  # noqa: PLC0415
    from tapedeck.engine.importers.report import ImportOptions  # noqa: PLC0415

    report = run_import(
        invocation,
        path,
        importer,
        options=ImportOptions(
            strict=strict,
            replace=replace,
            as_is=as_is,
            allow_zero_prices=zero_prices,
            allow_negative_prices=negative_prices,
        ),
        rejects=rejects,
        importer_options=importer_options,
        dry_run=dry_run,
    )
    if report.question is None or not as_json:
        write_report(report, invocation, rejects)
    if report.question is not None:
        raise question_of(report.question, invocation, path)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(DATA_MISSING if report.stored_nothing and not dry_run else DONE)


def option_value(option: ImporterOption, words: Any) -> object:  # noqa: ANN401  # as above
    """Return the value of an option in the type of its kind."""
    if option.kind == "pairs":
        return _pairs(option, words or [])
    if words is None:
        return None
    if option.kind == "interval":
        return read_interval(option.flag, words)
    return read_choice(option.flag, words, option.choices) if option.kind == "choice" else words


def _pairs(option: ImporterOption, words: list[str]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        role, sign, name = word.partition("=")
        if not (sign and role.strip() and name):
            raise bad_option(
                option.flag, word, f"invalid pair {word!r}: write {option.metavar}, like time=Date"
            )
        if role.strip() in pairs:
            raise bad_option(option.flag, word, f"duplicate {role.strip()!r}: keep one of them")
        pairs[role.strip()] = name
    return pairs


app = make_app(IMPORTERS)
