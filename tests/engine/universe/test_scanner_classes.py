"""Classes of scanners: loaded afresh from files and modules, with errors that help."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
from scanner_kit import HEAD, Scanning, written

from tapedeck.engine.errors import ConfigError
from tapedeck.engine.universe.scanner import Scanner
from tapedeck.engine.universe.scanner_manager import ScannerManager
from tapedeck.engine.user_code.user_classes import UserClassError, load_user_class

CLASS = "class Mine(Scanner):\n    found = '{}'\n    def scan(self, view):\n        return [self.found]\n"


def found_by(folder: Path, reference: str) -> str:
    return str(vars(load_user_class(reference, folder, Scanner).loaded)["found"])


@pytest.mark.parametrize("reference", ["mine.py:Mine", "mine:Mine", "sub/mine.py:Mine", "sub.mine:Mine"])
def test_code_is_loaded_afresh_at_each_start(tmp_path: Path, reference: str) -> None:
    folder = tmp_path / "sub" if reference.startswith("sub") else tmp_path
    folder.mkdir(exist_ok=True)
    for found in ("S1", "S2"):  # same size, and within the same second
        written(folder, CLASS.format(found))
        assert found_by(tmp_path, reference) == found
    assert not list(tmp_path.rglob("*.pyc"))
    assert "mine" not in sys.modules
    assert str(folder) not in sys.path


@pytest.mark.parametrize("reference", ["mine.py:Mine", "mine:Mine"])
def test_files_of_equal_names_do_not_meet(tmp_path: Path, reference: str) -> None:
    code = "from helper import NAME\nclass Mine(Scanner):\n    found = NAME\n"
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        written(folder, code)
        (folder / "helper.py").write_text(f"NAME = {name!r}")
    first, second = (load_user_class(reference, tmp_path / name, Scanner).loaded for name in ("a", "b"))
    assert (vars(first)["found"], vars(second)["found"]) == ("a", "b")
    assert first is not second
    assert "helper" not in sys.modules


def test_a_program_keeps_its_own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, CLASS.format("S1"), "own_of_program.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_of_program  # type: ignore[import-not-found]

    found = load_user_class("own_of_program:Mine", tmp_path, Scanner).loaded
    assert found is not own_of_program.Mine
    assert sys.modules["own_of_program"] is own_of_program
    del sys.modules["own_of_program"]


def test_the_hash_is_over_the_file_and_what_it_imports_from_its_folder(tmp_path: Path) -> None:
    written(tmp_path, CLASS.format("S1"))
    alone = hashlib.sha256((tmp_path / "mine.py").read_bytes()).hexdigest()
    assert load_user_class("mine.py:Mine", tmp_path, Scanner).code_hash == alone
    assert load_user_class("mine:Mine", tmp_path, Scanner).code_hash == alone
    (tmp_path / "helper.py").write_text("NAME = 1\n")
    written(tmp_path, "import json, helper\n" + CLASS.format("S1"))
    both = b"".join((tmp_path / name).read_bytes() for name in ("helper.py", "mine.py"))
    assert load_user_class("mine.py:Mine", tmp_path, Scanner).code_hash == hashlib.sha256(both).hexdigest()


def problems(folder: Path, reference: str, **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Scanning({"scanner": reference, "at": ["10:00"], **more}, folder=folder)
    return [str(one) for one in caught.value.problems]


PLACE = "session_data_config.scanners[0]"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("mine.py:Mime", "mine.py has no class 'Mime': mine.py has Mine. Did you mean 'Mine'?"),
        (
            "mine.py:helper",
            "helper is of type function, and is not derived from tapedeck.Scanner: use one that is",
        ),
        (
            "mine.py:Other",
            "Other is a class that is not derived from tapedeck.Scanner: use one that is; mine.py has Mine.",
        ),
        ("mine.py:Scanner", "Scanner is a class that is not derived from tapedeck.Scanner"),
        ("nine.py:Mine", "nine.py: No such file or directory."),
        ("folder.py:Mine", "folder.py: it is a folder, not a regular file."),
        ("nine:Mine", "cannot load nine: ModuleNotFoundError: No module named 'nine'."),
        ("raising.py:Mine", "cannot load raising.py: ValueError: broken (raising.py, line 2)."),
        ("raising:Mine", "cannot load raising: ValueError: broken (raising.py, line 2)."),
        ("leaving.py:Mine", "cannot load leaving.py: SystemExit: 3 (leaving.py, line 2)."),
        ("syntax.py:Mine", "cannot load syntax.py: SyntaxError: invalid syntax (syntax.py, line 2)."),
    ],
)
def test_classes_that_cannot_be_loaded_are_told(tmp_path: Path, reference: str, told: str) -> None:
    written(tmp_path, CLASS.format("S1") + "class Other: pass\ndef helper(): pass\n")
    (tmp_path / "folder.py").mkdir()
    for name, code in (
        ("raising", "raise ValueError('broken')"),
        ("leaving", "raise SystemExit(3)"),
        ("syntax", "="),
    ):
        written(tmp_path, code, f"{name}.py")
    (problem,) = problems(tmp_path, reference)
    assert problem.startswith(f"{PLACE}.scanner: ")
    assert told in problem


@pytest.mark.parametrize("other", ["tapedeck.py", "tapedeck/__init__.py"])
@pytest.mark.parametrize("reference", ["mine.py:Mine", "mine:Mine"])
def test_a_folder_with_a_module_of_the_programs_name_is_told(
    tmp_path: Path, other: str, reference: str
) -> None:
    written(tmp_path, CLASS.format("S1"))
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("")
    (problem,) = problems(tmp_path, reference)
    assert f"{tmp_path} has a module of the name tapedeck, {tmp_path / other}" in problem


def test_the_programs_own_checkout_is_allowed() -> None:
    root = Path(__file__).resolve().parents[3]
    assert (root / "tapedeck" / "__init__.py").is_file()
    with pytest.raises(UserClassError, match="No module named 'no_such_module'"):
        load_user_class("no_such_module:Mine", root, Scanner)


PARAMETERS = """\
from pydantic import BaseModel, Field

class Mine(Scanner):
    class Parameters(BaseModel):
        least: float = Field(gt=0)
        name: str = "up"

    def scan(self, view):
        return [Found("S0", {"least": self.parameters.least})]
"""


def test_parameters_are_those_of_the_class(tmp_path: Path) -> None:
    written(tmp_path, PARAMETERS)
    one = Scanning({"scanner": "mine.py:Mine", "at": ["10:00"], "parameters": {"least": 2}}, folder=tmp_path)
    one.begin()
    assert one.run()[0].found[0].values == (("least", 2.0),)
    one.teardown()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, [f"{PLACE}.parameters.least: is required by the class, but missing."]),
        ({"least": 0}, [f"{PLACE}.parameters.least: must be greater than 0, not 0"]),
        (
            {"leats": 1, "least": "x"},
            [
                f"{PLACE}.parameters.leats: unknown parameter 'leats': this class has least, name. "
                "Did you mean 'least'?",
                f"{PLACE}.parameters.least: invalid value 'x'",
            ],
        ),
    ],
)
def test_parameters_that_are_not_those_of_the_class_are_told(
    tmp_path: Path, values: dict[str, Any], told: list[str]
) -> None:
    found = problems(written(tmp_path, PARAMETERS), "mine.py:Mine", parameters=values)
    assert len(found) == len(told)
    for one, start in zip(found, told, strict=True):
        assert one.startswith(start)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    written(tmp_path, PARAMETERS)
    with pytest.raises(ConfigError) as caught:
        Scanning(
            {"scanner": "mine.py:Mine", "at": ["10:00"]},
            {"scanner": "nine.py:Mine", "name": "other", "at": ["10:00"]},
            folder=tmp_path,
        )
    assert [one.path for one in caught.value.problems] == [
        f"{PLACE}.parameters.least",
        "session_data_config.scanners[1].scanner",
    ]


def test_hashes_are_by_name(tmp_path: Path) -> None:
    written(tmp_path, CLASS.format("S1"))
    manager: ScannerManager = Scanning(
        {"scanner": "mine.py:Mine", "at": ["10:00"]},
        {"name": "rule", "where": "close > 0", "at": ["10:00"]},
        folder=tmp_path,
    ).manager
    code = (HEAD + CLASS.format("S1")).encode()
    assert manager.code_hashes == {"Mine": hashlib.sha256(code).hexdigest()}
