"""Faults of the server. Times are minutes of the market after `Market.opens`; 5.5 is 30 s after 09:35."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["handshake", "hello", "auth", "subscribe", "data"]
FrameKind = Literal[
    "text", "garbage", "empty", "large", "unknown type", "no map", "no list", "no type", "other day"
]
BarKind = Literal[
    "duplicate", "reorder", "updated", "late", "missing", "lost", "no close", "other day", "history late",
    "history differs",
]  # fmt: skip
HistoryHow = Literal["401", "403", "429", "500", "504", "html", "hang", "reset", "cut"]


@dataclass(frozen=True)
class Drop:
    """Connections end: closed with a code; 1006 aborts them without a closing frame.

    `limit_for`: minutes for which the provider still counts them, so that new ones get 406.
    """

    at: float
    code: int = 1006
    limit_for: float = 0.0


@dataclass(frozen=True)
class SlowClient:
    """Connections get error 407, and are closed."""

    at: float


@dataclass(frozen=True)
class Refuse:
    """New connections are refused: by the machine (`status` 0), or with an HTTP status.

    Those that are there stay.
    """

    at: float
    lasts: float
    status: int = 0


@dataclass(frozen=True)
class Mute:
    """Connected, but silent. `stage`: the first message that does not come; bars never do.

    `data` answers to authentication and subscriptions, `handshake` accepts the connection alone.
    """

    at: float
    lasts: float
    stage: Stage = "data"


@dataclass(frozen=True)
class Reject:
    """Authentication or subscriptions are answered with an error."""

    at: float
    lasts: float
    stage: Literal["auth", "subscribe"]
    code: int


@dataclass(frozen=True)
class Frame:
    """A frame that makes no sense, once."""

    at: float
    what: FrameKind


@dataclass(frozen=True)
class BarFault:
    """What happens to the bar of a minute (0 is the first one), of one symbol or of all.

    | kind | what happens |
    |---|---|
    | duplicate | its message comes again, after `by` seconds |
    | reorder | its message comes after those of the next minute |
    | updated | the first message has other values; an updated bar follows `by` seconds after its end |
    | late | its message comes `by` seconds later |
    | missing | no message; history has it |
    | lost | neither has it |
    | no close | its message has no close; history has it |
    | other day | its message is of the day before; history has it |
    | history late | history has it `by` seconds after its end |
    | history differs | its message has other values than history, which are the final ones |
    """

    kind: BarKind
    minute: int
    symbol: str | None = None
    by: float = 30.0


@dataclass(frozen=True)
class HistoryFault:
    """REST fails: with a status, an HTML page, no answer, a reset, or a body that is cut off."""

    at: float
    lasts: float
    how: HistoryHow


Fault = Drop | SlowClient | Refuse | Mute | Reject | Frame | BarFault | HistoryFault
