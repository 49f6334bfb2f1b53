"""The short campaign of recordings has no finding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kill_points import can_interpose

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not can_interpose(), reason="counting system calls needs Linux and a C compiler")
def test_recordings_survive_kills_and_full_disks():
    command = [sys.executable, "-m", "tests.faults.recordings", "--short"]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert ended.returncode == 0, ended.stderr
    for place in ("bars.db", "bars"):
        for what in ("killed", "disk full", "full for a while", "killed at random"):
            assert f"\n{place}, {what}: " in f"\n{ended.stdout}"
        assert f"{place}, of these before its end: 0" not in ended.stdout
