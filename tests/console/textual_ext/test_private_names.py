"""Textual's private names: none is used, overridden or shadowed outside `console/textual_ext`."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tapedeck import console

ROOT = Path(console.__file__).resolve().parent
MODULES = sorted(
    path.relative_to(ROOT) for path in ROOT.rglob("*.py") if "textual_ext" not in path.relative_to(ROOT).parts
)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def private_imports(tree: ast.AST) -> Iterator[str]:
    """Yield private names imported from other packages, and names imported from their private modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names if node.module != "__future__"]
        else:
            continue
        yield from (name for name in names if any(map(is_private, name.split("."))))


def own_names(tree: ast.AST) -> set[str]:
    """Return the names that a module defines: attributes, methods, fields and functions."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            names.add(node.attr)
    return names


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def foreign_attributes(tree: ast.AST) -> Iterator[str]:
    """Yield private attributes of other objects that the module does not define."""
    known = own_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and not is_self(node.value):
            is_super = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super"
            if not is_super and node.attr not in known and ast.unparse(node) != "os._exit":  # documented
                yield f"{ast.unparse(node)} (line {node.lineno})"


@cache
def private_names(owner: type) -> frozenset[str]:
    """Return the private names that one of Textual's classes defines, on itself and on its instances."""
    names = {name for name in vars(owner) if is_private(name)}
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            names.add(node.attr)
    return frozenset(filter(is_private, names))


def inherited_names(module: str, tree: ast.AST) -> Iterator[str]:
    """Yield Textual's private names that a subclass in this project uses or defines."""
    loaded = importlib.import_module(module)
    for node in ast.walk(tree):
        owner = getattr(loaded, node.name, None) if isinstance(node, ast.ClassDef) else None
        if not isinstance(node, ast.ClassDef) or not isinstance(owner, type):
            continue
        theirs = {
            name: base.__qualname__
            for base in owner.__mro__
            if base.__module__.startswith("textual")
            for name in private_names(base)
        }
        for part in ast.walk(node):
            name = ""
            if isinstance(part, ast.Attribute):
                name = part.attr
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                name = part.name
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                name = part.id
            if name in theirs:
                yield f"{node.name}.{name}: {theirs[name]} (line {part.lineno})"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_only_textual_ext_uses_private_names_of_textual(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    module = ".".join(("tapedeck.console", *path.with_suffix("").parts)).removesuffix(".__init__")
    found = [*private_imports(tree), *foreign_attributes(tree), *inherited_names(module, tree)]
    assert not found
