"""Report of a recording, as text and as a JSON document, and its exit code."""

from __future__ import annotations

from collections.abc import Mapping

from tapedeck.console.cli.failures import DONE, FAILED, INTERRUPTED
from tapedeck.console.cli.live_batch import LiveOutcome
from tapedeck.console.cli.run_report import outcome_document, write_report
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.errors import listed


def live_document(live: LiveOutcome, log_path: object) -> dict[str, object]:
    """Return the last line of JSON: the document of a run, with what is lacking."""
    document = {"kind": "summary", **outcome_document(live.outcome, log_path), "lacking": dict(live.lacking)}
    if live.exports:
        document["exports"] = [str(folder) for folder in live.exports]
    if live.failures:
        document["export_failures"] = [str(failure) for failure in live.failures]
    return document


def write_live_report(live: LiveOutcome, terminal: Terminal) -> None:
    """Write the summary of a recording to stdout: that of a run, and what is lacking."""
    write_report(live.outcome, terminal)
    for folder in live.exports:
        terminal.write(f"export: {folder}")
    for failure in live.failures:
        terminal.write(f"not exported: {failure}")
    if live.lacking:
        terminal.write(lacking_text(live.lacking))


def lacking_text(lacking: Mapping[str, int]) -> str:
    """Return the symbols that lack bars, with their numbers: `lacking: AIG 1 bar, BAC 12 bars`."""
    total = sum(lacking.values())
    each = [f"{symbol} {count:,} bar{'' if count == 1 else 's'}" for symbol, count in lacking.items()]
    return f"lacking {total:,} bar{'' if total == 1 else 's'}: {listed(each)}"


def live_exit_code(live: LiveOutcome) -> int:
    """Return the exit code of a recording: an error, an interrupt, lacking bars, or done."""
    if live.outcome.error is not None:
        return FAILED
    if live.outcome.interrupted:
        return INTERRUPTED
    return FAILED if live.lacking or live.failures else DONE
