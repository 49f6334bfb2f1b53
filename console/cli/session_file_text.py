"""Text of a new session file: YAML with comments, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tapedeck.engine.config.documents import write_yaml_value
from tapedeck.engine.printable import printable_line

_WIDTH: Final = 100
_EXAMPLE: Final = (
    "# rsi_14: {type: RSI, interval: 1m, timeperiod: 14}",
    "# vwap: {type: VWAP, interval: 1m}",
)


def session_file_text(document: Mapping[str, Any], *, run: str, check: str, is_json: bool) -> str:
    """Return the text of a session file; `run`, `check`: commands for the comment on top, if it is YAML."""
    if is_json:
        return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"
    return "".join(f"{line}\n" for line in _yaml_lines(document, run, check))


def _yaml_lines(document: Mapping[str, Any], run: str, check: str) -> Iterator[str]:
    data, is_live = document["session_data_config"], document["mode"] == "live"
    what = "the symbols to record as bars happen" if is_live else "the days and symbols to play"
    yield f"# A session file: {what}, and the data to compute."
    yield f"# {'Record it:' if is_live else 'Run it:   '} {printable_line(run)}"
    yield f"# Check it:  {printable_line(check)}"
    yield "# Descriptions of all fields:  tapedeck config schema"
    yield ""
    yield _field(document, "session_name")
    yield ""
    yield "# Exchange that sets the trading hours: a group (US_EQUITY, CRYPTO, ...) or a code such as XNYS;"
    yield "# `tapedeck calendar --list` lists all."
    yield _field(document, "exchange_group")
    yield _field(document, "asset_class")
    yield from _live_lines(document) if is_live else _backtest_lines(document)
    yield ""
    yield "session_data_config:"
    yield from _list(data, "symbols")
    yield ""
    source = "recorded" if is_live else "read from the store"
    yield f"  # Intervals of bars. One is {source}; coarser ones are derived from it."
    yield from _list(data, "streams")
    if "historical" in data:
        yield ""
        yield "  # Data of earlier days; here the usual volume of each minute of the day, over ten days."
        yield "  historical:"
        yield "    indicators:"
        yield from _fields(data["historical"]["indicators"], indent=6)
    yield ""
    yield "  # Indicators of the session: your name, type and interval, and the parameters of the type."
    if data.get("indicators"):
        yield "  indicators:"
        yield from _fields(data["indicators"], indent=4)
    else:
        yield "  # indicators:"
        yield from (f"  {line.replace('# ', '#   ', 1)}" for line in _EXAMPLE)


def _backtest_lines(document: Mapping[str, Any]) -> Iterator[str]:
    backtest = document["backtest_config"]
    yield f"{_field(document, 'mode')}  # play stored bars"
    yield ""
    yield "# Days to play, both included; days without trading are skipped."
    yield "backtest_config:"
    yield f"  {_field(backtest, 'start_date')}"
    yield f"  {_field(backtest, 'end_date')}"
    yield "  # speed_multiplier: 60     # 60: a minute per second; default 0: maximum speed in batch jobs"
    yield '  # start_time: "10:30"      # start of the first session in exchange time, instead of its open'


def _live_lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_field(document, 'mode')}  # record bars as they happen"
    yield ""
    yield "# Feed of the bars. Keys are not part of the file: see docs/live.md."
    yield "api_config:"
    yield from _fields(document["api_config"], indent=2)
    yield ""
    yield "# Seconds to wait: for a minute's last bars after its end; before a missing bar is asked for;"
    yield "# after the close, for the comparison with the feed's history."
    yield "live_config:"
    yield from _fields(document["live_config"], indent=2)


def _field(section: Mapping[str, Any], name: str) -> str:
    return f"{name}: {write_yaml_value(section[name])}"


def _fields(section: Mapping[str, Any], *, indent: int) -> Iterator[str]:
    for name in section:
        yield f"{' ' * indent}{_field(section, name)}"


def _list(section: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield a field with a list, on as many lines as it needs."""
    line = f"  {name}: ["
    for number, word in enumerate(_words(section[name])):
        if number and len(line) + len(word) > _WIDTH:
            yield line.rstrip()
            line = "    "
        line += word
    yield f"{line.removesuffix(', ')}]"


def _words(items: Iterable[object]) -> Iterator[str]:
    """Yield the entries of a list as YAML has them between brackets, each with its comma."""
    for item in items:
        yield f"{write_yaml_value(item)}, "
