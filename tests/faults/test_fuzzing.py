"""The short fuzzing of every kind of input: no finding; and the fuzzing finds what is put there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapedeck.engine.errors import ConfigError
from tests.faults import fuzzing
from tests.faults.fuzz_targets import TARGETS, Target

INPUTS = {"session": 40, "condition": 80, "script": 40, "options": 30, "settings": 30, "csv": 20}


@pytest.mark.parametrize("name", TARGETS)
def test_random_inputs_are_answered_in_words(name: str) -> None:
    campaign = fuzzing.fuzz(name, seed=20131007, inputs=INPUTS[name])
    assert campaign.findings == []
    assert campaign.inputs == INPUTS[name]
    assert campaign.successes > 0, "every input was refused"


def test_faults_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def use(data: bytes, _folder: Path) -> None:
        if data == b"0":
            raise ConfigError("file", [])
        if data == b"1":
            raise RecursionError
        assert data != b"2", "the counts do not add up"

    target = Target(lambda random: b"%d" % random.randrange(4), use)
    monkeypatch.setitem(fuzzing.TARGETS, "faulty", target)
    campaign = fuzzing.fuzz("faulty", seed=1, inputs=40)
    assert {data for _, data in campaign.findings} == {b"1", b"2"}
    assert len(campaign.kinds) == 2
    assert 0 < campaign.successes < 40


def test_a_slow_input_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "LONGEST_S", -1.0)
    monkeypatch.setattr(fuzzing.faulthandler, "dump_traceback_later", lambda *_, **__: None)
    campaign = fuzzing.fuzz("script", seed=1, inputs=2)
    assert len(campaign.findings) == 2
