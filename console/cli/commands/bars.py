"""`tapedeck bars`: one symbol's bars of one trading day, stored or derived."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from tapedeck.console.cli.invocation import begin
from tapedeck.console.cli.options import (
    StoreOption,
    bad_option,
    complete_exchange,
    complete_interval,
    examples,
    read_choice,
    read_date,
    read_interval,
)
from tapedeck.engine.default_exchange import DEFAULT_EXCHANGE
from tapedeck.engine.intervals import WEEK

EPILOG: Final = examples(
    "tapedeck bars SPY --date 2013-10-07 --interval 5m",
    "tapedeck bars SPY --date 2013-10-07 --interval 1m --extended --format csv",
)
FORMATS: Final = ("table", "csv", "json")


def bars(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Symbol, as the store spells it.")],
    *,
    day: Annotated[str, typer.Option("--date", metavar="DATE", help="Trading day, such as 2013-10-07.")],
    interval: Annotated[
        str,
        typer.Option(
            "--interval", metavar="I", help="Interval: 1m, 5m, 1h, 1d, ...", autocompletion=complete_interval
        ),
    ],
    store: StoreOption = None,
    exchange: Annotated[
        str,
        typer.Option(
            "--exchange", metavar="E", help="Exchange: a group or code.", autocompletion=complete_exchange
        ),
    ] = DEFAULT_EXCHANGE,
    extended: Annotated[
        bool, typer.Option("--extended", help="Include stored bars outside regular hours.")
    ] = False,
    form: Annotated[str, typer.Option("--format", metavar="F", help="Format: table, csv or json.")] = "table",
) -> None:
    """Show one symbol's bars of a trading day, in exchange time.

    Stored intervals come from the store; others are derived as in a session. 1d: the stored bar, which is
    that of history; a session that streams finer bars derives its own. Regular hours only, unless --extended
    is given. Exit code 3 if there is no bar.
    """
    form = read_choice("--format", form, FORMATS)
    if not symbol or not symbol.isprintable():
        raise bad_option("SYMBOL", symbol, f"invalid symbol {symbol!r}: use printable characters, like SPY.")
    requested = read_interval("--interval", interval)
    if requested >= WEEK:
        message = "weekly bars exist in history only: use 1d or a shorter interval."
        raise bad_option("--interval", interval, message, "1d")
    trading_day = read_date("--date", day)
    invocation = begin(context, as_json=form == "json", store=store)
    # Slow to import, see this package's __init__.py.
    from tapedeck.console.cli.bar_listing import write_csv, write_json, write_table  # noqa: PLC0415
    from tapedeck.console.cli.day_bars import read_day  # noqa: PLC0415
    from tapedeck.engine.clock.time_manager import TimeManager  # noqa: PLC0415
    from tapedeck.engine.config.exchanges import resolve_exchange  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    session = TimeManager(resolve_exchange(exchange)).get_trading_session(trading_day)
    with open_store(invocation.settings.store) as bar_store:
        found = read_day(bar_store, symbol, session, requested, extended=extended)
    write = {"table": write_table, "csv": write_csv, "json": write_json}[form]
    write(found, invocation.terminal)
