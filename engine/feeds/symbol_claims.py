"""Claims of symbols: one recorder at a time records a symbol into a store."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from tapedeck.engine.errors import StoreError, cause_of, listed
from tapedeck.engine.store.folder_lock import locked, try_lock, unlock

_GUARD: Final = "guard.lock"
_LOCK, _CONTENT = ".lock", ".json"


def claims_folder(journal: Path) -> Path:
    """Return the folder of the claims on symbols of the store with this journal."""
    return journal.with_name(f"{journal.name}.recorders")


class SymbolsClaimedError(StoreError):
    """Symbols that another recorder records into the same store: `symbols`, sorted. Exit code 2."""

    def __init__(self, message: str, symbols: Sequence[str]) -> None:
        super().__init__(message)
        self.symbols = tuple(symbols)


class SymbolClaims:
    """The symbols that a recorder has claimed in `folder`, which is created.

    The system ends the claims with the process, so that a killed one leaves none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"{os.getpid()}-{uuid4().hex[:8]}"
        self._lock: int | None = None
        self._symbols: set[str] = set()

    def add(self, symbols: Sequence[str]) -> None:
        """Claim symbols; SymbolsClaimedError names those that are claimed, and the other process."""
        wanted = set(symbols) - self._symbols
        if not wanted:
            return
        try:
            self._folder.mkdir(exist_ok=True)
            with locked(self._folder / _GUARD):
                for content in self._others():
                    self._check(wanted, content)
                self._write(self._symbols | wanted)
        except OSError as error:
            raise StoreError(
                f"{self._folder} cannot be written: {cause_of(error)}. Use a store in a folder that you can "
                "write to"
            ) from error
        self._symbols |= wanted

    def release(self) -> None:
        """End the claims; safe to call twice."""
        if self._lock is None:
            return
        for end in (_CONTENT, _LOCK):
            with suppress(OSError):  # its folder was removed
                self._path(end).unlink()
        unlock(self._lock)
        os.close(self._lock)
        self._lock = None
        self._symbols = set()

    def _others(self) -> Iterator[dict[str, object]]:
        """Yield the claims of running recorders; remove those of killed ones."""
        for path in self._folder.glob(f"*{_LOCK}"):
            if path.name in (_GUARD, f"{self._name}{_LOCK}"):
                continue
            descriptor = os.open(path, os.O_RDWR)
            try:
                if not try_lock(descriptor):
                    yield json.loads(path.with_suffix(_CONTENT).read_text(encoding="utf-8"))
                    continue
                path.with_suffix(_CONTENT).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                unlock(descriptor)
            finally:
                os.close(descriptor)

    def _check(self, wanted: set[str], other: dict[str, object]) -> None:
        names = other["symbols"]
        taken = sorted(wanted.intersection(names)) if isinstance(names, list) else []
        if taken:
            raise SymbolsClaimedError(
                f"{listed(taken)}: recorded into this store by process {other['process']} on {other['host']} "
                "already. End that one, leave these symbols out, or record into another store with --store",
                taken,
            )

    def _write(self, symbols: set[str]) -> None:
        # The content is there before the lock: a lock without content would be a claim of nothing.
        content = {"process": os.getpid(), "host": platform.node(), "symbols": sorted(symbols)}
        draft = self._path(".new")
        draft.write_text(json.dumps(content), encoding="utf-8")
        os.replace(draft, self._path(_CONTENT))
        if self._lock is None:
            self._lock = os.open(self._path(_LOCK), os.O_RDWR | os.O_CREAT, 0o666)
            try_lock(self._lock)

    def _path(self, end: str) -> Path:
        return self._folder / f"{self._name}{end}"
