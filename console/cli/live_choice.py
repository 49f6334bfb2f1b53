"""Options of `tapedeck live`: which feed records, and which options belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.options import bad_option, read_date, read_speed_option
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest

if TYPE_CHECKING:
    from tapedeck.engine.config import LoadedConfig

REPLAY: Final = "replay"
"""The feed that plays stored bars of a day."""
JOURNAL: Final = "journal"
"""The feed that plays a recorded day with its bars as they arrived."""
REPLAY_SPEED: Final = 60.0
"""Speed of a replay by default: a minute of the market in a second."""
REPLAYS: Final = (REPLAY, JOURNAL)
"""The feeds that play a day of the past."""
_FIELD: Final = "api_config.data_api"


@dataclass(frozen=True, slots=True)
class LiveChoice:
    """The options of a recording, read.

    `feed`: None for that of the session file; `speed`: None for the default; `journal_day`: recorded day to
    play as it arrived; `days`: None for the default; `restarts`: whether a replay begins anew.
    """

    feed: str | None = None
    day: date | None = None
    speed: float | None = None
    faults: Path | None = None
    journal_day: date | None = None
    days: int | None = None
    waits: bool = True
    restarts: bool = False

    @classmethod
    def of(
        cls,
        *,
        feed: str | None,
        day: str | None,
        speed: str | None,
        faults: Path | None,
        journal_day: str | None,
        days: int | None,
        waits: bool,
        restarts: bool,
    ) -> LiveChoice:
        """Return the options as given on the command line; ConfigError for an invalid one."""
        if days is not None and days < 1:
            raise bad_option("--days", days, f"invalid number of days {days}: it must be at least 1.")
        return cls(
            feed=None if feed is None else feed.strip().lower(),
            day=None if day is None else read_date("--date", day),
            speed=None if speed is None else _read_speed(speed),
            faults=faults,
            journal_day=None if journal_day is None else read_date("--replay-journal", journal_day),
            days=days,
            waits=waits,
            restarts=restarts,
        )

    def _of_replays(self) -> Iterator[tuple[str, object]]:
        """Yield the options given that belong to replays, with their values."""
        given = (
            ("--date", self.day),
            ("--speed", self.speed),
            ("--faults", self.faults),
            ("--restart", self.restarts or None),
        )
        yield from ((name, value) for name, value in given if value is not None)

    @property
    def source(self) -> str:
        """What a replay plays: stored bars, or a journal."""
        return REPLAY if self.journal_day is None else JOURNAL

    @property
    def shows_demo(self) -> bool:
        """Whether the built-in market begins in mid-session: no day of it was chosen."""
        return self.day is None and self.journal_day is None

    def feed_for(self, loaded: LoadedConfig | None, known: tuple[str, ...]) -> str:
        """Return the name of the feed that records.

        `loaded`: the session file, None for the demo market; `known`: the feeds there are. ConfigError if no
        feed is named, for an unknown one, and for options that do not belong to it.
        """
        name = JOURNAL if self.journal_day is not None else self._named(loaded, known)
        self._check(name)
        return name

    def _named(self, loaded: LoadedConfig | None, known: tuple[str, ...]) -> str:
        if self.feed is not None:
            if self.feed not in known:
                message = f"unknown feed {self.feed!r}: the feeds are {', '.join(known)}."
                raise bad_option("--feed", self.feed, message, nearest(self.feed, known))
            return self.feed
        if loaded is None:
            return REPLAY
        named = loaded.config.api_config.data_api
        name = None if named is None else named.strip().lower()
        if name in known:
            return name
        what = "is not set, and no --feed given" if name is None else f"unknown feed {named!r}"
        message = (
            f"{what}: the feeds are {', '.join(known)}. To replay stored bars of a day: "
            f"`tapedeck live {loaded.source} --feed {REPLAY}`."
        )
        raise ConfigError(
            loaded.source, [ConfigProblem(_FIELD, named, message, name and nearest(name, known))]
        )

    def _check(self, name: str) -> None:
        if self.journal_day is not None:
            if self.feed not in (None, *REPLAYS):
                raise bad_option(
                    "--replay-journal",
                    self.journal_day,
                    f"cannot be combined with --feed {self.feed}: leave one out.",
                )
            for option, value in self._of_replays():
                if option in ("--date", "--faults"):
                    message = "cannot be combined with --replay-journal, which has its own: leave it out."
                    raise bad_option(option, value, message)
        elif name != REPLAY:
            for option, value in self._of_replays():
                message = (
                    f"belongs to the feed {REPLAY}, not to {name}: leave it out, or use --feed {REPLAY}."
                )
                raise bad_option(option, value, message)
        if self.days not in (None, 1) and name == JOURNAL:
            raise bad_option("--days", self.days, "--replay-journal plays one day: leave it out.")


def _read_speed(text: str) -> float:
    speed = read_speed_option("--speed", text)
    if speed == 0:
        message = "a replay has no maximum speed: use a multiple of real time, such as 60 or 3600."
        raise bad_option("--speed", text, message)
    return speed
