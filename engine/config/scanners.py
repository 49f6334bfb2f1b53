"""Scanners and their universe, in a session file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StrictBool, StrictInt

from tapedeck.engine.config.fields import ScheduleInterval, TimeOfDay
from tapedeck.engine.config.section import Section

PRE_SESSION: Literal["pre_session"] = "pre_session"
"""The moment before the first slot, at which history and the pre-market are known."""


class ScanSchedule(Section):
    """Repeated moments of a scanner."""

    start: Annotated[TimeOfDay | None, Field(alias="from")] = None
    """First run, in exchange time; default: the open."""
    end: Annotated[TimeOfDay | None, Field(alias="to")] = None
    """Latest run, in exchange time; default: the close."""
    every: ScheduleInterval
    """Time from one run to the next, such as 5m."""


ScanMoment = Literal["pre_session"] | TimeOfDay | ScanSchedule
"""When a scanner runs: before the session, at a time of day (exchange time), or repeatedly."""


class Scanner(Section):
    """Finds symbols of the universe: by a rule (`where`), or by a class (`scanner`)."""

    name: str | None = None
    """Name in panels and exports; required with a rule; default: that of the class."""
    where: str | None = None
    """Rule: a condition, in which a bare name such as gap_pct is the value of the symbol looked at."""
    by: str | None = None
    """Value that ranks what is found, largest first, such as gap_pct; default: by symbol."""
    top: Annotated[StrictInt, Field(ge=1)] | None = None
    """Most symbols that one run finds; default: all."""
    scanner: str | None = None
    """The class, as `module:Class` or `path/to/file.py:Class`; paths begin at the session file's folder."""
    parameters: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the class."""
    at: Annotated[tuple[ScanMoment, ...], Field(min_length=1)]
    """When it runs: `pre_session`, times such as "09:35", or {from, to, every}; exchange time."""
    add: StrictBool = True
    """Whether symbols that it finds join the session; if not, they are only reported."""
    keep: StrictBool = False
    """Whether the following sessions begin with symbols that it added."""
    max_symbols: Annotated[StrictInt, Field(ge=1)] = 20
    """Most symbols that it adds to one session; others that it finds are only reported."""
    required: StrictBool = False
    """Whether a failure of this scanner ends the run; if not, the session goes on."""
    timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5.0
    """Longest time of each call of the class."""


class Universe(Section):
    """Symbols that scanners look at; the store has their 1m bars. One of `symbols`, `file`, `pattern`."""

    symbols: Literal["all"] | tuple[str, ...] | None = None
    """A list, or `all`: every symbol of the store."""
    file: str | None = None
    """Text file with one symbol a line; its path begins at the session file's folder."""
    pattern: str | None = None
    """Symbols of the store, with * and ?, such as "A*"."""
    indicators: tuple[str, ...] = ()
    """Indicators of the file, session or historical, that are computed for the universe, too."""
    average_days: Annotated[StrictInt, Field(ge=1, le=250)] = 10
    """Trading days over which `avg_volume_to_now` is the average."""
    memory_mb: Annotated[StrictInt, Field(ge=16)] = 512
    """Most memory for the bars that are read at once; at least one session is read."""
