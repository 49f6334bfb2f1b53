"""The short campaign of exports finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kill_points import can_interpose

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not can_interpose(), reason="counting system calls needs Linux and a C compiler")
def test_no_fault_leaves_a_mix_of_two_exports_or_touches_a_users_file():
    command = [sys.executable, "-m", "tests.faults.exports", "--short"]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert ended.returncode == 0, ended.stderr
    counts = dict(line.rsplit(": ", 1) for line in ended.stdout.splitlines())
    assert len(counts) >= 15
    assert all(int(count) for count in counts.values()), counts
