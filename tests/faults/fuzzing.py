"""Fuzzing of session files, conditions, key scripts and CSV files, for a given time or number of inputs.

    python -m tests.faults.fuzzing session --seconds 600 --seed 7 --findings /tmp/findings

A finding is an exception that is not tapedeck's own, a success that breaks a law, an input that takes longer
than a limit, or memory above a limit. Its input is kept in the folder of the findings.
"""

from __future__ import annotations

import argparse
import faulthandler
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tapedeck.engine.errors import TapedeckError
from tests.faults.fuzz_targets import TARGETS

LONGEST_S: Final = 10.0
"""Limit of one input; generous, for busy machines."""
MOST_MB: Final = 300
"""Memory that all inputs together may add to the peak of the first hundred."""


@dataclass(slots=True)
class Campaign:
    """Result: inputs tried, successes, and the findings, each with its input."""

    inputs: int = 0
    successes: int = 0
    findings: list[tuple[str, bytes]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, data: bytes) -> None:
        """Add a finding; of each kind the first three inputs are kept."""
        self.kinds[kind] += 1
        if self.kinds[kind] <= 3:
            self.findings.append((kind, data))


def fuzz(name: str, *, seed: int, inputs: int | None = None, seconds: float | None = None) -> Campaign:
    """Try random inputs of a target until their number or the time is reached."""
    target, random, campaign = TARGETS[name], Random(seed), Campaign()
    end, peak = time.monotonic() + (seconds or 0.0), 0
    with tempfile.TemporaryDirectory() as folder:
        last = Path(folder) / "input"
        while (inputs is None or campaign.inputs < inputs) and (seconds is None or time.monotonic() < end):
            data = target.make(random)
            last.write_bytes(data)  # found here if the process dies
            began = time.monotonic()
            faulthandler.dump_traceback_later(20 * LONGEST_S, exit=True)
            _try(name, data, Path(folder), campaign)
            faulthandler.cancel_dump_traceback_later()
            campaign.inputs += 1
            if time.monotonic() - began > LONGEST_S:
                campaign.add(f"more than {LONGEST_S:g} s", data)
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            peak = used if campaign.inputs <= 100 else peak
            if used > peak + MOST_MB:
                campaign.add(f"more than {MOST_MB} MB", data)
                peak = used
    return campaign


def _try(name: str, data: bytes, folder: Path, campaign: Campaign) -> None:
    try:
        TARGETS[name].use(data, folder)
    except TapedeckError:
        return
    except Exception as error:  # noqa: BLE001 - every other exception is a finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = str(error) if isinstance(error, AssertionError) else type(error).__name__
        campaign.add(f"{text} ({Path(where.filename).name}:{where.name})", data)
    else:
        campaign.successes += 1


def main() -> int:
    """Run one campaign, write its findings, and return 1 if there are any."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("target", choices=list(TARGETS))
    arguments.add_argument("--seconds", type=float, default=600.0)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    given = arguments.parse_args()
    campaign = fuzz(given.target, seed=given.seed, seconds=given.seconds)
    for number, (kind, data) in enumerate(campaign.findings):
        given.findings.mkdir(parents=True, exist_ok=True)
        kept = given.findings / f"{given.target}-{given.seed}-{number}"
        kept.write_bytes(data)
        sys.stdout.write(f"{kept}: {kind}, {campaign.kinds[kind]} times\n")
    sys.stdout.write(
        f"{given.target}: {campaign.inputs:,} inputs, {campaign.successes:,} successes, "
        f"{len(campaign.kinds):,} kinds of findings\n"
    )
    return 1 if campaign.findings else 0


if __name__ == "__main__":
    sys.exit(main())
