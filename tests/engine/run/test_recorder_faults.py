"""A fault while a session is recorded: played sessions can still be viewed and exported, without a hole."""

from __future__ import annotations

import json

import pytest

from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run import session_recorder
from tapedeck.engine.system import SystemManager
from tests.support.runs import LIMIT_S

FAULTY_DAY = "2013-11-29"
BEFORE = ["2013-11-26", "2013-11-27"]


def exported_days(folder):
    report = validate_export(folder)
    assert report.ok, report.findings
    assert report.status == "partial"
    manifest = json.loads((folder / "manifest.json").read_text())
    return [session["trading_day"] for session in manifest["sessions"]]


@pytest.mark.parametrize(
    ("owner", "name", "kept"),
    [(CsvExport, "write_session", [*BEFORE, FAULTY_DAY]), (session_recorder, "session_digest", BEFORE)],
)
def test_days_up_to_a_fault_of_the_recorder_are_exported_whole(
    session_config, gapped_store, tmp_path, monkeypatch, owner, name, kept
):
    works = getattr(owner, name)

    def broken(*arguments):
        tapes = (getattr(argument, "tape", argument) for argument in arguments)
        session = next(tape.session for tape in tapes if hasattr(tape, "session"))
        if session.trading_day.isoformat() == FAULTY_DAY:
            raise RuntimeError("while a day is recorded")
        return works(*arguments)

    config = session_config()
    export = CsvExport(tmp_path / "out", config)
    system = SystemManager(config, gapped_store, sinks=[export], tape_cache_bytes=2**20)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        system.start()
        assert system.wait(LIMIT_S)
    assert system.state is RunState.ERROR
    assert "while a day is recorded" in str(system.error)
    export.finish(system.summary(), system.metrics)
    assert exported_days(tmp_path / "out") == BEFORE
    assert [day.isoformat() for day in system.tape_cache.days()] == kept
    system.export_csv(tmp_path / "by key")
    assert exported_days(tmp_path / "by key")[: len(kept)] == kept
