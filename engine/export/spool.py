"""The spool: finished tapes on disk, one file a session, so that earlier days can be looked at again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from engine.errors import ExportError
from engine.export.staged_files import make_folder, partial_path, telling_export_errors
from engine.export.tape_archive import read_tape, write_tape
from engine.tape.session_record import SessionRecord
from engine.tape.stamp import session_digest
from engine.tape.tape import Tape

_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.tape")


class TapeSpool:
    """Keeps each session's tape as it was played, in a folder; a `SessionSink`.

    One file a session, `2013-10-07.tape`. A day written again replaces the one before. The files serve the
    run that wrote them, so they are not forced to disk; the digest finds what a crash left of one. Reading
    and writing may happen in different threads.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder; ExportError where that cannot be."""
        self.folder = folder
        make_folder(folder)

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Write one session, under a temporary name until it is whole."""
        path = self._path(record.tape.session.trading_day)
        partial = partial_path(path)
        try:
            with telling_export_errors(path):
                with partial.open("wb") as file:
                    write_tape(file, record.tape, record.frontier, digest)
                partial.replace(path)
        except ExportError:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise

    def days(self) -> tuple[date, ...]:
        """Return the trading days that are there, oldest first."""
        return tuple(sorted(self._files()))

    def load(self, trading_day: date) -> Tape:
        """Return a day's tape as far as it was played, every part of it written up to there.

        Raises ExportError where the day is not there, or its bytes no longer give the digest that the
        session had.
        """
        path = self._path(trading_day)
        if not path.is_file():
            raise ExportError(f"{self.folder} has no tape of {trading_day}.{self._nearest(trading_day)}")
        tape, digest = read_tape(path)
        found = session_digest(tape, tape.frontier)
        if found != digest:
            raise ExportError(
                f"{path} is damaged: its values give the digest {found}, but the session had {digest}. "
                "Play the session again to have it back."
            )
        return tape

    def clear(self) -> None:
        """Remove all tapes, and nothing else of the folder."""
        for path in self._files().values():
            with telling_export_errors(path):
                path.unlink(missing_ok=True)

    def _path(self, trading_day: date) -> Path:
        return self.folder / f"{trading_day.isoformat()}.tape"

    def _files(self) -> Mapping[date, Path]:
        try:
            entries = list(self.folder.iterdir())
        except OSError as error:
            raise ExportError(f"{self.folder} cannot be read: {error.strerror or error}.") from error
        matches = [(_NAME.fullmatch(entry.name), entry) for entry in entries]
        return {date.fromisoformat(match[1]): entry for match, entry in matches if match is not None}

    def _nearest(self, trading_day: date) -> str:
        days = self.days()
        if not days:
            return " No session has ended yet."
        nearest = min(days, key=lambda day: abs((day - trading_day).days))
        return f" Days from {days[0]} to {days[-1]} are there; the nearest is {nearest}."
