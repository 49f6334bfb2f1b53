"""`tapedeck store repair`: rewrites damaged days from files; its options are those of the importers."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tapedeck.console.cli.commands.import_bars import NegativePricesOption, ZeroPricesOption, option_value
from tapedeck.console.cli.failures import DONE, FAILED, INTERRUPTED
from tapedeck.console.cli.invocation import begin
from tapedeck.console.cli.options import JsonOption, StoreOption, bad_option, examples, read_choice
from tapedeck.engine.importers.importer import Importer, ImporterOption
from tapedeck.engine.importers.registry import IMPORTERS

REPAIR_EXAMPLES: Final = examples(
    "tapedeck store repair --from spy.csv --interval 1m --store bars.db",
    "tapedeck store repair --from data/ --importer lean --store bars",
)
_HELP: Final = """Rewrite damaged days from the files that they were imported from.

Verifies the store, imports the files aside, and takes from them the days that are damaged; other days are not
touched. The other options are those of `tapedeck import NAME`. Exit code 1 if anything is left damaged.
"""
_FromOption = Annotated[
    Path, typer.Option("--from", metavar="FILES", help="File or folder with the bars of the damaged days.")
]
_ImporterOption = Annotated[
    str | None,
    typer.Option(
        "--importer", metavar="NAME", help=f"{', '.join(IMPORTERS)}; default: by the name of the file."
    ),
]


def repair_command() -> Callable[..., None]:
    """Return the command, with the options of all importers."""

    def command(context: typer.Context, **values: Any) -> None:  # noqa: ANN401  # as its signature
        _repair(context, **values)

    options = {option.parameter: option for importer in IMPORTERS.values() for option in importer.options}
    keyword = Parameter.KEYWORD_ONLY
    # Typer makes the command line of a function from its signature.
    command.__signature__ = Signature(  # type: ignore[attr-defined]  # read by inspect.signature
        [
            Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
            Parameter("files", keyword, annotation=_FromOption),
            Parameter("importer", keyword, annotation=_ImporterOption, default=None),
            Parameter("store", keyword, annotation=StoreOption, default=None),
            *(
                Parameter(option.parameter, keyword, annotation=_annotation(option), default=None)
                for option in options.values()
            ),
            Parameter("zero_prices", keyword, annotation=ZeroPricesOption, default=False),
            Parameter("negative_prices", keyword, annotation=NegativePricesOption, default=False),
            Parameter("as_json", keyword, annotation=JsonOption, default=False),
        ]
    )
    command.__doc__ = _HELP
    return command


def _annotation(option: ImporterOption) -> object:
    info = typer.Option(option.flag, metavar=option.metavar, help=option.help)
    if option.kind == "pairs":
        return Annotated[list[str] | None, info]
    return Annotated[str | None, info]


def _repair(
    context: typer.Context,
    *,
    files: Path,
    importer: str | None,
    store: Path | None,
    zero_prices: bool,
    negative_prices: bool,
    as_json: bool,
    **words: Any,  # noqa: ANN401  # str, list of str or None, by the kind of the option
) -> None:
    chosen = _importer_of(files, importer)
    described = _described(chosen, words)
    invocation = begin(context, as_json=as_json, store=store)
    from tapedeck.console.cli import store_reports as reports  # noqa: PLC0415 - slow, as the next
    from tapedeck.console.cli.store_jobs import run_repair  # noqa: PLC0415
    from tapedeck.engine.importers.report import ImportOptions  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    # The damaged days were stored once: their steps and labels are not questioned again.
    options = ImportOptions(as_is=True, allow_zero_prices=zero_prices, allow_negative_prices=negative_prices)
    with open_store(invocation.settings.store) as opened:
        invocation.interrupts.hold()
        repaired = run_repair(invocation, opened, chosen, files, options, described)
    reports.write_repaired(repaired, invocation)
    if invocation.interrupts.seen:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(FAILED if any(one.status == "left" for one in repaired) else DONE)


def _importer_of(files: Path, name: str | None) -> Importer:
    if name is not None:
        return IMPORTERS[read_choice("--importer", name, IMPORTERS)]
    if files.is_dir():
        message = f"is needed for a folder: use one of {', '.join(IMPORTERS)}"
        raise bad_option("--importer", None, message)
    return IMPORTERS["parquet" if files.suffix.lower() == ".parquet" else "csv"]


def _described(importer: Importer, words: dict[str, Any]) -> dict[str, object]:
    """Return the values of the importer's options; ConfigError for one that it lacks, or that is missing."""
    own = {option.parameter for option in importer.options}
    for name, word in words.items():
        if word and name not in own:
            flag = next(o.flag for i in IMPORTERS.values() for o in i.options if o.parameter == name)
            raise bad_option(flag, word, f"does not apply to {importer.name} files: leave it out")
    described: dict[str, object] = {}
    for option in importer.options:
        word = words[option.parameter]
        if word is None and option.is_required:
            raise bad_option(option.flag, None, f"is needed for {importer.name} files: {option.help}")
        described[option.parameter] = option_value(option, option.default if word is None else word)
    return described
