"""The short campaign of stores has no finding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kill_points import can_interpose

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not can_interpose(), reason="counting system calls needs Linux and a C compiler")
def test_imports_survive_faults_and_flipped_bits_are_refused():
    command = [sys.executable, "-m", "tests.faults.stores", "--short"]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert ended.returncode == 0, ended.stderr
    assert "bars.db, import killed" in ended.stdout
    assert "bars, import disk full" in ended.stdout
    assert "bars beyond the limit of memory, import killed" in ended.stdout
