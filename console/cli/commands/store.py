"""`tapedeck store`: list, verify, remove and repair what a store holds."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from tapedeck.console.cli.commands.store_repair import REPAIR_EXAMPLES, repair_command
from tapedeck.console.cli.failures import DONE, FAILED, INTERRUPTED
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import (
    JsonOption,
    StoreOption,
    bad_option,
    complete_interval,
    examples,
    read_choice,
    read_date,
    read_interval,
)

FORMATS: Final = ("table", "csv", "json")
_LIST: Final = examples("tapedeck store list --store bars.db", "tapedeck store list --format csv")
_VERIFY: Final = examples(
    "tapedeck store verify --store bars.db", "tapedeck store verify --store bars.db --accept"
)
_REMOVE: Final = examples(
    "tapedeck store remove SPY AIG --store bars.db",
    "tapedeck store remove SPY --from 2013-10-07 --to 2013-10-11 --store bars.db --yes",
)

app = typer.Typer(
    help="List, verify, remove or repair the bars and quotes of a store.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("tapedeck store list --store bars.db", "tapedeck store verify --store bars.db"),
)


@app.command("list", epilog=_LIST)
def list_contents(
    context: typer.Context,
    *,
    store: StoreOption = None,
    form: Annotated[str, typer.Option("--format", metavar="F", help="Format: table, csv or json.")] = "table",
) -> None:
    """List symbols and intervals, with first and last bar (UTC), number of bars, and days (UTC) with bars.

    Where slots are confirmed to have no trade, with their number; quotes with number, first and last.
    """
    form = read_choice("--format", form, FORMATS)
    invocation = begin(context, as_json=form == "json", store=store)
    from tapedeck.console.cli import store_reports as reports  # noqa: PLC0415 - slow, as the next
    from tapedeck.engine.store.contents import contents_of  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    with open_store(invocation.settings.store) as opened:
        has_checks = opened.has_checks
        found = list(contents_of(opened))
    write = {
        "table": reports.write_contents,
        "csv": reports.write_contents_csv,
        "json": reports.write_contents_json,
    }[form]
    write(found, invocation, has_checks=has_checks)


@app.command("verify", epilog=_VERIFY)
def verify(
    context: typer.Context,
    *,
    store: StoreOption = None,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept",
            help="First store checksums of the bars as they are: after a change, or in an old store.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read all bars and quotes, and compare them with their checksums; list what is damaged.

    Exit code 1 if anything is damaged. With --accept, bars that another program changed are kept; bars that
    cannot be read stay damaged.
    """
    invocation = begin(context, as_json=as_json, store=store)
    from tapedeck.console.cli import store_reports as reports  # noqa: PLC0415 - slow, as the next
    from tapedeck.console.cli.store_jobs import run_accept, run_verify  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    with open_store(invocation.settings.store) as opened:
        invocation.interrupts.hold()
        if accept:
            run_accept(invocation, opened)
        result = run_verify(invocation, opened)
        reports.write_verified(result, invocation, has_checks=opened.has_checks)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(FAILED if result.damage else DONE)


@app.command("remove", epilog=_REMOVE)
def remove(
    context: typer.Context,
    symbols: Annotated[
        list[str], typer.Argument(metavar="SYMBOL...", help="Symbols, as the store spells them.")
    ],
    *,
    store: StoreOption = None,
    interval: Annotated[
        str | None,
        typer.Option(
            "--interval", metavar="I", help="Only bars of 1s, 1m or 1d.", autocompletion=complete_interval
        ),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Only from this day (UTC) on.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Only up to this day (UTC), included.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only show what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove the bars and quotes of symbols. Without --yes, show what would go, and end with exit code 2."""
    begin_day, end_day = _day("--from", first), _day("--to", last)
    if begin_day and end_day and begin_day > end_day:
        raise bad_option("--to", last, f"{end_day} is before --from {begin_day}: give a later day")
    only = None if interval is None else read_interval("--interval", interval)
    invocation = begin(context, as_json=as_json, store=store)
    from tapedeck.console.cli import store_reports as reports  # noqa: PLC0415 - slow, as the next
    from tapedeck.console.cli.store_jobs import planned_removal, run_removal  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    with open_store(invocation.settings.store) as opened:
        planned = planned_removal(opened, symbols, only, begin_day, end_day)
        if not yes:
            command = _confirmed(invocation, symbols, interval, first, last)
            reports.write_planned_removal(planned, invocation, command)
            raise typer.Exit(2)
        invocation.interrupts.hold()
        removed = run_removal(invocation, opened, planned)
    reports.write_removed(removed, invocation)
    raise typer.Exit(INTERRUPTED if len(removed) < len(planned) else DONE)


app.command("repair", epilog=REPAIR_EXAMPLES)(repair_command())


def _day(option: str, text: str | None) -> date | None:
    return None if text is None else read_date(option, text)


def _confirmed(
    invocation: Invocation, symbols: list[str], interval: str | None, first: str | None, last: str | None
) -> str:
    """Return the command that removes without a further question."""
    options = (("--interval", interval), ("--from", first), ("--to", last))
    given = [word for option, value in options if value is not None for word in (option, value)]
    store = str(Path(invocation.settings.store))
    return shlex.join(["tapedeck", "store", "remove", *symbols, *given, "--store", store, "--yes"])
