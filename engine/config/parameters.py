"""Parameters of session files: their values are put in the place of `$name`.

`$name` is the whole value of a field of an indicator, a size or a rule, or part of the text of a condition.
A strategy looks it up in its own parameters, then in those of the file. An indicator looks it up in those of
the file, then in those of the strategies, which have to agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, NamedTuple

from tapedeck.engine.config.faults import Location, shown
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.strategies import strategy_name
from tapedeck.engine.errors import ConfigProblem, nearest, unknown_name

PARAMETERS: Final = "parameters"
RULE_TEXTS: Final = ("enter", "exit")
RULE_VALUES: Final = (
    "side", "flat_at_close", "no_entry_after", "max_entries_per_day", "stop_loss", "take_profit",
)  # fmt: skip
"""Fields of a rule strategy whose text may be `$name` alone."""
STRATEGIES: Final = "strategies"
_DATA: Final = "session_data_config"
_INDICATORS: Final = ((_DATA, "indicators"), (_DATA, "historical", "indicators"))
_REFERENCE: Final = re.compile(r"\$([^\W\d]\w*)")
# What may stand in a condition: a number is not text, so this is a time of day, or the name of a value.
_WORD: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?|[^\W\d]\w*(\.\w+)*")


@dataclass(slots=True)
class FilledIn:
    """What was found while the values were put in: problems, and the places of those."""

    problems: list[ConfigProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def places(self) -> frozenset[str]:
        """Paths of the fields that still have their `$name`: their other faults follow from that."""
        return frozenset(problem.path for problem in self.problems)


class _Owner(NamedTuple):
    """A mapping of parameters, with the place of what has it: a strategy, or the file at ()."""

    place: Location
    label: str
    values: Mapping[str, object]


def fill_in(document: dict[str, object]) -> FilledIn:
    """Put the values of parameters in place of `$name`, in `document` itself, which may have other faults."""
    return _Filling(document).run()


def has_reference(value: object) -> bool:
    """Whether a value is a text with `$name`."""
    return isinstance(value, str) and _REFERENCE.search(value) is not None


class _Filling:
    """Puts values in. `_used`: places of the parameters that something uses."""

    def __init__(self, document: dict[str, object]) -> None:
        self._document = document
        self._found = FilledIn()
        self._file = _Owner((), "this file", mapping(document.get(PARAMETERS)))
        self._used: set[Location] = set()

    def run(self) -> FilledIn:
        """Put the values in, and return what was found."""
        for name, value in self._file.values.items():
            self._refuse_reference(value, (PARAMETERS, name))
        strategies = list(strategies_of(self._document))
        for place, strategy in strategies:
            self._fill_parameters(strategy, place)
        owners = [
            _Owner(place, f"strategy {strategy_name(strategy)}", mapping(strategy.get(PARAMETERS)))
            for place, strategy in strategies
        ]
        for (_, strategy), owner in zip(strategies, owners, strict=True):
            self._fill_strategy(strategy, owner)
        self._fill_scanners()
        self._fill_indicators(owners)
        self._warn_of_unused(strategies)
        return self._found

    def _fill_parameters(self, strategy: dict[str, object], place: Location) -> None:
        """Put the file's values into a strategy's parameters; other texts of a class stay as they are."""
        own = strategy.get(PARAMETERS)
        if not isinstance(own, Mapping):
            return
        filled = dict(own)
        for name, value in own.items():
            inner = (*place, PARAMETERS, name)
            if isinstance(value, str) and _REFERENCE.fullmatch(value):
                filled[name] = self._whole(value, inner, [self._file])
            elif "strategy" not in strategy:
                self._refuse_reference(value, inner)
        strategy[PARAMETERS] = filled

    def _refuse_reference(self, value: object, place: Location) -> None:
        if has_reference(value):
            message = f"must be a value, not {shown(value)}: a parameter does not stand for another one"
            self._found.problems.append(ConfigProblem(dotted(place), value, message))

    def _fill_strategy(self, strategy: dict[str, object], owner: _Owner) -> None:
        scopes, place = [owner, self._file], owner.place
        self._fill_texts(strategy, RULE_TEXTS, place, scopes)
        self._fill_values(strategy, RULE_VALUES, place, scopes)
        size = strategy.get("size")
        if isinstance(size, dict):
            self._fill_values(size, tuple(size), (*place, "size"), scopes)
            self._fill_texts(size, ("stop",), (*place, "size"), scopes)

    def _fill_scanners(self) -> None:
        scanners = mapping(self._document.get(_DATA)).get("scanners")
        for position, scanner in enumerate(scanners if isinstance(scanners, list) else []):
            if isinstance(scanner, dict):
                place = (_DATA, "scanners", position)
                self._fill_texts(scanner, ("where", "by"), place, [self._file])

    def _fill_indicators(self, owners: Sequence[_Owner]) -> None:
        for section in _INDICATORS:
            definitions: object = self._document
            for name in section:
                definitions = mapping(definitions).get(name)
            for name, definition in mapping(definitions).items():
                if isinstance(definition, dict):
                    self._fill_indicator(definition, (*section, name), owners)

    def _fill_indicator(
        self, definition: dict[str, object], place: Location, owners: Sequence[_Owner]
    ) -> None:
        for key, value in definition.items():
            match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
            if match is None:
                continue
            inner = (*place, key)
            having = [owner for owner in owners if match[1] in owner.values]
            if match[1] in self._file.values or not self._differ(match[1], having, inner, value):
                definition[key] = self._whole(str(value), inner, [self._file, *owners])
                if match[1] not in self._file.values:
                    self._used.update((*owner.place, PARAMETERS, match[1]) for owner in having)

    def _differ(self, name: str, owners: Sequence[_Owner], place: Location, value: object) -> bool:
        """Whether strategies have different values of a parameter, which is a problem of an indicator."""
        values = {repr(owner.values[name]) for owner in owners}
        if len(values) < 2:
            return False
        given = ", ".join(f"{shown(owner.values[name])} ({owner.label})" for owner in owners)
        message = (
            f"the strategies have different values of {name}: {given}. Give the file one value in "
            f"{PARAMETERS}, or give each strategy its own indicator, with a parameter of another name"
        )
        self._found.problems.append(ConfigProblem(dotted(place), value, message))
        return True

    def _fill_values(
        self, section: dict[str, object], names: Sequence[str], place: Location, scopes: Sequence[_Owner]
    ) -> None:
        for name in names:
            value = section.get(name)
            if isinstance(value, str) and _REFERENCE.fullmatch(value.strip()):
                section[name] = self._whole(value, (*place, name), scopes)

    def _fill_texts(
        self, section: dict[str, object], names: Sequence[str], place: Location, scopes: Sequence[_Owner]
    ) -> None:
        for name in names:
            value = section.get(name)
            if has_reference(value):
                inner = (*place, name)
                section[name] = _REFERENCE.sub(
                    lambda match, inner=inner: self._word(match, inner, scopes),  # type: ignore[misc]
                    str(value),
                )

    def _whole(self, text: str, place: Location, scopes: Sequence[_Owner]) -> object:
        name = text.strip()[1:]
        found = self._lookup(name, text, place, scopes)
        return text if found is None else found.values[name]

    def _word(self, match: re.Match[str], place: Location, scopes: Sequence[_Owner]) -> str:
        """Return the value of a reference as a condition has it; the reference itself if it has a problem."""
        owner = self._lookup(match[1], match[0], place, scopes)
        if owner is None:
            return match[0]
        value = owner.values[match[1]]
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return repr(value)
        if isinstance(value, str) and _WORD.fullmatch(value):
            return value
        message = (
            f"{match[0]} is {shown(value)}: in a condition it must be a number, a time of day such as "
            f'"10:30", or the name of a value'
        )
        self._found.problems.append(ConfigProblem(dotted(place), match[0], message))
        return match[0]

    def _lookup(self, name: str, text: str, place: Location, scopes: Sequence[_Owner]) -> _Owner | None:
        """Return the first that has a parameter, or None, which is a problem."""
        for owner in scopes:
            if name in owner.values:
                self._used.add((*owner.place, PARAMETERS, name))
                return owner
        known = list(dict.fromkeys(name for owner in scopes for name in owner.values))
        owners = "this file" if scopes[0].place == () else f"{scopes[0].label}, with the file,"
        message = unknown_name("parameter", name, known, owner=owners)
        near = nearest(name, known)
        self._found.problems.append(
            ConfigProblem(dotted(place), text, message, None if near is None else f"${near}")
        )
        return None

    def _warn_of_unused(self, strategies: Sequence[tuple[Location, Mapping[str, object]]]) -> None:
        # Parameters of a class are used by it.
        owners = [(place, one) for place, one in strategies if "strategy" not in one]
        for place, owner in [((), self._document), *owners]:
            for name in mapping(owner.get(PARAMETERS)):
                inner = (*place, PARAMETERS, name)
                if inner not in self._used:
                    self._found.warnings.append(f"{dotted(inner)} has no effect: nothing uses ${name}")


def strategies_of(document: Mapping[str, object]) -> Iterator[tuple[Location, dict[str, object]]]:
    """Yield the strategies of a document, with their places."""
    listed = document.get(STRATEGIES)
    for position, strategy in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(strategy, dict):
            yield (STRATEGIES, position), strategy


def mapping(value: object) -> Mapping[str, object]:
    """Return a mapping as it is; an empty one for another value, which the model reports."""
    return value if isinstance(value, Mapping) else {}
