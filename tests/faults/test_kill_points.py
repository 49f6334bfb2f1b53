"""The harness finds the faults of a careless job, and none of a careful one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.kill_points import can_interpose

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not can_interpose(), reason="counting system calls needs Linux and a C compiler")
def test_a_careless_replacement_is_caught_and_a_careful_one_survives_every_fault():
    command = [sys.executable, "-m", "tests.faults.replacements"]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert ended.returncode == 0, ended.stderr
    found = dict(line.split(": ") for line in ended.stdout.splitlines())
    assert found == {
        "careful, killed": "whole",
        "careful, disk full": "whole",
        "careful, power lost": "whole",
        "careless, killed": "torn",
        "careless, disk full": "torn",
        "careless, power lost": "torn",
        "renamed without fsync, killed": "whole",
        "renamed without fsync, disk full": "whole",
        "renamed without fsync, power lost": "torn",
    }
