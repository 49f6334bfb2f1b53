"""Wheels built from the tree, from the sdist and from a checkout without links, and one of them installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from build import ProjectBuilder
from pyproject_hooks import quiet_subprocess_runner

PROJECT = Path(__file__).resolve().parents[2]
_LIMIT_S = 120


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.packaging)


def _build(source: Path, kind: str, folder: Path) -> Path:
    """Build without isolation: with the hatchling installed here, so without a network."""
    return Path(ProjectBuilder(source, runner=quiet_subprocess_runner).build(kind, folder))


@pytest.fixture(scope="session")
def wheel_from_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(PROJECT, "wheel", tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="session")
def editable_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install -e` installs."""
    return _build(PROJECT, "editable", tmp_path_factory.mktemp("editable"))


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(PROJECT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def wheel_from_sdist(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return _build(source, "wheel", tmp_path_factory.mktemp("from-sdist"))


@pytest.fixture(scope="session")
def checkout_without_links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the files as they are here, with core.symlinks=false, as is usual on Windows.

    Its index and its objects are its own; the repository here is only read.
    """
    if not (PROJECT / ".git").exists():
        pytest.skip("not a git checkout: what git writes without links cannot be tested")
    folder = tmp_path_factory.mktemp("git")
    (folder / "objects").mkdir()
    git = ["git", "-C", str(PROJECT)]
    known = subprocess.run(
        [*git, "rev-parse", "--git-path", "objects"], check=True, capture_output=True, text=True
    ).stdout.strip()
    environment = os.environ | {
        "GIT_INDEX_FILE": str(folder / "index"),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(PROJECT / known),
    }
    checkout = folder / "checkout"
    for command in (
        ["add", "--all"],
        ["-c", "core.symlinks=false", "checkout-index", "--all", f"--prefix={checkout}/"],
    ):
        subprocess.run([*git, *command], check=True, capture_output=True, env=environment)
    return checkout


@pytest.fixture(scope="session")
def wheel_without_links(checkout_without_links: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(checkout_without_links, "wheel", tmp_path_factory.mktemp("without-links"))


@dataclass(frozen=True)
class Installed:
    """An environment with tapedeck's wheel installed, and a folder with a user's own engine and console."""

    environment: Path
    trading: Path
    home: Path

    def run(self, *command: str, program: str = "python") -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the user's folder, which is on its search path."""
        return subprocess.run(
            [self.environment / "bin" / program, *command],
            cwd=self.trading,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(self.trading),
                "TAPEDECK_HOME": str(self.home),
                "COLUMNS": "80",
            },
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_LIMIT_S,
            check=True,
        )


@pytest.fixture(scope="session")
def installed(wheel_from_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("user")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", environment / "bin" / "python"),
            *("install", "--quiet", "--no-deps", "--no-index", wheel_from_tree),
        ],
        check=True,
        timeout=_LIMIT_S,
    )
    # The libraries of the running environment, behind the wheel. A .pth file in their folder, as of
    # an editable install, has no effect here.
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    trading = folder / "trading"
    for name in ("engine", "console"):
        (trading / name).mkdir(parents=True)
        (trading / name / "__init__.py").write_text("OWNER = 'the user'\n", encoding="utf-8")
    return Installed(environment, trading, folder / "home")
