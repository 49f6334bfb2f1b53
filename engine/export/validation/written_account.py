"""Checks what session.json says of strategies and their account, against the files and the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tapedeck.engine.export.manifest import SESSION_JSON, Manifest
from tapedeck.engine.export.validation.account_fields import Amounts, agree
from tapedeck.engine.export.validation.report import FindingLog

# A JSON object.
_Object = Mapping[str, Any]

_COUNTS: Final = ("orders", "refused", "fills", "trades", "profit")


class WrittenAccount:
    """What session.json says of the account of each session; empty where it cannot be read."""

    def __init__(self, folder: Path, manifest: Manifest, amounts: Amounts, log: FindingLog) -> None:
        self._amounts, self._log = amounts, log
        document = _read(folder / SESSION_JSON)
        self._sessions = {
            str(one.get("trading_day")): _object(one.get("account"))
            for one in _objects(document.get("sessions"))
        }
        right = manifest.model_dump(mode="json")
        for name in ("strategies", "account"):
            if document.get(name) != right.get(name):
                log.add(SESSION_JSON, None, f"{name}: not as in the manifest")

    def positions(self, day: str, moment: str) -> dict[tuple[str, str], int]:
        """Return lots at a moment of a session, `opening` or `closing`, by strategy and symbol."""
        found = _object(self._sessions.get(day)).get
        held = _objects(_object(found(moment)).get("positions"))
        return {
            (str(one.get("strategy")), str(one.get("symbol"))): lots
            for one in held
            if (lots := self._amounts.lots(_text(one.get("quantity")))) is not None
        }

    def check(
        self,
        day: str,
        moments: Mapping[str, tuple[int, int]],
        positions: Mapping[str, Mapping[tuple[str, str], int]],
        counts: Mapping[str, Mapping[str, int | None]],
        commission: int,
    ) -> None:
        """Check the account of a session.

        `moments`: cash and equity in units, `positions`: lots, each at `opening` and `closing`. `counts`:
        numbers of each strategy, its profit in units, None where unknown. `commission`: of the session.
        """
        written = _object(self._sessions.get(day))
        faults = [
            *self._moment_faults(written, moments),
            *self._position_faults(day, positions),
            *self._count_faults(written, counts),
        ]
        paid = [self._units(written, moment, "commission") for moment in ("opening", "closing")]
        if paid[0] is None or paid[1] is None or not agree(paid[1] - paid[0], commission):
            faults.append("commission is not that of fills.csv")
        for fault in faults:
            self._log.add(SESSION_JSON, None, f"sessions: {day}: account: {fault}")

    def _moment_faults(self, written: _Object, moments: Mapping[str, tuple[int, int]]) -> Iterator[str]:
        for moment, amounts in moments.items():
            for name, right in zip(("cash", "equity"), amounts, strict=True):
                found = self._units(written, moment, name)
                if found is None or not agree(found, right):
                    yield f"{moment}: {name} is not that of equity.csv"

    def _position_faults(
        self, day: str, positions: Mapping[str, Mapping[tuple[str, str], int]]
    ) -> Iterator[str]:
        for moment, right in positions.items():
            found = self.positions(day, moment)
            for held in sorted(found.keys() | right.keys()):
                if found.get(held, 0) != right.get(held, 0):
                    lots = f"{found.get(held, 0):,} lots, but {right.get(held, 0):,} by fills.csv"
                    yield f"{moment}: {held[0]} holds {held[1]}: {lots}"

    def _count_faults(
        self, written: _Object, counts: Mapping[str, Mapping[str, int | None]]
    ) -> Iterator[str]:
        own = {str(one.get("strategy")): one for one in _objects(written.get("strategies"))}
        for strategy, right in counts.items():
            for name in _COUNTS:
                found: object = own.get(strategy, {}).get(name)
                if name == "profit":
                    found = self._amounts.units(_text(found))
                if right[name] is not None and found != right[name]:
                    yield f"{strategy}: {name} is not that of the files"

    def _units(self, written: _Object, moment: str, name: str) -> int | None:
        return self._amounts.units(_text(_object(written.get(moment)).get(name)))


def _text(value: object) -> str:
    """Return a number as the files write it; `none` for any other value."""
    return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else "none"


def _object(value: object) -> _Object:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[_Object]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _read(path: Path) -> _Object:
    """Return the document; an empty one where it cannot be read, which is reported elsewhere."""
    try:
        return _object(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}
