"""Power loss: the states in which a disk may be after the power fails, for a job whose calls were traced.

What was synced is kept. Of later changes of a folder (new names, renames, removals) any may be kept and any
lost, in any combination; of later writes to a file all, the first half, or none are kept. File systems keep
more order than that; a job that survives every one of these states depends on none of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations
from pathlib import Path
from typing import Final

from tests.faults.file_trace import FileCall

State = dict[str, bytes | None]
"""Relative path → bytes of a file, or None for a folder."""

# With more changes of folders than this at a time, combinations are limited to those that lack or have few.
_ALL_COMBINATIONS_OF: Final = 8
_DATA: Final = ("none", "half", "all")


def state_of(folder: Path) -> State:
    """Return the files and folders below a folder."""
    found: State = {}
    for path in sorted(folder.rglob("*")):
        found[str(path.relative_to(folder))] = None if path.is_dir() else path.read_bytes()
    return found


def write_state(state: Mapping[str, bytes | None], folder: Path) -> None:
    """Make the files and folders of a state below an empty folder."""
    for name, content in state.items():
        path = folder / name
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content)


def crash_states(
    folder: Path, before: State, calls: Sequence[FileCall]
) -> Iterator[tuple[int, FileCall | None, State]]:
    """Yield each different state after a power loss, with the number of calls done and the last of them.

    `before`: the state of `folder` at the start, all of it on disk; `calls`: the job's.
    """
    disk = _Disk(folder, before)
    seen: set[tuple[tuple[str, bytes | None], ...]] = set()
    for done, call in enumerate((None, *calls)):
        if call is not None:
            disk.carry_out(call)
        for state in disk.states():
            key = tuple(sorted(state.items()))
            if key not in seen:
                seen.add(key)
                yield done, call, state


@dataclass(slots=True)
class _File:
    """Bytes of a file as the job sees them, and as they were last synced."""

    now: bytearray
    synced: bytes = b""
    is_synced: bool = False

    def content(self, kept: str) -> bytes:
        if kept == "all" or self.is_synced:
            return bytes(self.now)
        if kept == "none":
            return self.synced
        new = bytes(self.now)
        return self.synced + new[len(self.synced) : (len(self.synced) + len(new)) // 2]


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of folders: entries set (None: removed), and the folders that must be synced to keep it."""

    entries: tuple[tuple[str, _File | str | None], ...]
    folders: frozenset[str]


@dataclass(slots=True)
class _Disk:
    folder: Path
    before: State
    names: dict[str, _File | str] = field(default_factory=dict)
    kept: dict[str, _File | str] = field(default_factory=dict)
    pending: list[_Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, content in self.before.items():
            entry = "folder" if content is None else _File(bytearray(content), content, is_synced=True)
            self.names[name] = self.kept[name] = entry

    def carry_out(self, call: FileCall) -> None:
        path, to = self._relative(call.path), self._relative(call.to)
        if call.kind in ("write", "truncate"):
            self._change_bytes(path, call)
        elif call.kind == "fsync":
            self._sync(path)
        elif call.kind == "create":
            self._change([(path, _File(bytearray()))])
        elif call.kind == "mkdir":
            self._change([(path, "folder")])
        elif call.kind == "unlink":
            self._change([(path, None)])
        elif call.kind == "rename":
            moved = [name for name in self.names if name == path or name.startswith(f"{path}/")]
            old: list[tuple[str, _File | str | None]] = [(name, None) for name in moved]
            self._change([*old, *((to + name[len(path) :], self.names[name]) for name in moved)])

    def states(self) -> Iterator[State]:
        """Yield the states after a power loss now."""
        for changes in _combinations(self.pending):
            names = dict(self.kept)
            for change in changes:
                _apply(names, change)
            for kept in _DATA:
                yield _state(names, kept)

    def _change_bytes(self, path: str, call: FileCall) -> None:
        file = self.names[path]
        assert isinstance(file, _File)
        end = call.offset + len(call.data)
        if call.kind == "truncate":
            del file.now[call.offset :]
        file.now.extend(bytes(max(0, end - len(file.now))))
        file.now[call.offset : end] = call.data
        file.is_synced = False

    def _sync(self, path: str) -> None:
        entry = self.names.get(path)
        if isinstance(entry, _File):
            entry.synced, entry.is_synced = bytes(entry.now), True
            return
        for change in self.pending:
            if path in change.folders:
                _apply(self.kept, change)
        self.pending = [change for change in self.pending if path not in change.folders]

    def _change(self, entries: Sequence[tuple[str, _File | str | None]]) -> None:
        folders = frozenset(os.path.dirname(name) for name, _ in entries)
        change = _Change(tuple(entries), folders)
        _apply(self.names, change)
        self.pending.append(change)

    def _relative(self, path: str) -> str:
        relative = os.path.relpath(path, os.path.realpath(self.folder)) if path else ""
        return "" if relative == "." else relative


def _apply(names: dict[str, _File | str], change: _Change) -> None:
    for name, entry in change.entries:
        if entry is None:
            names.pop(name, None)
        else:
            names[name] = entry


def _state(names: Mapping[str, _File | str], kept: str) -> State:
    state: State = {}
    for name, entry in names.items():
        if os.path.dirname(name) in ("", *names):  # else its folder was lost
            state[name] = entry.content(kept) if isinstance(entry, _File) else None
    return state


def _combinations(pending: Sequence[_Change]) -> Iterator[tuple[_Change, ...]]:
    """Yield the combinations of changes that may be kept, in their order."""
    count = len(pending)
    sizes: Iterator[int] | range = range(count + 1)
    if count > _ALL_COMBINATIONS_OF:
        sizes = chain(range(2), range(count - 1, count + 1))
        yield from (tuple(pending[:size]) for size in range(count))
    for size in sizes:
        yield from combinations(pending, size)
