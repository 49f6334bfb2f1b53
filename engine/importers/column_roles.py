"""Roles of the columns of a table: as the user says, else by names and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import BarImportError, did_you_mean, nearest
from tapedeck.engine.importers.column_hints import missing_columns
from tapedeck.engine.importers.column_names import PRICES, QUOTES, STATUS_WORDS, USUAL, plain_name
from tapedeck.engine.importers.column_order import find_order, positions_of, unclear_order
from tapedeck.engine.importers.column_sample import ColumnSample
from tapedeck.engine.importers.file_rows import UnclearFileError, UnreadableFileError
from tapedeck.engine.importers.price_variants import find_variant
from tapedeck.engine.importers.time_columns import find_time_columns
from tapedeck.engine.importers.volume_columns import find_volume, without_volume

ROLES: Final = ("time", "date", *PRICES, "volume", "symbol", *QUOTES)
_SIDES: Final = ("bid", "ask")
_DOUBTFUL_SYMBOLS: Final = ("name", "security", "instrument", "instrumentname", "stock", "code", "pair", "s")


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Names of the columns that make a bar.

    At least one of `time` and `date` is given; with both, `date` holds the day and `time` the time of day.
    `prices`: open, high, low, close. `volume`: columns to add up; none where the table has no volume.
    """

    time: str | None
    date: str | None
    prices: tuple[str, ...]
    volume: tuple[str, ...]
    symbol: str | None
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read."""
        others = (self.time, self.date, self.symbol)
        known = (name for name in others if name is not None)
        return tuple(dict.fromkeys([*known, *self.prices, *self.volume]))

    def described(self) -> dict[str, str]:
        """Return role to column, in the order of roles; several columns of the volume as a sum."""
        found = {"date": self.date, "time": self.time} | dict(zip(PRICES, self.prices, strict=True))
        found |= {"volume": " + ".join(self.volume) if self.volume else None, "symbol": self.symbol}
        return {role: name for role, name in found.items() if name is not None}


@dataclass(frozen=True, slots=True)
class QuoteRoles:
    """Names of the columns that make a quote; time and date as in `ColumnRoles`.

    `made`: column that marks quotes which were made of bars, as exports have it.
    """

    time: str | None
    date: str | None
    bid: str
    ask: str
    bid_size: str | None
    ask_size: str | None
    symbol: str | None
    made: str | None

    @property
    def numbers(self) -> dict[str, str]:
        """Role to column of the prices and sizes that there are."""
        found = {"bid": self.bid, "ask": self.ask, "bid_size": self.bid_size, "ask_size": self.ask_size}
        return {role: name for role, name in found.items() if name is not None}

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are read."""
        others = (self.time, self.date, self.symbol, self.made)
        known = (name for name in others if name is not None)
        return tuple(dict.fromkeys([*known, *self.numbers.values()]))

    def described(self) -> dict[str, str]:
        """Return role to column, in the order of roles."""
        times = {"date": self.date, "time": self.time}
        others = {"symbol": self.symbol, "made": self.made}
        found = {**times, **self.numbers, **others}
        return {role: name for role, name in found.items() if name is not None}


@dataclass(frozen=True, slots=True)
class ChosenColumns:
    """Columns as the user names them: `names` by role, `positions` as roles from the first column on."""

    names: Mapping[str, str] = field(default_factory=dict)
    positions: Sequence[str] = ()


def find_roles(
    file: Path, sample: ColumnSample, chosen: ChosenColumns, *, has_names: bool, daily: bool
) -> ColumnRoles:
    """Return the roles of the columns: those `chosen`, the others by usual names and values.

    Raises UnclearFileError with the ways to settle it where several readings fit, and UnreadableFileError
    where a column is missing and none fits.
    """
    if chosen.positions:
        found = _by_position(file, sample, chosen.positions)
        return _complete(sample, found)
    if not has_names:
        if chosen.names:
            fault = "the first line holds no names, so --column cannot name any"
            error = unclear_order(file, sample, fault, [find_order(file, sample)])
            # Names and positions exclude each other.
            raise UnclearFileError(file, error.reason, [{"--column": None, **way} for way in error.ways])
        order = find_order(file, sample)
        found = {role: (name,) for role, name in order.items()}
        note = f"the file names no columns: read as {positions_of(sample.names, order)}"
        return _complete(sample, found, (note,))
    return _by_name(file, sample, chosen.names, daily=daily)


def find_quote_roles(
    file: Path, sample: ColumnSample, chosen: ChosenColumns, *, has_names: bool, daily: bool
) -> QuoteRoles | None:
    """Return the roles of a table of quotes; None for a table of bars.

    A table is one of quotes if it has a bid and an ask, by usual names, and none of open, high and low; or if
    the user names a column of quotes. Raises UnreadableFileError where a column is missing.
    """
    if chosen.positions:
        found = _by_position(file, sample, chosen.positions) if set(QUOTES) & set(chosen.positions) else {}
    elif has_names:
        found = _quotes_by_name(file, sample, chosen.names, daily=daily)
    else:
        return None
    if not found:
        return None
    missing = [role for role in _SIDES if role not in found]
    if not {"time", "date"} & set(found):
        missing.insert(0, "time")
    if missing:
        raise UnreadableFileError(
            file,
            f"no column of quotes found for {', '.join(missing)}; the columns are "
            f"{', '.join(map(repr, sample.names))}. Name them with --column, such as --column "
            f"{missing[0]}=NAME",
        )
    one = {role: names[0] for role, names in found.items() if names}
    others = (one.get("bid_size"), one.get("ask_size"), one.get("symbol"), one.get("made"))
    return QuoteRoles(one.get("time"), one.get("date"), one["bid"], one["ask"], *others)


def _quotes_by_name(
    file: Path, sample: ColumnSample, chosen: Mapping[str, str], *, daily: bool
) -> dict[str, tuple[str, ...]]:
    """Return the columns of a table of quotes; none of a table of bars."""
    if set(PRICES) & set(chosen):
        if set(QUOTES) & set(chosen):
            raise UnreadableFileError(
                file,
                "--column names columns of bars and of quotes: a file has one of them; name those of one",
            )
        return {}
    sides = {side: sample.first_named(QUOTES[side]) for side in _SIDES}
    has_bars = any(sample.first_named(_usual_prices(sample, role)) for role in PRICES[:3])
    if not set(QUOTES) & set(chosen) and (has_bars or None in sides.values()):
        return {}
    found = _chosen_columns(file, sample, chosen)
    if not {"time", "date"} & set(chosen):
        found |= {role: (name,) for role, name in find_time_columns(sample, daily=daily).items()}
    for role, usual in QUOTES.items():
        name = sample.first_named(usual, _taken(found))
        if role not in found and name is not None:
            found[role] = (name,)
    if "symbol" not in found and (symbol := _symbol(sample, _taken(found))):
        found["symbol"] = (symbol,)
    if (made := sample.by_plain.get("made")) is not None and made not in _taken(found):
        found["made"] = (made,)
    return found


def check_roles(chosen: Mapping[str, str]) -> None:
    """Raise BarImportError on a column map with an unknown role."""
    for role in chosen:
        if role not in ROLES:
            hint = did_you_mean(nearest(role, ROLES))
            raise BarImportError(f"unknown role {role!r} in the column map: use {', '.join(ROLES)}.{hint}")


def read_positions(text: str) -> tuple[str, ...]:
    """Return the roles of `time,open,high,low,close,volume` by position; "" leaves a column out.

    Raises BarImportError on an unknown or repeated role, or without a time and the four prices, or of quotes
    the two.
    """
    roles = tuple(word.strip().casefold().removeprefix("-") for word in text.split(","))
    check_roles({role: "" for role in roles if role})
    repeated = next((role for role in roles if role and roles.count(role) > 1), None)
    if repeated is not None:
        raise BarImportError(f"duplicate {repeated!r} in --columns {text}: name each column once")
    prices = _SIDES if set(QUOTES) & set(roles) else PRICES
    missing = [role for role in prices if role not in roles]
    if not {"time", "date"} & set(roles):
        missing.insert(0, "time")
    if missing:
        raise BarImportError(
            f"--columns {text} lacks {', '.join(missing)}: name the columns from the first on, such as "
            "time,open,high,low,close,volume; - leaves one out"
        )
    return roles


def _by_position(file: Path, sample: ColumnSample, roles: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if len(roles) > len(sample.names):
        raise UnreadableFileError(
            file, f"it has {len(sample.names)} columns, but --columns names {len(roles)}"
        )
    return {role: (name,) for role, name in zip(roles, sample.names, strict=False) if role}


def _by_name(file: Path, sample: ColumnSample, chosen: Mapping[str, str], *, daily: bool) -> ColumnRoles:
    found = _chosen_columns(file, sample, chosen)
    notes: tuple[str, ...] = ()
    if not {"time", "date"} & set(chosen):
        found |= {role: (name,) for role, name in find_time_columns(sample, daily=daily).items()}
    for role in PRICES:
        name = sample.first_named(_usual_prices(sample, role), _taken(found))
        if role not in found and name is not None:
            found[role] = (name,)
    if not set(PRICES) & set(found):
        known = {role: names[0] for role, names in found.items()}
        variant, notes = find_variant(file, sample, known)
        found |= {role: (name,) for role, name in variant.items()}
    missing = [role for role in PRICES if role not in found]
    if missing == ["close"] and (price := _price_as_close(sample, found)):
        found["close"] = (price,)
        notes += (f"close is read from {price!r}",)
        missing = []
    if not {"time", "date"} & set(found):
        missing.insert(0, "time")
    if missing:
        given = {name: role for role, name in chosen.items() if role not in missing}
        for role in missing:
            if (name := sample.first_named(USUAL[role])) in given:
                raise UnreadableFileError(
                    file, f"column {name!r} is given to {given[name]}, so no column is left for {role}"
                )
        raise missing_columns(file, sample, {role: names[0] for role, names in found.items()}, missing)
    if "volume" not in found:
        found["volume"], more = find_volume(file, sample, found["close"][0], _taken(found))
        notes += more
    if "symbol" not in found and (symbol := _symbol(sample, _taken(found))):
        found["symbol"] = (symbol,)
    return _complete(sample, found, notes)


def _complete(
    sample: ColumnSample, found: Mapping[str, tuple[str, ...]], notes: tuple[str, ...] = ()
) -> ColumnRoles:
    if not found.get("volume"):
        notes += (without_volume(sample, _taken(found)),)
    one = {role: names[0] for role, names in found.items() if names and role != "volume"}
    prices = tuple(one[role] for role in PRICES)
    return ColumnRoles(
        one.get("time"), one.get("date"), prices, tuple(found.get("volume", ())), one.get("symbol"), notes
    )


def _taken(found: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {name for names in found.values() for name in names}


def _chosen_columns(
    file: Path, sample: ColumnSample, chosen: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    found = {}
    for role, wanted in chosen.items():
        whole = _column_called(sample, wanted)
        parts = [_column_called(sample, part) for part in wanted.split("+")] if role == "volume" else []
        columns = [whole] if whole is not None else parts
        if not columns or None in columns:
            hint = did_you_mean(nearest(wanted, sample.names))
            there = ", ".join(map(repr, sample.names))
            raise UnreadableFileError(
                file, f"column {wanted!r} for {role} not found; the columns are {there}.{hint}"
            )
        found[role] = tuple(name for name in columns if name is not None)
    return found


def _column_called(sample: ColumnSample, wanted: str) -> str | None:
    if wanted in sample.names:
        return wanted
    folded = {name.strip().casefold(): name for name in reversed(sample.names)}
    return folded.get(wanted.strip().casefold()) or sample.by_plain.get(plain_name(wanted) or "?")


def _usual_prices(sample: ColumnSample, role: str) -> Sequence[str]:
    # The letters o, h, l, c mean prices only where all four are there.
    has_letters = all(role[0] in sample.by_plain for role in PRICES)
    return [name for name in USUAL[role] if has_letters or len(name) > 1]


def _price_as_close(sample: ColumnSample, found: Mapping[str, tuple[str, ...]]) -> str | None:
    name = sample.first_named(("price",), _taken(found))
    if name is None:
        return None
    return name if sample.is_price_set([*(found[role][0] for role in PRICES[:3]), name]) else None


def _symbol(sample: ColumnSample, taken: set[str]) -> str | None:
    for plain in USUAL["symbol"]:
        name = sample.by_plain.get(plain)
        if name is None or name in taken:
            continue
        texts = sample.texts(name)
        is_legible = all(len(text) <= 64 and not any(letter.isspace() for letter in text) for text in texts)
        if plain in _DOUBTFUL_SYMBOLS and (not texts or not is_legible):
            continue
        if plain == "name" and all(text.isdigit() for text in texts):
            continue  # the number of an instrument
        if plain == "s" and {text.casefold() for text in texts} <= STATUS_WORDS:
            continue
        return name
    return None
