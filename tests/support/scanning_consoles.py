"""Session files with scanners, for consoles."""

from __future__ import annotations

from typing import Any, Final

from tests.support.console_runs import SYMBOLS, document

FOUND_AT: Final = (5, 30)
"""Frontiers at which `traded` finds all symbols."""
FAILS_AT: Final = 10
"""Frontier at which `broken` fails."""


def with_scanners(**traded: Any) -> dict[str, Any]:
    """Return a session file over two of the three stored symbols, with scanners over all of them.

    `traded` finds all symbols twice, and has the third join, unless its fields say otherwise; `broken` fails
    in between; `dear` finds nothing.
    """
    scanning = document(end_date="2013-11-27")
    data = scanning["session_data_config"]
    data["symbols"] = list(SYMBOLS[:2])
    data["universe"] = {"symbols": "all"}
    rule = {"name": "traded", "where": "last > 0", "by": "last", "at": ["09:35", "10:00"]}
    failing = "tests.support.failing_scanner:FailingScanner"
    data["scanners"] = [
        {**rule, **traded},
        {"name": "broken", "scanner": failing, "at": ["09:40"]},
        {"name": "dear", "where": "last > 1000000", "at": ["09:50", "10:20"]},
    ]
    return scanning
