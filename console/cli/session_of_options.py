"""Session without a file: the document of a session file from options, and from the store where they lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from tapedeck.console.cli.indicator_option import (
    IndicatorProblem,
    IndicatorWords,
    definitions_of,
    historical_of,
    place_of,
    read_indicator,
)
from tapedeck.console.cli.options import read_date
from tapedeck.console.cli.session_options import SessionOptions
from tapedeck.engine.config import LoadedConfig, resolve_exchange
from tapedeck.engine.config.readers import QUOTES
from tapedeck.engine.default_exchange import DEFAULT_EXCHANGE
from tapedeck.engine.errors import CalendarError, ConfigError, ConfigProblem, shortened
from tapedeck.engine.intervals import MINUTE, WEEK, Interval
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.streams.base_interval import choose_base
from tapedeck.engine.streams.stored_session import (
    stored_base,
    stored_days,
    stored_exchange,
    stored_intervals,
)

SOURCE: Final = "command line"
_NAMED: Final = 3
_NAME_WIDTH: Final = 150
_ANY_SYMBOL: Final = ("SPY",)
_ASSET_CLASSES: Final = {"24/7": "CRYPTO", "24/5": "FOREX", "CMES": "FUTURE"}
_OPTIONS: Final = {
    "exchange_group": "--exchange",
    "backtest_config.start_date": "--from",
    "backtest_config.end_date": "--to",
    "session_data_config.symbols": "--symbols",
    "session_data_config.streams": "--interval",
}
"""Option that gives each field."""
_INDICATORS: Final = "session_data_config.indicators."


@dataclass(frozen=True, slots=True)
class SessionParts:
    """What a session is made of; each part is given by an option or found in a store."""

    symbols: tuple[str, ...]
    intervals: tuple[str, ...]
    first: date
    last: date
    exchange: str
    indicators: tuple[IndicatorWords, ...] = ()

    def document(self) -> dict[str, object]:
        """Return the document of a session file; IndicatorProblem if two indicators have the same name."""
        data: dict[str, object] = {"symbols": list(self.symbols), "streams": list(self.intervals)}
        if historical := historical_of(self.indicators):
            data["historical"] = {"indicators": historical}
        if self.indicators:
            data["indicators"] = self.definitions()
        return {
            "session_name": self.name,
            "exchange_group": self.exchange,
            "asset_class": _asset_class(self.exchange),
            "mode": "backtest",
            "backtest_config": {
                "start_date": self.first.isoformat(),
                "end_date": self.last.isoformat(),
            },
            "session_data_config": data,
        }

    def definitions(self) -> dict[str, dict[str, object]]:
        """Return the definitions of the indicators by name."""
        return definitions_of(self.indicators, self._finest())

    @property
    def name(self) -> str:
        """Name of the session: its first symbols, and its days."""
        more = len(self.symbols) - _NAMED
        symbols = ", ".join(self.symbols[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        days = str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
        return f"{shortened(symbols, _NAME_WIDTH)}, {days}"

    def _finest(self) -> str:
        """Return the finest of the intervals, which indicators have that name none."""
        found = []
        for text in self.intervals:
            try:
                found.append(Interval.parse(text))
            except ValueError:  # reported by the model, or the word `quotes`
                continue
        return str(min(found, default=MINUTE))


@dataclass(frozen=True, slots=True)
class OptionsRead:
    """The options of a session, each valid by itself; `options`: as written."""

    options: SessionOptions
    first: date | None
    last: date | None
    indicators: tuple[IndicatorWords, ...]

    @property
    def needs_store(self) -> bool:
        """Whether a part of the session is to be found in the store."""
        given = self.options
        return not (given.symbols and given.intervals and given.exchange and self.first and self.last)

    def parts(self, store: BarStore | None) -> tuple[SessionParts, tuple[str, ...]]:
        """Return the parts of the session, and remarks on those found in the store.

        `store` may be None if no part is missing. Raises DataMissingError if the symbols are not stored.
        """
        given, remarks = self.options, list[str]()
        intervals, exchange, first, last = given.intervals, given.exchange, self.first, self.last
        if store is not None and self.needs_store:
            base = self._base(store)
            if not intervals:
                intervals = (str(base),)
                remarks.append(f"interval: {base}, as stored")
            if exchange is None:
                exchange = stored_exchange(given.symbols, base, store)
                reason = "the default" if exchange == DEFAULT_EXCHANGE else "as there are bars of weekends"
                remarks.append(f"exchange: {exchange}, {reason} (--exchange sets another)")
            if first is None or last is None:
                stored = stored_days(given.symbols, base, exchange, store)
                first, last = first or stored[0], last or stored[1]
                remarks.append(f"days: {first} to {last}, as stored")
        assert exchange is not None
        assert first is not None
        assert last is not None
        return SessionParts(given.symbols, intervals, first, last, exchange, self.indicators), tuple(remarks)

    def _base(self, store: BarStore) -> Interval:
        """Return the interval that a run would stream: from the store where the options name none."""
        given = self.options
        stored = stored_intervals(given.symbols, store)
        texts = [text for text in given.intervals if text != QUOTES]
        if not texts:
            return stored_base(given.symbols, stored)
        texts += [words.interval for words in self.indicators if words.interval is not None]
        requested = [interval for interval in map(Interval.parse, texts) if interval != WEEK]
        return choose_base(requested, given.symbols, stored)


def read_options(options: SessionOptions) -> OptionsRead:
    """Return the options, checked; ConfigError with all their faults."""
    problems: list[ConfigProblem] = []
    first, last = (_date(name, text, problems) for name, text in _dates(options))
    words: list[IndicatorWords] = []
    for text in options.indicators:
        try:
            words.append(read_indicator(text))
        except IndicatorProblem as error:
            problems.append(error.problem)
    read = OptionsRead(options, first, last, tuple(words))
    some_day = first or last or date(2013, 10, 7)
    tried = SessionParts(
        options.symbols or _ANY_SYMBOL,
        options.intervals or (str(MINUTE),),
        first or some_day,
        last or some_day,
        options.exchange or DEFAULT_EXCHANGE,
        read.indicators,
    )
    problems += _faults(tried)
    if problems:
        raise ConfigError(SOURCE, problems)
    return read


def checked_config(parts: SessionParts) -> LoadedConfig:
    """Return the configuration of a session; ConfigError names the options at fault."""
    try:
        return parse_session_config(parts.document(), SOURCE)
    except ConfigError as error:
        raise ConfigError(SOURCE, list(_of_options(error.problems, parts))) from error


def _faults(parts: SessionParts) -> Sequence[ConfigProblem]:
    try:
        checked_config(parts)
    except IndicatorProblem as error:
        return [error.problem]
    except ConfigError as error:
        return error.problems
    return ()


def _dates(options: SessionOptions) -> tuple[tuple[str, str | None], ...]:
    return ("--from", options.first), ("--to", options.last)


def _date(option: str, text: str | None, problems: list[ConfigProblem]) -> date | None:
    if text is None:
        return None
    try:
        return read_date(option, text)
    except ConfigError as error:
        problems += error.problems
        return None


def _of_options(problems: Sequence[ConfigProblem], parts: SessionParts) -> Iterator[ConfigProblem]:
    """Yield the problems of a document as those of the options that it was made from."""
    texts = {name: word.text for name, word in zip(parts.definitions(), parts.indicators, strict=True)}
    for problem in problems:
        if problem.path.startswith(_INDICATORS):
            yield _of_indicator(problem, texts)
            continue
        field = problem.path.partition("[")[0]
        option = _OPTIONS.get(field, problem.path)
        message = problem.message.replace("start_date", "--from") if option == "--to" else problem.message
        yield replace(problem, path=option, message=message)


def _of_indicator(problem: ConfigProblem, texts: Mapping[str, str]) -> ConfigProblem:
    name, _, rest = problem.path.removeprefix(_INDICATORS).partition(".")
    message = f"{rest}: {problem.message}" if rest else problem.message
    return replace(problem, path=place_of(texts.get(name, name)), message=message)


def _asset_class(exchange: str) -> str:
    try:
        return _ASSET_CLASSES.get(resolve_exchange(exchange), "EQUITY")
    except CalendarError:  # reported by the model
        return "EQUITY"
