"""Text of session files: YAML or JSON to plain mappings, lists and values, and back.

YAML follows version 1.2, with fewer implicit types: only `true` and `false` are booleans, so that the symbols
ON, NO, Y and TRUE stay text; `10:30` is text, not 630; `0700` is text, not octal; dates are text until
a date field parses them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from tapedeck.engine.config.lines import Lines, lines_of_json, lines_of_node
from tapedeck.engine.config.text_files import MAX_DEPTH, MAX_VALUES, TOO_LARGE
from tapedeck.engine.errors import WHOLE_FILE, ConfigError, ConfigProblem

_PLAIN_VALUES: Final = {
    "tag:yaml.org,2002:bool": (re.compile(r"true|false"), "tf"),
    "tag:yaml.org,2002:null": (re.compile(r"~|null|"), ["~", "n", ""]),
    "tag:yaml.org,2002:int": (re.compile(r"[-+]?(0|[1-9][0-9]*)"), "-+0123456789"),
    "tag:yaml.org,2002:float": (
        re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
        "-+.0123456789",
    ),
    "tag:yaml.org,2002:merge": (re.compile("<<"), "<"),
}

# Part of the parser's message → the fault and the remedy; the first that fits is used.
_YAML_FAULTS: Final = (
    ("'\\t'", "a tab cannot be used here, indent with spaces"),
    ("mapping values are not allowed", "text with a colon needs quotes, or the indent is wrong"),
    ("unhashable key", "the name of a field must be text, in quotes if it has braces or brackets"),
    ("constructor for the tag", "a tag such as !!name is not allowed, remove it"),
    ("expected a single document", "only one document is allowed, remove the line ---"),
    ("quoted scalar", "a quote is not closed, or \\ is used in double quotes"),
    ("flow sequence", "a list in [ ] needs a comma or its closing bracket"),
    ("flow mapping", "a mapping in { } needs a comma or its closing brace"),
    ("could not find expected ':'", "a field needs a colon after its name"),
    ("undefined alias", "an alias needs an anchor of the same name above it; a text such as *A needs quotes"),
    ("scanning an alias", "text that begins with * needs quotes"),
    ("cannot start any token", "text that begins with this character needs quotes"),
    ("block", "lines of one level need the same indent"),
)
_NO_WIDTH: Final = 2**31
_OTHER_YAML_FAULT: Final = "this text does not fit here"


class _TooLargeError(Exception):
    """A document with too many values or levels, or that contains itself."""


class _Extent:
    """Counts the values and levels of a YAML document while it is composed, aliases as what they repeat.

    A few lines of aliases of aliases would otherwise become millions of values, or a value within itself.
    """

    def __init__(self) -> None:
        self._values = 0
        self._depth = 0
        self._deepest = 0
        self._known: dict[int, tuple[int, int]] = {}  # of each node by its id: values, levels below it

    def enter(self) -> tuple[int, int]:
        """Begin a node; return what `leave` needs."""
        self._values += 1
        self._depth += 1
        self._check(self._depth)
        before = self._values, self._deepest
        self._deepest = self._depth
        return before

    def leave(self, node: yaml.Node | None, before: tuple[int, int]) -> None:
        """End a node."""
        values, deepest = before
        self._known[id(node)] = self._values - values + 1, self._deepest - self._depth
        self._depth -= 1
        self._deepest = max(deepest, self._deepest)

    def repeat(self, node: yaml.Node | None) -> None:
        """Count the node that an alias repeats."""
        if id(node) not in self._known:  # not left yet
            raise _TooLargeError
        values, levels = self._known[id(node)]
        self._values += values
        self._deepest = max(self._deepest, self._depth + 1 + levels)
        self._check(self._deepest)

    def _check(self, depth: int) -> None:
        if self._values > MAX_VALUES or depth > MAX_DEPTH:
            raise _TooLargeError


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the narrower types above; it also collects duplicate keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # filled below, as PyYAML has it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[ConfigProblem] = []
        self._extent = _Extent()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401  # as below
        if self.check_event(yaml.AliasEvent):
            node: yaml.Node | None = super().compose_node(parent, index)
            self._extent.repeat(node)
            return node
        before = self._extent.enter()
        node = super().compose_node(parent, index)
        self._extent.leave(node, before)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401  # PyYAML's own border
        # Checked here, because constructing the mapping first folds merge keys (<<) into it.
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if key.value in lines:
                    self.repeated.append(
                        _repeated(f"line {line}", key.value, f"first in line {lines[key.value]}")
                    )
                lines.setdefault(key.value, line)
        return node


class _Dumper(yaml.SafeDumper):
    """Writes YAML for `_Loader`: quotes exactly the texts that it would read as another type."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # filled below, as PyYAML has it

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        # PyYAML writes these characters as line breaks, and reads them as spaces, unless double-quoted.
        style = '"' if any(character in text for character in "\x85\u2028\u2029\ufeff") else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


for _class in (_Loader, _Dumper):
    for _tag, (_pattern, _first_letters) in _PLAIN_VALUES.items():
        # PyYAML matches a prefix, so the pattern must include the end.
        _class.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern.pattern})\Z"), list(_first_letters))
_Dumper.add_representer(str, _Dumper.represent_text)


def parse_text(text: str, source: str, *, is_json: bool) -> object:
    """Return the document in `text`; ConfigError gives the line and column of a syntax error.

    A document has at most MAX_VALUES values and MAX_DEPTH levels.
    """
    try:
        document = _parse_json(text, source) if is_json else _parse_yaml(text, source)
    except (RecursionError, _TooLargeError):
        raise _too_large(source) from None
    if is_json and not _is_within_limits(document):
        raise _too_large(source)
    return document


def _too_large(source: str) -> ConfigError:
    return ConfigError(source, [ConfigProblem(WHOLE_FILE, None, f"{TOO_LARGE}.")])


def _is_within_limits(document: object) -> bool:
    """Whether a document has few enough values and levels; without recursion."""
    values, level = 0, [document]
    for _ in range(MAX_DEPTH):
        values += len(level)
        if values > MAX_VALUES or not level:
            break
        level = [inner for node in level for inner in _inner(node)]
    return values <= MAX_VALUES and not level


def _inner(node: object) -> Iterable[object]:
    if isinstance(node, Mapping):
        return node.values()
    return node if isinstance(node, list | tuple) else ()


def find_lines(text: str, *, is_json: bool) -> Lines:
    """Return the lines of the fields of a text that `parse_text` has read."""
    if is_json:
        return lines_of_json(text)[0]
    loader = _Loader(text)
    node = loader.get_single_node()
    if node is not None:
        loader.construct_document(node)  # resolves merge keys in the node
    return lines_of_node(node)


def write_yaml(document: Mapping[str, object]) -> str:
    """Return `document` as YAML; `parse_text` reads the same document back."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def write_yaml_value(value: object) -> str:
    """Return a value as one line of YAML, for any place in a document: `[SPY, IBM]`, `2013-10-07`."""
    # Within a list, as the text of a value alone would end with a line of its own.
    line: str = yaml.dump(
        [value],
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=_NO_WIDTH,
        default_flow_style=True,
    )
    return line.removesuffix("\n")[1:-1]


def _parse_yaml(text: str, source: str) -> object:
    try:
        loader = _Loader(text)
        document = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        raise _yaml_error(source, error) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = (
            f"invalid YAML: the character U+{ord(text[error.position]):04X} is not allowed in a text file."
        )
        raise ConfigError(source, [ConfigProblem(f"line {line}", None, message)]) from error
    except (ValueError, LookupError, AttributeError) as error:
        # Raised by PyYAML if a tag and its value do not agree, such as `!!bool maybe`.
        message = f"is not valid YAML: a value does not match its tag, or is too long ({error})."
        raise ConfigError(source, [ConfigProblem(WHOLE_FILE, None, message)]) from error
    if loader.repeated:
        raise ConfigError(source, loader.repeated)
    return document


def _yaml_error(source: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else WHOLE_FILE
    parsers = " ".join(part for part in (error.context, error.problem) if part)
    fault = next((words for part, words in _YAML_FAULTS if part in parsers), _OTHER_YAML_FAULT)
    return ConfigError(source, [ConfigProblem(place, None, f"invalid YAML: {fault} (parser: {parsers}).")])


def _parse_json(text: str, source: str) -> object:
    has_repeated = False

    def read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal has_repeated
        found = dict(pairs)
        has_repeated = has_repeated or len(found) < len(pairs)
        return found

    def refuse_constant(word: str) -> object:
        message = f"is not valid JSON: {word} is not allowed."
        raise ConfigError(source, [ConfigProblem(WHOLE_FILE, word, message)])

    try:
        document: object = json.loads(text, object_pairs_hook=read_object, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(source, [ConfigProblem(place, None, f"invalid JSON: {error.msg}.")]) from error
    except ValueError as error:  # a whole number of thousands of digits
        message = f"is not valid JSON: {error}."
        raise ConfigError(source, [ConfigProblem(WHOLE_FILE, None, message)]) from error
    if has_repeated:
        _, repeated = lines_of_json(text)
        raise ConfigError(
            source,
            [_repeated(f"line {key.line}", key.name, f"first in line {key.first}") for key in repeated],
        )
    return document


def _repeated(place: str, key: str, where: str) -> ConfigProblem:
    return ConfigProblem(place, key, f"duplicate key {key!r} ({where}): keep one of them.")
