"""Strategies and their account in the manifest and in session.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Final, Literal

from pydantic import JsonValue, NonNegativeInt, PositiveFloat

from tapedeck.engine.broker.account_summary import AccountMoment
from tapedeck.engine.config import SessionConfig, TradingConfig
from tapedeck.engine.config.trading import NONE
from tapedeck.engine.export.manifest_part import ManifestPart
from tapedeck.engine.export.text_columns import time_text
from tapedeck.engine.printable import printable_line
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary

# A JSON object.
Document = dict[str, Any]

_WHOLE_BELOW: Final = 2.0**53


class ManifestStrategy(ManifestPart):
    """A strategy of the session file. `code`: hash of the code of its class; `parameters`: their values.

    Both are left out of the file if there are none.
    """

    left_out: ClassVar = ("code", "parameters")

    name: str
    kind: Literal["rule", "class"]
    code: str | None = None
    parameters: Mapping[str, JsonValue] = {}


class ManifestAccount(ManifestPart):
    """Terms of the account of the strategies, in the currency; None switches a term off.

    Money has `digits` decimal places, and quantities are multiples of `lot` shares. `participation`: largest
    part of a bar's volume that fills, in percent. `commission`, `slippage`: as in the session file.
    """

    initial_cash: float
    digits: NonNegativeInt
    lot: PositiveFloat
    tick_size: float | None
    participation: PositiveFloat | None
    commission: Mapping[str, float] | None
    slippage: Mapping[str, float] | None
    allow_short: bool
    max_per_trade: float | None
    max_per_symbol: float | None
    max_open_positions: int | None


def manifest_strategies(config: SessionConfig, summary: RunSummary) -> tuple[ManifestStrategy, ...]:
    """Return the strategies of a run, in the order of the session file."""
    return tuple(
        ManifestStrategy(
            name=strategy.name,
            kind="rule" if strategy.strategy is None else "class",
            code=summary.strategy_code.get(strategy.name),
            parameters=summary.strategy_parameters.get(strategy.name, strategy.parameters),
        )
        for strategy in config.strategies
    )


def manifest_account(terms: TradingConfig) -> ManifestAccount:
    """Return the terms of an account as they are in force."""
    fields = terms.model_dump(exclude_none=True)
    found = {name: fields.get(name) for name in ManifestAccount.model_fields}
    in_force = {name: None if value == NONE else value for name, value in found.items()}
    return ManifestAccount.model_validate(in_force)


def strategies_document(config: SessionConfig, summary: RunSummary) -> Document:
    """Return `strategies` and `account` of a run as in the manifest; nothing without strategies."""
    if not config.strategies:
        return {}
    return {
        "strategies": [one.model_dump(mode="json") for one in manifest_strategies(config, summary)],
        "account": manifest_account(config.trading_config).model_dump(mode="json"),
    }


def account_numbers(session: SessionSummary) -> Document:
    """Return what the account did in a session, as `account`; nothing without strategies."""
    if session.account is None:
        return {}
    return {
        "account": {
            "opening": _moment(session.account.opening),
            "closing": _moment(session.account.closing),
            "strategies": [_plain(asdict(one)) for one in session.account.strategies],
        }
    }


def notes_of(record: SessionRecord) -> Document:
    """Return what strategies noted in a session, as `notes`; nothing if they noted nothing."""
    account, slots = record.account, record.tape.slots
    if account is None or not account.notes:
        return {}
    zone = record.tape.session.zone
    return {
        "notes": [
            {
                "strategy": note.strategy,
                "slot": note.slot + 1,
                "time": time_text(slots.clock(note.slot + 1), zone),
                "text": printable_line(note.text),
                "value": None if note.value is None else json_number(note.value),
            }
            for note in account.notes
        ]
    }


def json_number(value: float) -> float | int | None:
    """Return a number for JSON: whole numbers without a fraction, null if not finite."""
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < _WHOLE_BELOW else float(value)


def _moment(moment: AccountMoment) -> Document:
    fields = asdict(moment)
    return {**_plain(fields), "positions": [_plain(held) for held in fields["positions"]]}


def _plain(fields: Document) -> Document:
    return {name: json_number(value) if isinstance(value, float) else value for name, value in fields.items()}
