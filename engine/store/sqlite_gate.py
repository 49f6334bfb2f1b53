"""Gate between the two SQLite libraries of this process: only one of them at a time has a file open.

The sqlite3 module and ADBC each contain a copy of SQLite. POSIX drops all locks that a process has on a file
as soon as any descriptor of the file is closed, so the close of one library silently unlocks the other, and
committed rows can be lost. Each library guards against this only among its own connections. There is one
`FileGate` per real file (device and inode, whatever the path): any number of connections of one library may
be open at a time; the other library waits until all of them are closed, in order of arrival.

For the same reason nothing in this process may `open()` a database file as plain bytes while it is in use.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from weakref import WeakValueDictionary

from tapedeck.engine.errors import StoreError


class Library(Enum):
    """A library with a copy of SQLite."""

    NATIVE = "sqlite3"
    ARROW = "adbc"


@dataclass(eq=False, slots=True)
class Holder:
    """An open connection. `release` is called from any thread when the other library waits.

    It must not block: it closes an idle connection, and leaves a busy one open; then the owner calls
    `FileGate.other_library_waits` after its current step, and closes the connection.
    """

    library: Library
    release: Callable[[], None] | None


@dataclass(eq=False, slots=True)
class _Request:
    library: Library
    or_other: bool


class FileGate:
    """Open connections of one database file, and the queue of requests for it.

    `write_lock`: held by the process's one writing transaction; acquire it inside the gate. `inherited`:
    libraries that had the file open when this process was forked; their state still records the parent's
    locks, so they must not open it again. `of_thread`: thread-local state for this file, such as the open
    batch of writes (`sqlite_writing`).
    """

    def __init__(self, inherited: frozenset[Library] = frozenset()) -> None:
        self._inherited = inherited
        self.write_lock = threading.Lock()
        self._changed = threading.Condition()
        self._holders: list[Holder] = []
        self._waiting: list[_Request] = []
        self.of_thread = threading.local()

    @property
    def open_connections(self) -> tuple[Library, ...]:
        """The library of each open connection; all are of one library."""
        with self._changed:
            return tuple(holder.library for holder in self._holders)

    def enter(
        self, library: Library, *, or_other: bool = False, release: Callable[[], None] | None = None
    ) -> Holder:
        """Wait until a connection of `library` may be opened, and count it as open until `leave`.

        With `or_other`, either library is admitted: the one that has the file open, else `library`; see the
        holder's `library`. Raises StoreError in a forked process that cannot use the library.
        """
        request = _Request(self._usable(library, or_other=or_other), or_other)
        with self._changed:
            self._waiting.append(request)
        try:
            while True:
                with self._changed:
                    if admitted := self._admit(request, release):
                        return admitted
                    releases = self._blocking_releases(request)
                for release_holder in releases:
                    release_holder()
                with self._changed:
                    if admitted := self._admit(request, release):
                        return admitted
                    self._changed.wait()
        finally:
            with self._changed:
                self._waiting.remove(request)
                self._changed.notify_all()

    def open_or_inherited(self) -> frozenset[Library]:
        """Return the libraries whose connections a child process would inherit by a fork.

        Takes no lock: in the child, the thread that holds it does not exist.
        """
        return self._inherited.union(holder.library for holder in self._holders)

    def leave(self, holder: Holder) -> None:
        """Count the connection as closed."""
        with self._changed:
            self._holders.remove(holder)
            self._changed.notify_all()

    @contextmanager
    def entered(self, library: Library, *, or_other: bool = False) -> Iterator[Holder]:
        """Hold the gate for one short task."""
        holder = self.enter(library, or_other=or_other)
        try:
            yield holder
        finally:
            self.leave(holder)

    def other_library_waits(self, holder: Holder) -> bool:
        """Whether the other library waits for the file."""
        with self._changed:
            return any(request.library is not holder.library for request in self._waiting)

    def _usable(self, library: Library, *, or_other: bool) -> Library:
        choices: list[Library] = [library, *Library] if or_other else [library]
        for choice in choices:
            if choice not in self._inherited:
                return choice
        raise StoreError(
            "the database of bars was open when this process was forked, and cannot be used in both "
            "processes: start worker processes by `spawn`, or fork before the store is opened"
        )

    def _admit(self, request: _Request, release: Callable[[], None] | None) -> Holder | None:
        open_library = self._holders[0].library if self._holders else None
        library = (open_library or request.library) if request.or_other else request.library
        if open_library not in (None, library):
            return None
        ahead = self._waiting[: self._waiting.index(request)]
        # First come, first served, so that a stream of readers cannot keep a writer out, nor the reverse.
        if any(earlier.library is not library and not earlier.or_other for earlier in ahead):
            return None
        holder = Holder(library, release)
        self._holders.append(holder)
        return holder

    def _blocking_releases(self, request: _Request) -> list[Callable[[], None]]:
        if request.or_other:
            return []
        return [h.release for h in self._holders if h.library is not request.library and h.release]


_gates: WeakValueDictionary[tuple[int, int], FileGate] = WeakValueDictionary()
_gates_lock = threading.Lock()
_inherited: dict[tuple[int, int], frozenset[Library]] = {}
_parent_gates: list[FileGate] = []


def gate_of(path: Path) -> FileGate:
    """Return the gate of the real file at `path`; OSError if there is no file."""
    stat = os.stat(path)
    key = (stat.st_dev, stat.st_ino)
    with _gates_lock:
        gate = _gates.get(key)
        if gate is None:
            gate = _gates[key] = FileGate(_inherited.get(key, frozenset()))
        return gate


def _forget_gates() -> None:
    # A forked child owns no connection of its parent: it must neither wait for them nor close them. So the
    # old gates, with their connections, are kept unused, and new gates begin empty. Locks are replaced, as
    # threads that do not exist here may have held them.
    global _gates, _gates_lock
    _inherited.update((key, gate.open_or_inherited()) for key, gate in _gates.items())
    _parent_gates.extend(_gates.values())
    _gates, _gates_lock = WeakValueDictionary(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_gates)
