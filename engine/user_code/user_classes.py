"""Classes that a session file names: found by `module:Class` or `path/to/file.py:Class`, loaded afresh."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from tapedeck.engine.errors import TapedeckError, cause_of, listed, nearest
from tapedeck.engine.regular_file import read_regular
from tapedeck.engine.user_code.call_failure import failure_of
from tapedeck.engine.user_code.fresh_imports import fresh_imports, source_files
from tapedeck.engine.user_path import expanded

Base = TypeVar("Base")


class UserClassError(TapedeckError):
    """A class that cannot be loaded. `suggestion`: the nearest valid name, or None."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True)
class UserClass(Generic[Base]):
    """A loaded class. `code_hash`: SHA-256 of its code, hexadecimal (`load_user_class`)."""

    loaded: type[Base]
    code_hash: str


def load_user_class(reference: str, folder: Path, base: type[Base]) -> UserClass[Base]:
    """Return the class that a session file in `folder` names, loaded afresh; it is derived from `base`.

    A path begins at `folder`. During the import, the folder of that file, or for a module `folder`, is the
    first on sys.path. The hash is over the bytes of the class's file and of what it imported from there, in
    the order of their paths; of a single file it is what `sha256sum` prints. Raises UserClassError.
    """
    place, _, name = reference.rpartition(":")
    is_path = place.endswith(".py")
    file = (folder / expanded(place)).resolve()
    home = file.parent if is_path else folder.resolve()
    _refuse_other_tapedeck(home)
    try:
        with fresh_imports(home, None if is_path else place) as files:
            module = _module_of(file) if is_path else import_module(place)
    except KeyboardInterrupt:
        raise
    except OSError as error:
        raise UserClassError(f"cannot read {error.filename or place}: {cause_of(error)}.") from error
    except BaseException as error:  # users' code may raise anything, even SystemExit
        raise UserClassError(f"cannot load {place}: {failure_of(error).error}.") from error
    return UserClass(_class_of(module, place, name, base), _hash_of({*files, *source_files(module)}))


def _module_of(file: Path) -> ModuleType:
    """Return the module of a source file, under a private name; cached bytecode is not used."""
    place = hashlib.sha256(str(file).encode(errors="surrogateescape")).hexdigest()
    module = ModuleType(f"_tapedeck_user_{place[:12]}_{file.stem}")
    module.__file__ = str(file)
    code = compile(read_regular(file), str(file), "exec", dont_inherit=True)
    sys.modules[module.__name__] = module  # dataclasses look it up there
    exec(code, module.__dict__)
    return module


def _class_of(module: ModuleType, place: str, name: str, base: type[Base]) -> type[Base]:
    found = getattr(module, name, None)
    if isinstance(found, type) and issubclass(found, base) and found is not base:
        return found
    known = [
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    ]
    has = f"{place} has {listed(known)}" if known else f"{place} has none"
    if found is None:
        raise UserClassError(f"{place} has no class {name!r}: {has}.", nearest(name, known))
    kind = "a class that" if isinstance(found, type) else f"of type {type(found).__name__}, and"
    message = f"{name} is {kind} is not derived from tapedeck.{base.__name__}: use one that is; {has}."
    raise UserClassError(message, nearest(name, known))


def _refuse_other_tapedeck(folder: Path) -> None:
    """Raise UserClassError if a folder holds a module that would be imported in place of this program."""
    own = Path(__file__).resolve().parents[2]
    for other in (folder / "tapedeck.py", folder / "tapedeck" / "__init__.py"):
        if other.is_file() and own not in (other.resolve().parent, other.resolve().parents[1]):
            raise UserClassError(
                f"the folder {folder} has a module of the name tapedeck, {other}, which hides this program "
                "from the class: rename it."
            )


def _hash_of(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
