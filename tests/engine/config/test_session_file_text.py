"""Session files on disk: YAML, JSON, and errors of their text."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from tapedeck.engine.config import dump
from tapedeck.engine.config.documents import parse_text, write_yaml
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.session_file import load_session_config


def problems_in(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_session_config(path)
    assert caught.value.source == str(path)
    return [str(problem) for problem in caught.value.problems]


def yaml_of(text: str) -> object:
    return parse_text(text, "x.yaml", is_json=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10:30", "10:30"),
        ("NO", "NO"),
        ("ON", "ON"),
        ("Y", "Y"),
        ("TRUE", "TRUE"),
        ("0700", "0700"),
        ("1_000", "1_000"),
        ("2013-10-07", "2013-10-07"),
        (".inf", ".inf"),
        ("true", True),
        ("false", False),
        ("~", None),
        ("null", None),
        ("7203", 7203),
        ("-5", -5),
        ("0", 0),
        ("1e5", 100000.0),
        ("1.5", 1.5),
        (".5", 0.5),
    ],
)
def test_yaml_takes_for_numbers_and_truth_only_what_a_trader_means_so(text, value):
    read = yaml_of(f"[{text}]")
    assert read == [value]
    assert type(read[0]) is type(value)
    assert yaml_of(write_yaml({"x": read})) == {"x": read}


def test_symbols_that_look_like_yaml_words_stay_symbols(document, tmp_path):
    document["session_data_config"]["symbols"] = ["SPY"]
    path = tmp_path / "session.yaml"
    path.write_text(write_yaml(document).replace("- SPY", "- ON\n  - NO\n  - Y\n  - TRUE\n  - 0700"))
    assert load_session_config(path).config.session_data_config.symbols == ("ON", "NO", "Y", "TRUE", "0700")


def test_a_start_time_needs_no_quotes(document, tmp_path):
    path = tmp_path / "session.yml"
    path.write_text(write_yaml(document).replace("end_date:", "start_time: 10:30\n  end_date:"))
    assert str(load_session_config(path).config.backtest_config.start_time) == "10:30:00"


@pytest.mark.parametrize("name", ["session.json", "SESSION.JSON", "session"])
def test_json_is_read_by_its_name_or_its_first_character(document, tmp_path, name):
    path = tmp_path / name
    path.write_text(json.dumps(document), encoding="utf-8-sig")
    loaded = load_session_config(path)
    assert loaded.config.session_data_config.symbols == ("SPY", "IBM")
    assert loaded.source == str(path)


def test_yaml_anchors_and_merge_keys_save_typing():
    read = yaml_of(
        "base: &b {type: SMA, interval: 1m}\nfast: {<<: *b, timeperiod: 5}\nslow: {<<: *b, interval: 5m}\n"
    )
    assert read["fast"] == {"type": "SMA", "interval": "1m", "timeperiod": 5}
    assert read["slow"] == {"type": "SMA", "interval": "5m"}


YAML_FAULTS = [
    (
        "a: 1\nb: 2\na: 3\n",
        "line 3: duplicate key 'a' (first in line 1): keep one of them.",
    ),
    (
        "a: [1\nb: 2",
        "line 2, column 2: invalid YAML: a list in [ ] needs a comma or its closing bracket "
        "(parser: while parsing a flow sequence expected ',' or ']', but got ':').",
    ),
    (
        "a:\n\tb: 1",
        "line 2, column 1: invalid YAML: a tab cannot be used here, indent with spaces (parser: while "
        "scanning for the next token found character '\\t' that cannot start any token).",
    ),
    (
        "a: b: c",
        "line 1, column 5: invalid YAML: text with a colon needs quotes, or the indent is wrong "
        "(parser: mapping values are not allowed here).",
    ),
    (
        "{{ x }}: 1",
        "line 1, column 1: invalid YAML: the name of a field must be text, in quotes if it has braces or "
        "brackets (parser: while constructing a mapping found unhashable key).",
    ),
    (
        "a: @x",
        "line 1, column 4: invalid YAML: text that begins with this character needs quotes (parser: while "
        "scanning for the next token found character '@' that cannot start any token).",
    ),
    (
        'a: "b',
        "line 1, column 6: invalid YAML: a quote is not closed, or \\ is used in double quotes (parser: "
        "while scanning a quoted scalar found unexpected end of stream).",
    ),
    (
        "a: !!python/object:os.system 1",
        "line 1, column 4: invalid YAML: a tag such as !!name is not allowed, remove it (parser: could not "
        "determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system').",
    ),
    (
        "a: 1\n---\nb: 2",
        "line 2, column 1: invalid YAML: only one document is allowed, remove the line --- (parser: "
        "expected a single document in the stream but found another document).",
    ),
    ("a: 1\nb: \x07", "line 2: invalid YAML: the character U+0007 is not allowed in a text file."),
    ("a: !!bool maybe", "file: is not valid YAML: a value does not match its tag, or is too long ('maybe')."),
    ("[" * 600, "file: is too large or too deep: at most 100,000 values, 40 levels deep."),
    ("", "file: is empty: a session file starts with session_name and exchange_group."),
    ("# only a comment\n", "file: is empty: a session file starts with session_name and exchange_group."),
    ("- SPY\n- IBM\n", "file: must be a mapping of fields, not a list."),
]


@pytest.mark.parametrize(("text", "line"), YAML_FAULTS, ids=[line[:60] for _, line in YAML_FAULTS])
def test_a_yaml_error_has_its_line(tmp_path, text, line):
    path = tmp_path / "session.yaml"
    path.write_text(text)
    assert problems_in(path) == [line]


def test_an_alias_bomb_does_not_fill_memory(tmp_path):
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise(names)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    (line,) = problems_in(path)
    assert line.startswith("file: is too large or too deep")


JSON_FAULTS = [
    (
        '{"a": 1,\n "a": 2, "b": 3}',
        "line 2: duplicate key 'a' (first in line 1): keep one of them.",
    ),
    (
        '{"a": 1, "a": 2}',
        "line 1: duplicate key 'a' (first in line 1): keep one of them.",
    ),
    ('{"a":\n }', "line 2, column 2: invalid JSON: Expecting value."),
    ('{"a": NaN}', "file: is not valid JSON: NaN is not allowed."),
    ("[" * 100_000, "file: is too large or too deep: at most 100,000 values, 40 levels deep."),
    ("", "line 1, column 1: invalid JSON: Expecting value."),
]


@pytest.mark.parametrize(("text", "line"), JSON_FAULTS, ids=[line[:60] for _, line in JSON_FAULTS])
def test_a_json_error_has_its_position(tmp_path, text, line):
    path = tmp_path / "session.json"
    path.write_text(text)
    assert problems_in(path) == [line]


def test_a_number_of_thousands_of_digits_is_refused(tmp_path):
    path = tmp_path / "session.json"
    path.write_text('{"session_name": ' + "9" * 5000 + "}")
    (line,) = problems_in(path)
    assert line.startswith("file: is not valid JSON: Exceeds the limit")


def test_a_missing_file_names_the_nearest_in_its_folder(tmp_path):
    (tmp_path / "october-2013.yaml").write_text("")
    (tmp_path / "notes.txt").write_text("")
    (line,) = problems_in(tmp_path / "octobre-2013.yaml")
    assert line == f"file: does not exist. Did you mean {str(tmp_path / 'october-2013.yaml')!r}?"


def test_a_missing_file_like_no_other_gets_no_guess_and_one_sentence(tmp_path):
    (tmp_path / "oct-lr.yaml").write_text("")
    path = tmp_path / "nofile.yaml"
    with pytest.raises(ConfigError) as caught:
        load_session_config(path)
    assert str(caught.value) == f"{path} does not exist."


def test_a_missing_folder_is_named(tmp_path):
    (line,) = problems_in(tmp_path / "nowhere" / "session.yaml")
    assert line == f"file: does not exist, nor does the folder {str(tmp_path / 'nowhere')!r}."


def test_a_folder_is_an_error_that_lists_its_session_files(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "a.yaml").write_text("{}")
    assert problems_in(tmp_path) == ["file: is a folder, not a session file; it contains a.yaml, b.json."]
    assert problems_in(tmp_path / "empty") == ["file: is a folder, not a session file."]


def test_a_binary_file_is_an_error(tmp_path):
    zeros, latin = tmp_path / "bars.db", tmp_path / "latin.yaml"
    zeros.write_bytes(b"SQLite format 3\0" + bytes(100))
    latin.write_bytes("session_name: Börse".encode("latin-1"))
    assert problems_in(zeros) == ["file: is a binary file, not YAML or JSON text."]
    assert problems_in(latin) == ["file: is not UTF-8 text (byte 16): save it as UTF-8."]


def test_a_file_far_too_large_is_not_even_read(tmp_path):
    path = tmp_path / "bars.csv"
    with path.open("wb") as file:
        file.truncate(2 * 1024 * 1024)
    assert problems_in(path) == ["file: is too large for a session file: more than 1024 KiB."]


def test_an_invalid_path_is_an_error_with_the_systems_reason(tmp_path):
    plain = tmp_path / "plain.yaml"
    plain.write_text("")
    (line,) = problems_in(plain / "session.yaml")
    assert line == "file: cannot be read: Not a directory."


def test_what_is_dumped_shows_every_field_and_can_be_read_again(document, read, tmp_path):
    config = read(document).config
    path = tmp_path / "dumped.yaml"
    path.write_text(dump(config))
    assert "prefetch_days: 5" in path.read_text()
    assert "max_open_positions: 10" in path.read_text()
    assert load_session_config(path).config == config
