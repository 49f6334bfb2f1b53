"""Atomic commits of a Parquet store: several files are replaced together or not at all, even after a crash.

New files are written to `.staging`, then listed in a journal there, and then moved to their final paths. The
commit is the creation of the journal: if the writer dies after it, the next process moves the other files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import xxhash

from tapedeck.engine.errors import StoreDamagedError, StoreError, cause_of
from tapedeck.engine.output_file import sync_folder
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.folder_lock import locked
from tapedeck.engine.store.parquet_files import write_file
from tapedeck.engine.store.parquet_layout import interval_of, names_of

_STAGING: Final = ".staging"
_JOURNAL: Final = "journal.json"
_COMMIT_LOCK: Final = "commit.lock"
_WRITE_LOCK: Final = "write.lock"
_LOCKS: Final = frozenset({_COMMIT_LOCK, _WRITE_LOCK})

# Name of a file in `.staging` and its final path; None for the name: the final file is removed.
_Move = tuple[str | None, str]


class Staging:
    """The folder in which a write is prepared. `commit` needs the write lock.

    `read_only`: interrupted commits are not completed.
    """

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self._root = root
        self._read_only = read_only
        self._folder = root / _STAGING
        self._journal = str(self._folder / _JOURNAL)

    @property
    def folder(self) -> Path:
        """The folder itself, which the first `write_lock` creates."""
        return self._folder

    @property
    def write_lock(self) -> Path:
        """The lock file that a writer holds from its first read to its last commit; creates the folder."""
        self._folder.mkdir(exist_ok=True)
        return self._folder / _WRITE_LOCK

    def is_commit_under_way(self) -> bool:
        """Whether a commit is running, or was interrupted by the death of its writer."""
        return os.path.exists(self._journal)

    def finish_commit(self) -> None:
        """Wait for a running commit to end; complete one whose writer has died.

        Raises StoreError instead of completing it if the store is only to be read.
        """
        try:
            with locked(self._folder / _COMMIT_LOCK):
                if self._read_only and self.is_commit_under_way():
                    raise StoreError(
                        f"{self._root}: a write was interrupted, and must be completed before the bars can "
                        f"be read. To complete it: `tapedeck store verify --store {self._root}`"
                    )
                self._replay()
        except OSError as error:
            raise self._interrupted(error) from error

    def clean(self) -> None:
        """Complete a killed writer's commit, and remove its uncommitted files; needs the write lock."""
        if self.is_commit_under_way():
            self.finish_commit()
        for entry in self._folder.iterdir():
            if entry.name not in _LOCKS:
                entry.unlink()

    def commit(self, contents: Iterable[tuple[str, Iterable[BarColumns] | bytes | None]]) -> None:
        """Replace files by new contents; on error, none of them is changed.

        `contents`: pairs of a path below the root and runs of bars, each later than the one before, or bytes
        of another file; None: the file is removed. Runs are read while the file is written.
        """
        moves: list[_Move] = []
        try:
            for number, (final, content) in enumerate(contents):
                if content is None:
                    moves.append((None, final))
                    continue
                name = f"{number}{Path(final).suffix}"
                moves.append((name, final))
                (self._root / final).parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, bytes):
                    _write_bytes(self._folder / name, content)
                else:
                    write_file(self._folder / name, content, interval_of(final), names=names_of(final))
            with locked(self._folder / _COMMIT_LOCK):
                self._write_journal(moves)
                try:
                    self._replay()
                except OSError as error:
                    raise self._interrupted(error) from error
        except BaseException:
            if not self.is_commit_under_way():
                for staged, _ in moves:
                    if staged is not None:
                        (self._folder / staged).unlink(missing_ok=True)
            raise

    def _interrupted(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self._root}: a write was interrupted, and must be completed before the bars can be read, "
            f"but that failed at {error.filename} ({cause_of(error)}). Remove the obstacle, and open the "
            "store with permission to write"
        )

    def _write_journal(self, moves: list[_Move]) -> None:
        aside = self._folder / f"{_JOURNAL}.new"
        with aside.open("w", encoding="utf-8") as file:
            json.dump({"moves": moves, "check": _check_of(moves)}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, self._journal)
        sync_folder(self._folder)

    def _read_journal(self) -> list[_Move]:
        try:
            journal = json.loads(Path(self._journal).read_text(encoding="utf-8"))
            # A list without a check is from an earlier version.
            moves = journal["moves"] if isinstance(journal, dict) else journal
            if moves is not journal and journal["check"] != _check_of(moves):
                raise ValueError("it differs from its checksum")
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamagedError(
                f"{self._journal} is damaged ({error}): a write was interrupted, and cannot be completed. "
                "Remove the file, and import again what was being imported",
                file=self._journal,
            ) from error
        return [(name, final) for name, final in moves]

    def _replay(self) -> None:
        try:
            moves = self._read_journal()
        except FileNotFoundError:
            return  # another process has completed it
        folders = {self._root}
        for name, final in moves:
            target = self._root / final
            folders.update((target.parent, target.parent.parent))
            if name is None:
                target.unlink(missing_ok=True)
                with suppress(OSError):  # it holds other files
                    target.parent.rmdir()
                continue
            try:
                os.replace(self._folder / name, target)
            except FileNotFoundError:
                if not target.exists():
                    raise
                # moved before the writer died
        for folder in folders:
            if folder.exists():
                sync_folder(folder)
        os.unlink(self._journal)


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _check_of(moves: Sequence[Sequence[str | None]]) -> str:
    return xxhash.xxh3_64_hexdigest(json.dumps([list(move) for move in moves]).encode())
