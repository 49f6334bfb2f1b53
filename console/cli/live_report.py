"""Report of a recording, as text and as a JSON document, and its exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tapedeck.console.cli.failures import DONE, FAILED, INTERRUPTED, exit_code_of_run
from tapedeck.console.cli.lacking_bars import LackingBars
from tapedeck.console.cli.live_batch import LiveOutcome
from tapedeck.console.cli.run_report import outcome_document, write_report
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.errors import listed


def live_document(live: LiveOutcome, log_path: object) -> dict[str, object]:
    """Return the last line of JSON: the document of a run, with what is lacking."""
    missing = live.missing
    document = {
        "kind": "summary",
        **outcome_document(live.outcome, log_path),
        "lacking": dict(missing.lacking),
        "not_played": dict(missing.not_played),
        "not_compared": dict(missing.not_compared),
    }
    if live.outcome.exports or live.outcome.export_failures:
        document["exports"] = [str(folder) for folder in live.outcome.exports]
        document["export_failures"] = [str(failure) for failure in live.outcome.export_failures]
    return document


def write_live_report(live: LiveOutcome, terminal: Terminal) -> None:
    """Write the summary of a recording to stdout: that of a run, and what is lacking."""
    write_report(live.outcome, terminal)
    for line in _missing_lines(live.missing):
        terminal.write(line)


def _missing_lines(missing: LackingBars) -> Iterator[str]:
    if missing.lacking:
        yield f"lacking: {_numbers(missing.lacking)}"
    if missing.not_played:
        yield f"missing in the replayed store, too: {_numbers(missing.not_played)}"
    for day, reason in missing.not_compared.items():
        yield f"{day}: not compared with the feed's history: {reason}"


def _numbers(counts: Mapping[str, int]) -> str:
    """Return the numbers of bars by symbol: `AIG 1 bar, BAC 12 bars`."""
    return listed([f"{symbol} {count:,} bar{'' if count == 1 else 's'}" for symbol, count in counts.items()])


def live_exit_code(live: LiveOutcome) -> int:
    """Return the exit code of a recording: an error, an interrupt, lacking bars, or done."""
    if live.outcome.error is not None:
        return exit_code_of_run(live.outcome.error)
    if live.outcome.interrupted:
        return INTERRUPTED
    return FAILED if live.missing.lacking or live.outcome.export_failures else DONE
