"""Symbols of a universe: what a session file selects in a store, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapedeck.engine.config.scanners import Universe
from tapedeck.engine.errors import ConfigError, DataMissingError
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.universe.universe_symbols import UniverseSymbols, universe_symbols

STORED = {
    "BB": frozenset({MINUTE}),
    "AA": frozenset({MINUTE, DAY}),
    "AB": frozenset({MINUTE}),
    "AD": frozenset({DAY}),
    "[X]": frozenset({MINUTE}),
}


def found(folder: Path, **section: object) -> UniverseSymbols:
    return universe_symbols(Universe.model_construct(**section), STORED, folder)


def told(known: UniverseSymbols) -> list[str]:
    return [str(one) for one in known.left_out]


def test_all_are_the_stored_symbols_with_1m_bars_in_order(tmp_path: Path) -> None:
    known = found(tmp_path, symbols="all")
    assert known.symbols == ("AA", "AB", "BB", "[X]")
    assert told(known) == ["AD has no 1m bars (stored: 1d)"]


def test_a_pattern_has_stars_and_question_marks(tmp_path: Path) -> None:
    assert found(tmp_path, pattern="A*").symbols == ("AA", "AB")
    assert found(tmp_path, pattern="?B").symbols == ("AB", "BB")


def test_a_list_leaves_out_what_is_not_stored_with_the_nearest_symbol(tmp_path: Path) -> None:
    known = found(tmp_path, symbols=("BB", "AA", "ab"))
    assert known.symbols == ("AA", "BB")
    assert told(known) == ["ab is not stored. Did you mean 'AB'?"]
    assert known.warning() == "universe: 2 symbols; left out: ab is not stored. Did you mean 'AB'?"


def test_a_file_has_a_symbol_a_line_and_its_bad_lines_are_told(tmp_path: Path) -> None:
    text = "# mine\n\n AA \nB B\n=SUM(A1)\nQQQQ\nAA\nBB\nA\x1b[31m\nAD\n"
    (tmp_path / "symbols.txt").write_text(text)
    known = found(tmp_path, file="symbols.txt")
    assert known.symbols == ("AA", "BB")
    lines = told(known)
    assert [line.split(":")[0] for line in lines] == ["line 4", "line 5", "line 6", "line 9", "line 10"]
    assert "invalid symbol 'B B'" in lines[0]
    assert "formula" in lines[1]
    assert lines[2].startswith("line 6: QQQQ is not stored")
    assert "\x1b" not in "".join(lines)
    assert lines[4] == "line 10: AD has no 1m bars (stored: 1d)"
    assert known.warning() is not None


def test_many_left_out_are_counted(tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("AA\n" + "".join(f"ZZ{number}\n" for number in range(1000)))
    warning = found(tmp_path, file="many.txt").warning()
    assert warning is not None
    assert warning.startswith("universe: 1 symbols; left out: line 2: ZZ0 is not stored")
    assert warning.endswith("; and 995 more")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00A\n"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "symbols.txt").write_bytes(content)
    with pytest.raises(ConfigError, match=r"symbols\.txt"):
        found(tmp_path, file="symbols.txt")


@pytest.mark.parametrize("section", [{"pattern": "Q*"}, {"symbols": ("AD",)}])
def test_a_universe_without_symbols_is_an_error(tmp_path: Path, section: dict[str, object]) -> None:
    with pytest.raises(DataMissingError, match="the universe has no symbol with stored 1m bars"):
        found(tmp_path, **section)
