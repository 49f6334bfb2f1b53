"""Tapes kept on disk come back as they were played."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from export_kit import digest_of, make_record, make_tape, two_days

from engine.errors import ExportError
from engine.export.spool import TapeSpool
from engine.intervals import MINUTE
from engine.tape.session_view import SessionView
from engine.tape.stamp import session_digest

DAY = date(2013, 10, 7)


def spooled(folder, **options):
    record = make_record(make_tape(DAY, **options))
    spool = TapeSpool(folder)
    spool.write_session(record, digest_of(record))
    return spool, record


@pytest.mark.parametrize("frontier", [None, 0, 1, 233])
def test_a_tape_comes_back_with_its_digest(tmp_path, frontier):
    spool, record = spooled(tmp_path, frontier=frontier)
    tape = spool.load(DAY)
    assert session_digest(tape, record.frontier) == digest_of(record)
    assert (tape.frontier, tape.processed, tape.scored) == (record.frontier,) * 3
    assert tape.session == record.tape.session
    assert tape.symbols == record.tape.symbols


def test_a_view_of_an_earlier_moment_is_the_same(tmp_path):
    spool, record = spooled(tmp_path)
    then, now = SessionView(record.tape, 100), SessionView(spool.load(DAY), 100)
    assert now.clock == then.clock
    for interval in record.tape.intervals:
        np.testing.assert_array_equal(now.bars_grid(interval), then.bars_grid(interval))
        np.testing.assert_array_equal(now.base_bars_grid(interval), then.base_bars_grid(interval))
    for name in then.indicator_names():
        np.testing.assert_array_equal(now.indicator_grid(name), then.indicator_grid(name))
    for symbol in then.symbols:
        assert now.totals(symbol) == then.totals(symbol)
        assert now.gaps(symbol) == then.gaps(symbol)
        assert now.quality(symbol) == then.quality(symbol)


def test_what_was_not_played_is_not_kept(tmp_path):
    spool, record = spooled(tmp_path, frontier=10, missing=0.0)
    tape = spool.load(DAY)
    assert not np.isnan(record.tape.base.values[:, :, 10:]).any()
    assert np.isnan(tape.base.values[:, :, 10:]).all()
    assert not tape.base.present[:, 10:].any()


def test_quality_that_was_not_measured_stays_so(tmp_path):
    spool, _ = spooled(tmp_path, measured=False)
    assert spool.load(DAY).scores is None


def test_a_lunch_break_comes_back(tmp_path):
    record = make_record(make_tape(DAY, exchange="XTKS"))
    spool = TapeSpool(tmp_path)
    spool.write_session(record, digest_of(record))
    assert len(spool.load(DAY).session.segments) == 2


def test_days_are_those_that_were_written(tmp_path):
    spool = TapeSpool(tmp_path / "spool")
    assert spool.days() == ()
    (tmp_path / "spool" / "notes.txt").write_text("mine")
    for record in reversed(two_days()):
        spool.write_session(record, digest_of(record))
    assert spool.days() == (DAY, date(2013, 10, 8))
    spool.clear()
    assert spool.days() == ()
    assert (tmp_path / "spool" / "notes.txt").exists()


def test_real_sessions_and_their_history_come_back(played_week):
    digests = {summary.trading_day: summary.digest for summary in played_week.summary.sessions}
    assert [day.isoformat() for day in played_week.spool.days()] == list(digests)
    for day in played_week.spool.days():
        tape = played_week.spool.load(day)
        assert session_digest(tape, 390) == digests[day.isoformat()]
        assert tape.historical["avg_volume_minute"].values.shape == (4, 390)
    first = SessionView(played_week.spool.load(DAY))
    assert first.totals("SPY").volume == 81489219
    assert first.bars("SPY", MINUTE).close[-1] == 167.42


def test_a_day_that_is_not_there_names_those_that_are(tmp_path):
    spool, _ = spooled(tmp_path)
    with pytest.raises(
        ExportError,
        match=r"no tape of 2013-10-09\. Days from 2013-10-07 to 2013-10-07 .*nearest is 2013-10-07",
    ):
        spool.load(date(2013, 10, 9))
    with pytest.raises(ExportError, match=r"no tape of 2013-10-09\. No session has ended yet"):
        TapeSpool(tmp_path / "empty").load(date(2013, 10, 9))


def test_changed_values_are_found_by_the_digest(tmp_path):
    spool, record = spooled(tmp_path)
    record.tape.base.values[0, 0, 3] += 1.0
    spool.write_session(record, "0" * 32)
    with pytest.raises(
        ExportError, match=r"2013-10-07\.tape is damaged: its values give the digest [0-9a-f]{32}"
    ):
        spool.load(DAY)


def test_damaged_bytes_are_found(tmp_path):
    spool, _ = spooled(tmp_path)
    path = tmp_path / "2013-10-07.tape"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ExportError, match=r"Play the session again"):
        spool.load(DAY)
    path.write_bytes(bytes(data[:1000]))
    with pytest.raises(ExportError, match=r"cannot be read as a tape"):
        spool.load(DAY)


def test_a_newer_format_is_refused(tmp_path):
    spool, _ = spooled(tmp_path)
    path = tmp_path / "2013-10-07.tape"
    text, _, arrays = path.read_bytes().partition(b"\n")
    about = json.loads(text) | {"format": 3}
    path.write_bytes(json.dumps(about).encode() + b"\n" + arrays)
    with pytest.raises(ExportError, match=r"has format 3, this tapedeck reads 2: play the session again"):
        spool.load(DAY)


def test_a_folder_that_went_away_is_named(tmp_path):
    spool = TapeSpool(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    with pytest.raises(ExportError, match=r"spool cannot be read: No such file"):
        spool.days()
