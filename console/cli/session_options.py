"""Options that describe a session without a file: symbols, days, intervals, indicators, exchange."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from tapedeck.console.cli.options import complete_exchange, complete_interval, one_line_path

OptionalSessionFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="Session file, YAML or JSON; or give --symbols.",
        callback=one_line_path,
        show_default=False,
    ),
]


def complete_intervals(incomplete: str) -> list[str]:
    """Return the lists of intervals whose last one starts as the last one typed."""
    typed, comma, last = incomplete.rpartition(",")
    return [f"{typed}{comma}{word}" for word in complete_interval(last)]


def complete_indicator(incomplete: str) -> list[str]:
    """Return the kinds of indicators that start as the one typed, after the name if there is one."""
    from tapedeck.engine.indicators.registry import REGISTRY  # noqa: PLC0415 - slow, for completion only

    name, sign, kind = incomplete.rpartition("=")
    found = [word for word in REGISTRY.types() if word.startswith(kind.upper())]
    # A shell offers only what begins as typed, so in its case.
    return [f"{name}{sign}{word.lower() if kind.islower() else word}" for word in found]


SymbolsOption = Annotated[
    list[str] | None,
    typer.Option("--symbols", metavar="S,S", help="Symbols to play, as the store spells them."),
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="First day; default: the first that is stored."),
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="DATE", help="Last day, included; default: the last that is stored."),
]
IntervalsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--interval",
        metavar="I,I",
        help="Intervals of bars; default: the stored one.",
        autocompletion=complete_intervals,
    ),
]
IndicatorsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--indicator",
        metavar="[NAME=]KIND[:V,V][@I]",
        help="Indicator, its values in the order of its parameters; repeatable.",
        autocompletion=complete_indicator,
    ),
]
ExchangeOption = Annotated[
    str | None,
    typer.Option(
        "--exchange",
        metavar="E",
        help="Exchange: a group or code; default: US_EQUITY, or CRYPTO for bars of weekends.",
        autocompletion=complete_exchange,
    ),
]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options as written, lists split at commas; None or empty: not given."""

    symbols: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None
    intervals: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    exchange: str | None = None

    @classmethod
    def of(
        cls,
        symbols: list[str] | None,
        first: str | None,
        last: str | None,
        intervals: list[str] | None,
        indicators: list[str] | None,
        exchange: str | None,
    ) -> SessionOptions:
        """Return the options of a command."""
        return cls(
            _split(symbols), first, last, _split(intervals), tuple(indicators or ()), exchange
        )  # fmt: skip

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the options that were given, in order."""
        return tuple(name for field, name in NAMES.items() if getattr(self, field) not in (None, ()))

    def words(self) -> list[str]:
        """Return the options as words of a command line."""
        found = ["--symbols", ",".join(self.symbols)] if self.symbols else []
        found += ["--from", self.first] if self.first is not None else []
        found += ["--to", self.last] if self.last is not None else []
        found += ["--interval", ",".join(self.intervals)] if self.intervals else []
        found += [word for text in self.indicators for word in ("--indicator", text)]
        return found + (["--exchange", self.exchange] if self.exchange is not None else [])


NAMES: Final = {
    "symbols": "--symbols",
    "first": "--from",
    "last": "--to",
    "intervals": "--interval",
    "indicators": "--indicator",
    "exchange": "--exchange",
}
"""The option of each field."""


def _split(texts: list[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts or () for part in text.split(",") if part.strip())
