"""Campaign of sessions through real clients: random fault scripts of a provider's local server.

`python -m tests.faults.providers --feed ccxt --scripts 1000` runs some, `--first SEED` from another seed on,
`--seed SEED` one alone, `--jobs N` in so many processes. What is checked stands in
`tests/support/provider_sessions.py`.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import Final

from tests.faults.live_sessions import scratch
from tests.support.provider_sessions import Outcome, Provider, recorded_quietly, run_script

SPEED: Final = 300.0
_TOLD_EVERY: Final = 20


def ccxt_provider() -> Provider:
    """Return the exchange of the feed ccxt."""
    from tests.support.exchange_server.provider import ExchangeProvider

    return ExchangeProvider()


def alpaca_provider(quotes_a_minute: int = 0) -> Provider:
    """Return the servers of the feed alpaca."""
    from tests.support.alpaca_server.provider import AlpacaProvider

    return AlpacaProvider(quotes_a_minute)


PROVIDERS: Final[dict[str, Callable[[], Provider]]] = {
    "alpaca": alpaca_provider,
    "alpaca-quotes": partial(alpaca_provider, 3),
    "ccxt": ccxt_provider,
}


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--feed", choices=sorted(PROVIDERS), required=True)
    parser.add_argument("--scripts", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1, help="seed of the first script")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--speed", type=float, default=SPEED, help="market seconds per second")
    options = parser.parse_args()
    first = options.first
    seeds = [options.seed] if options.seed is not None else range(first, first + options.scripts)
    began = time.monotonic()
    counts: Counter[str] = Counter()
    findings: list[str] = []
    run = partial(run_one, options.feed, speed=options.speed)
    with ProcessPoolExecutor(options.jobs) as jobs:
        for number, outcome in enumerate(jobs.map(run, seeds), start=1):
            counts += outcome.counts
            if number % _TOLD_EVERY == 0:
                print(f"{number:,} scripts, {len(findings)} findings", flush=True)  # noqa: T201
            findings += outcome.findings
            for finding in outcome.findings:
                print(f"FINDING {finding}", file=sys.stderr, flush=True)  # noqa: T201
    for what, count in sorted(counts.items()):
        print(f"{what}: {count:,}", flush=True)  # noqa: T201
    print(f"{len(seeds):,} scripts, {len(findings)} findings, {time.monotonic() - began:.0f} s")  # noqa: T201
    return 1 if findings else 0


def run_one(feed: str, seed: int, *, speed: float = SPEED) -> Outcome:
    """Run one script in a process of its own; a thread that is left is a finding."""
    counts, findings = campaign(feed, [seed], speed=speed)
    return Outcome(seed, counts, findings)


def campaign(
    feed: str, seeds: Sequence[int], *, speed: float = SPEED, at_once: int = 1
) -> tuple[Counter[str], list[str]]:
    """Run all seeds, some at once in threads: a session waits most of its time for its market.

    Returns the counts, and the findings, each with its seed; a thread that is left is one.
    """
    counts: Counter[str] = Counter()
    findings: list[str] = []
    provider, before = PROVIDERS[feed](), set(threading.enumerate())
    with recorded_quietly(), scratch() as folder:

        def run(seed: int) -> Outcome:
            return run_script(provider, seed, folder / f"run-{seed}", speed=speed)

        with ThreadPoolExecutor(at_once) as threads:
            for outcome in threads.map(run, seeds):
                counts += outcome.counts
                findings += [f"seed {outcome.seed}: {finding}" for finding in outcome.findings]
    if left := [thread.name for thread in threading.enumerate() if thread not in before]:
        findings.append(f"threads are left: {left}")
    return counts, findings


if __name__ == "__main__":
    sys.exit(main())
