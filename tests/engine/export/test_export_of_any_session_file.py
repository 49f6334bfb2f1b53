"""What can be played can be exported: a session file is refused at load, or its export validates."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from export_kit import make_config, make_record, make_tape, write_export
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import ConfigError
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.session_file import load_session_config

RECORD = make_record(make_tape(date(2013, 10, 7), frontier=2))
TEXTS = st.text(st.characters(), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=15)
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
@example({"note": "\ud800"})
@example({"\udfff": 1})
@example({"deep": [{"x": ["a\ud83d"]}]})
@example({"x": float("inf")})
@example({"x": 10**4000})
@example({"x": "\u2028\x85\ufeff\x7f"})
def test_any_metadata_is_refused_at_load_or_exported(metadata):
    try:
        config = make_config(metadata=metadata, last=date(2013, 10, 7))
    except ConfigError as error:
        str(error).encode()  # the message itself can be shown
        return
    with TemporaryDirectory() as folder:
        write_export(Path(folder), config, [RECORD], state="stopped")
        report = validate_export(Path(folder))
        assert report.findings == ()
        assert json.loads(Path(folder, "manifest.json").read_bytes())["metadata"] == config.metadata


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "x.json",
            '{"metadata": {"note": "a\\ud800"}}',
            r"metadata\.note: the text 'a\\ud800' has '\\ud800', half of a",
        ),
        (
            "x.yaml",
            'metadata: {note: "\\udc00"}',
            r"metadata\.note: the text '\\udc00' has '\\udc00', half of a",
        ),
        (
            "x.json",
            '{"metadata": {"a\\ud800": 1}}',
            r"the text 'a\\ud800' has '\\ud800', half of a character",
        ),
        ("x.json", '{"session_name": "\\ud800"}', r"session_name: the text '\\ud800' has"),
    ],
)
def test_a_lone_surrogate_in_a_session_file_is_told_with_its_place(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_session_config(tmp_path / name)


def test_an_infinite_number_in_a_session_file_is_told_with_its_place():
    with pytest.raises(ConfigError, match=r"metadata\.levels\[1\]: must be a finite number, not inf"):
        make_config(metadata={"levels": [1.0, 1e999]})
