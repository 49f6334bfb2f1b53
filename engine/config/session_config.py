"""Model of the session file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    PrivateAttr,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from tapedeck.engine.config.changed_sessions import ChangedSessions
from tapedeck.engine.config.exchanges import (
    EXCHANGE_GROUPS,
    describe_unknown,
    find_exchange,
    nearest_exchange,
    resolve_exchange,
)
from tapedeck.engine.config.faults import fault
from tapedeck.engine.config.fields import Streams, Symbols, TimeOfDay, TradingDate
from tapedeck.engine.config.historical import HistoricalConfig
from tapedeck.engine.config.readers import QUOTES, read_line
from tapedeck.engine.config.scanners import Scanner, UniverseField
from tapedeck.engine.config.section import Section
from tapedeck.engine.config.session_indicator import SessionIndicators
from tapedeck.engine.config.strategies import Parameters, Strategy
from tapedeck.engine.config.trading import TradingConfig
from tapedeck.engine.intervals import Interval

Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(read_line)]
_AssetClass = Literal["EQUITY", "ETF", "INDEX", "FUTURE", "OPTION", "FOREX", "CRYPTO", "BOND", "COMMODITY"]


def _read_exchange_group(text: str) -> str:
    if find_exchange(text) is None:
        raise fault(describe_unknown(text), nearest_exchange(text))
    return text.strip()


def _read_asset_class(value: object) -> object:
    """Return a known class in capitals; any other value unchanged, for the error message."""
    word = value.strip().upper() if isinstance(value, str) else None
    return word if word in get_args(_AssetClass) else value


ExchangeGroup = Annotated[
    str,
    AfterValidator(_read_exchange_group),
    WithJsonSchema({"type": "string", "anyOf": [{"enum": list(EXCHANGE_GROUPS)}, {"type": "string"}]}),
]
AssetClass = Annotated[_AssetClass, BeforeValidator(_read_asset_class)]


class BacktestConfig(Section):
    """Stored days to play, and the speed."""

    start_date: TradingDate
    """First day, inclusive; need not be a trading day."""
    end_date: TradingDate
    """Last day, inclusive; need not be a trading day."""
    speed_multiplier: NotNegative = 0.0
    """0: maximum speed; above 0: a multiple of real time."""
    prefetch_days: Annotated[StrictInt, Field(ge=1, le=250)] = 5
    """Sessions to load ahead while one plays; at least 1."""
    start_time: TimeOfDay | None = None
    """Start within the first session in exchange time, such as "10:30"; default: the open."""


class GapFiller(Section):
    """Quality scores, and requests for missing bars."""

    enable_session_quality: StrictBool = True
    """Whether to measure the quality of the session; if not, it is 100 %, marked as not measured."""
    max_retries: Annotated[StrictInt, Field(ge=0, le=1000)] = 5
    """Repeated requests to the provider for a missing bar; live only."""
    retry_interval_seconds: Positive = 60.0
    """Seconds between two such requests; live only."""


class SessionDataConfig(Section):
    """Data to load, stream, compute and score."""

    symbols: Symbols
    """Symbols to play, as the store spells them."""
    requested_streams: Annotated[Streams, Field(alias="streams")]
    """Intervals of the session, such as 1m, 5m, 1d, and the word `quotes`."""
    historical: HistoricalConfig = Field(default_factory=HistoricalConfig)
    """Data of earlier days."""
    indicators: SessionIndicators = Field(default_factory=dict)
    """Indicators of the session, by name; several outputs become `name_output`."""
    gap_filler: GapFiller = Field(default_factory=GapFiller)
    """Quality scoring and gap filling."""
    universe: UniverseField = None
    """Symbols that scanners look at; required with scanners."""
    scanners: tuple[Scanner, ...] = ()
    """Scanners of the session."""
    sessions: ChangedSessions = Field(default_factory=dict)
    """Days whose open, close or holiday differs from the calendar, by date."""
    min_completeness: Fraction = 0.0
    """Fraction of a derived bar's slots that must have a bar, 0 to 1; 0: one bar is enough."""

    @property
    def streams(self) -> tuple[Interval, ...]:
        """Intervals of the session's bars, in the order of the file."""
        return tuple(item for item in self.requested_streams if isinstance(item, Interval))

    @property
    def uses_daily_bars(self) -> bool:
        """Whether 1d bars are streamed, or used by indicators or history; weeks are made of them."""
        historical = self.historical
        intervals = [*self.streams, *(indicator.interval for indicator in self.indicators.values())]
        intervals += [interval for entry in historical.data for interval in entry.intervals]
        daily = any(one.granularity == "daily" for one in historical.indicators.values())
        return daily or any(not interval.is_intraday for interval in intervals)

    @property
    def wants_quotes(self) -> bool:
        """Whether the streams include `quotes`."""
        return QUOTES in self.requested_streams


class ApiConfig(Section):
    """Providers of a live session. Their keys are not part of the file."""

    data_api: Text | None = None
    """Provider of bars and quotes."""
    trade_api: Text | None = None
    """Provider that takes orders."""
    exchange: Text | None = None
    """Exchange of the feed ccxt, as that library names it, such as binance."""
    alpaca_feed: Literal["iex", "sip"] = "iex"
    """Stock data of the feed alpaca: `iex`, one exchange, free; `sip`, all of the US, a paid plan."""


class LiveConfig(Section):
    """Waits and storage of a live session. In a replay the waits pass at its speed."""

    settle_seconds: NotNegative = 2.0
    """Longest wait for a minute's last bars after its end; later ones make a new edition."""
    grace_seconds: NotNegative = 30.0
    """Wait before the provider is asked for a missing bar."""
    reconcile_within_seconds: Positive = 300.0
    """Longest wait after the close until the session is compared with the provider's history."""
    synchronous: Literal["normal", "full"] = "normal"
    """`normal`: recorded bars survive a crash of the program; `full`: of the machine, too, but slower."""
    min_quality: Percent | None = None
    """Alert when a symbol's quality falls below this percentage."""
    bell: StrictBool = False
    """Whether alerts ring the terminal's bell."""


class SessionConfig(Section):  # noqa: PLW1641 - pydantic makes its hash
    """A valid session file."""

    session_name: Text
    """Name shown on screen and in exports."""
    exchange_group: ExchangeGroup
    """Exchange: a group such as US_EQUITY or CRYPTO, or an exchange_calendars code such as XNYS."""
    asset_class: AssetClass = "EQUITY"
    """Asset class of the symbols."""
    mode: Literal["backtest", "live"] = "backtest"
    """`backtest` plays stored bars, `live` records bars of a provider."""
    backtest_config: BacktestConfig | None = None
    """Days and speed; required in mode backtest."""
    session_data_config: SessionDataConfig
    """Symbols, streams, history and indicators."""
    trading_config: TradingConfig = Field(default_factory=TradingConfig)
    """Terms of the paper account of strategies: cash, limits, costs."""
    parameters: Parameters = Field(default_factory=dict)
    """Values by name: `$name` stands for them in rules and indicators; a strategy's own come first."""
    strategies: tuple[Strategy, ...] = ()
    """Strategies, in the order in which they decide."""
    api_config: ApiConfig = Field(default_factory=ApiConfig)
    """Providers of a live session."""
    live_config: LiveConfig = Field(default_factory=LiveConfig)
    """Waits and storage of a live session."""
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Your own notes; tapedeck ignores them."""

    _folder: Path = PrivateAttr(default_factory=Path)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same; their folders are not compared."""
        return isinstance(other, SessionConfig) and self.__dict__ == other.__dict__

    @property
    def folder(self) -> Path:
        """Folder at which relative paths begin: that of the session file; else the working folder."""
        return self._folder

    def in_folder(self, folder: Path) -> SessionConfig:
        """Return the same with another folder at which relative paths begin."""
        moved = self.model_copy()
        moved._folder = folder  # noqa: SLF001 - its own
        return moved

    @property
    def exchange(self) -> str:
        """The exchange_calendars code of `exchange_group`."""
        return resolve_exchange(self.exchange_group)
