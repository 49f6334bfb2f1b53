"""Roles of the columns of a table: by the user's column map, else by the usual names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tapedeck.engine.errors import BarImportError, did_you_mean, nearest

VALUES: Final = ("open", "high", "low", "close", "volume")
ROLES: Final = ("time", "date", *VALUES, "symbol")
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("timestamp", "datetime", "date_time", "date time", "time", "opened_at", "open_time", "ts", "t"),
    "date": ("date", "day", "trading_day", "d"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "last", "c"),
    "volume": ("volume", "vol", "v"),
    "symbol": ("symbol", "ticker", "sym", "s"),
}


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Names of the columns that make a bar.

    At least one of `time` and `date` is given; with both, `date` holds the day and `time` the time of day.
    """

    time: str | None
    date: str | None
    values: tuple[str, ...]
    symbol: str | None


def find_roles(names: Sequence[str], chosen: Mapping[str, str], *, where: str) -> ColumnRoles:
    """Return the roles of the columns `names`: those `chosen` (role to column), the others by usual names.

    Case is ignored. Raises BarImportError on a missing role, with the columns and the way to name them.
    """
    found = _chosen_columns(names, chosen, where)
    by_folded = {name.strip().casefold(): name for name in reversed(names)}
    taken = set(found.values())
    for role in ROLES:
        if role in found or (role in ("time", "date") and {"time", "date"} & set(chosen)):
            continue
        usual = (by_folded[word] for word in _USUAL[role] if word in by_folded)
        column = next((name for name in usual if name not in taken), None)
        if column is not None:
            found[role] = column
            taken.add(column)
    _drop_redundant_date(found, chosen)
    missing = [role for role in VALUES if role not in found]
    if not {"time", "date"} & set(found):
        missing.insert(0, "time")
    if missing:
        raise BarImportError(_missing(missing, names, where))
    values = tuple(found[role] for role in VALUES)
    return ColumnRoles(found.get("time"), found.get("date"), values, found.get("symbol"))


def check_roles(chosen: Mapping[str, str]) -> None:
    """Raise BarImportError on a column map with an unknown role."""
    for role in chosen:
        if role not in ROLES:
            hint = did_you_mean(nearest(role, ROLES))
            raise BarImportError(f"unknown role {role!r} in the column map: use {', '.join(ROLES)}.{hint}")


def _chosen_columns(names: Sequence[str], chosen: Mapping[str, str], where: str) -> dict[str, str]:
    by_folded = {name.strip().casefold(): name for name in reversed(names)}
    found = {}
    for role, wanted in chosen.items():
        column = wanted if wanted in names else by_folded.get(wanted.strip().casefold())
        if column is None:
            hint = did_you_mean(nearest(wanted, names))
            there = ", ".join(map(repr, names))
            raise BarImportError(
                f"{where}: column {wanted!r} for {role} not found; the columns are {there}.{hint}"
            )
        found[role] = column
    return found


def _drop_redundant_date(found: dict[str, str], chosen: Mapping[str, str]) -> None:
    # A column called `timestamp` or `datetime` has the date, too; one called `time` needs the date column.
    whole = found.get("time", "").strip().casefold() not in ("time", "t")
    if "date" in found and "time" in found and whole and "date" not in chosen:
        del found["date"]


def _missing(missing: Sequence[str], names: Sequence[str], where: str) -> str:
    there = ", ".join(map(repr, names)) if names else "none"
    return (
        f"{where}: no column found for {', '.join(missing)}; the columns are {there}. "
        f"Name them with a column map, such as {missing[0]}={names[0] if names else 'COLUMN'}; "
        "the first line of a CSV file must hold the names"
    )
