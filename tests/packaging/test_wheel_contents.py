"""The wheel is the same from a tree, from an sdist and from a checkout without links, and owns one name."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.wheels import contents

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("engine", "console", "themes")


def test_a_wheel_from_the_sdist_is_the_one_from_the_tree(
    wheel_from_tree: Path, wheel_from_sdist: Path
) -> None:
    assert contents(wheel_from_sdist) == contents(wheel_from_tree)


def test_a_wheel_from_a_checkout_without_links_is_the_one_from_the_tree(
    wheel_from_tree: Path, checkout_without_links: Path, wheel_without_links: Path
) -> None:
    for folder in FOLDERS:
        link = checkout_without_links / "tapedeck" / folder
        assert link.is_file()
        assert link.read_text(encoding="utf-8") == f"../{folder}"
    assert contents(wheel_without_links) == contents(wheel_from_tree)


def test_the_wheel_owns_one_top_level_name(wheel_from_tree: Path) -> None:
    names = {name.partition("/")[0] for name in contents(wheel_from_tree)}
    others = names - {"tapedeck"}
    assert "tapedeck" in names
    assert [name.endswith(".dist-info") for name in others] == [True]


def test_the_wheel_has_every_file_of_the_three_folders_and_no_other(wheel_from_tree: Path) -> None:
    expected = {
        f"tapedeck/{path.relative_to(PROJECT).as_posix()}": path.read_bytes()
        for folder in FOLDERS
        for path in (PROJECT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in ("__init__.py", "__main__.py", "py.typed"):
        expected[f"tapedeck/{name}"] = (PROJECT / "tapedeck" / name).read_bytes()
    in_wheel = contents(wheel_from_tree)
    assert {name: in_wheel[name] for name in in_wheel if name.startswith("tapedeck/")} == expected
    assert {"tapedeck/engine/system.py", "tapedeck/console/cli/main.py", "tapedeck/py.typed"} <= set(in_wheel)
    assert sum(name.startswith("tapedeck/themes/") for name in in_wheel) == 8


def test_neither_wheel_nor_sdist_holds_a_link(wheel_from_tree: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel_from_tree) as wheel:
        assert not [entry for entry in wheel.infolist() if stat.S_ISLNK(entry.external_attr >> 16)]
    with tarfile.open(sdist) as archive:
        assert not [entry for entry in archive if entry.issym() or entry.islnk()]


def test_the_sdist_holds_each_folder_once_with_tests_and_examples(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"engine/system.py", "console/cli/main.py", "tests/conftest.py", "README.md", "LICENSE"} <= names
    assert not [name for name in names if name.startswith(tuple(f"tapedeck/{folder}" for folder in FOLDERS))]


def test_an_editable_install_holds_no_copy_of_the_code(editable_wheel: Path) -> None:
    files = {name: data for name, data in contents(editable_wheel).items() if ".dist-info/" not in name}
    assert [(Path(name).suffix, data.decode().strip()) for name, data in files.items()] == [
        (".pth", str(PROJECT))
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_checkout_has_a_relative_link_for_each_folder(folder: str) -> None:
    link = PROJECT / "tapedeck" / folder
    assert link.is_symlink()
    assert link.readlink() == Path("..", folder)
