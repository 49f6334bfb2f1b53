"""Imports of users' modules, afresh, from a folder that is the first on sys.path meanwhile."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from types import ModuleType

_LOCK = RLock()
_KEPT = frozenset({"tapedeck", "__main__"})
"""Modules that stay, wherever they are."""


@contextmanager
def fresh_imports(folder: Path, module: str | None = None) -> Iterator[set[Path]]:
    """Import the folder's modules, and the named one, afresh; forget them afterwards.

    So modules of equal names in other folders do not meet, and a change of a file takes effect at the next
    import. No bytecode is written. Yields a set, which has the files of these modules at the end.
    """
    files: set[Path] = set()
    with _LOCK:
        known = {name: sys.modules.pop(name) for name in _names(folder, module)}
        bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        try:
            yield files
        finally:
            if str(folder) in sys.path:
                sys.path.remove(str(folder))
            sys.dont_write_bytecode = bytecode
            for name in _names(folder, module):
                files.update(source_files(sys.modules.pop(name)))
            sys.modules.update(known)


def source_files(module: ModuleType) -> Iterator[Path]:
    """Yield the file of a module, if it has one."""
    file = _plain(module, "__file__")
    if isinstance(file, str):
        yield Path(file)


def _names(folder: Path, module: str | None) -> list[str]:
    """Return the imported modules that are of the folder, with those in its packages, and the named one."""
    roots = {
        name
        for name, found in sys.modules.copy().items()
        if "." not in name and name not in _KEPT and folder in _homes(found)
    }
    root = "" if module is None else module.partition(".")[0]
    if root and root not in _KEPT and _is_in(folder, root):
        roots.add(root)
    names = [name for name in sys.modules if name.partition(".")[0] in roots]
    # A package is not imported twice: its parts may be compiled.
    if module in sys.modules and module not in names and root not in _KEPT:
        names += [module] * (_plain(sys.modules[module], "__path__") is None)
    return names


def _homes(module: ModuleType) -> Iterator[Path]:
    """Yield the folders that hold a module or package."""
    paths = _plain(module, "__path__")
    if isinstance(paths, Iterable):
        yield from (Path(path).parent for path in paths)
    else:
        yield from (file.parent for file in source_files(module))


def _plain(module: object, name: str) -> object:
    """Return an attribute, None without it; and do not load a module that loads itself on use."""
    try:
        attributes: Mapping[str, object] = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return None
    return attributes.get(name)


def _is_in(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()
