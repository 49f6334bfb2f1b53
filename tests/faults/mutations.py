"""Mutations of texts and documents: random changes, reproducible by their seed."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import yaml

_TOKENS: Final = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        "\0",
        "\n",
        "\r\n",
        "\r",
        "\t",
        " ",
        '"',
        "'",
        ",",
        ";",
        "|",
        ":",
        "-",
        "#",
        "&a ",
        "*a",
        "<<: ",
        "!!int ",
        "---\n",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "not ",
        " and ",
        " or ",
        "any.",
        "all.",
        "abs(",
        "min(",
        "==",
        ">=",
        "nan",
        "inf",
        "-inf",
        "1e308",
        "1e-320",
        "-0",
        "0",
        "9" * 30,
        "9" * 400,
        "2013-10-07",
        "24:00",
        "10:30",
        "1,234.5",
        "1.234,5",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\ud800",
        "é",
        "中",
        "😀",
        "\x1b[2J",
        "\x7f",
    )
)
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    1e308,
    -1e-320,
    10**30,
    10**400,
    "",
    " ",
    "x",
    "SPY",
    "1m",
    "1d",
    "1w",
    "all",
    "10:30",
    "2013-10-07",
    "0000-00-00",
    "9999-12-31",
    "x" * 5000,
    "a\nb",
    "\u202e",
    "\x1b[31m",
    "é",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"a": {"b": {"c": 1}}},
    ["SPY", "SPY"],
    [1, "x", None, []],
)
_MOST_BYTES: Final = 1 << 16


def mutated_bytes(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Return `data` after one to eight changes: bytes flipped, cut, repeated, replaced, or of `others`."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randint(0, len(changed))
        end = min(len(changed), at + random.choice((1, 2, 8, 64, 512)))
        match random.randrange(7):
            case 0 if changed:
                changed[min(at, len(changed) - 1)] ^= 1 << random.randrange(8)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = random.choice(_TOKENS)
            case 3:
                changed[at:end] = random.choice(_TOKENS)
            case 4:
                changed[at:at] = bytes(changed[at:end]) * random.choice((1, 2, 50))
            case 5:
                other = random.choice(others)
                start = random.randint(0, len(other))
                changed[at:at] = other[start : start + 200]
            case _:
                changed[at:at] = random.choice(_TOKENS) * random.choice((2, 60, 1500))
    return bytes(changed[:_MOST_BYTES])


def mutated_document(document: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return a document after one to four changes: values replaced, moved or removed, keys renamed."""
    changed = copy.deepcopy(document)
    for _ in range(random.randint(1, 4)):
        places = list(_places(changed))
        holder, key = random.choice(places)
        match random.randrange(5):
            case 0 | 1:
                holder[key] = copy.deepcopy(random.choice(_VALUES))
            case 2:
                del holder[key]
            case 3 if isinstance(holder, dict):
                holder[f"{key}{random.choice(('', 'x', ' ', '_', '.'))}"] = holder.pop(key)
            case _:
                other, name = random.choice(places)
                holder[key] = copy.deepcopy(other.get(name) if isinstance(other, dict) else None)
        if not changed:
            break
    return changed


def written(document: dict[str, Any], random: Random) -> bytes:
    """Return a document as YAML or JSON."""
    if random.random() < 0.5:
        return json.dumps(document, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def _places(node: Any) -> Any:
    """Yield the holder and key of every value in a document."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield node, key
            yield from _places(value)
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield node, position
            yield from _places(value)
