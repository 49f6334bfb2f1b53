"""Folders of tapedeck's data, settings and log on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import ConfigError, ConfigProblem
from tapedeck.engine.user_path import expanded, path_fault

HOME_VARIABLE: Final = "TAPEDECK_HOME"
"""Environment variable with the parent folder of all others."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one user; they may not exist yet."""

    data: Path
    config: Path
    state: Path

    @property
    def database(self) -> Path:
        """The default store of commands without `--store`."""
        return self.data / "bars.db"

    @property
    def demo_market(self) -> Path:
        """The store of the built-in demo market."""
        return self.data / "demo.db"

    @property
    def replays(self) -> Path:
        """The folder of days that were replayed as live, one folder each."""
        return self.data / "replays"


def user_folders(environment: Mapping[str, str] = os.environ) -> Folders:
    """Return the system's standard folders for this user, or those below TAPEDECK_HOME."""
    home = environment.get(HOME_VARIABLE, "")
    if home:
        root = _home(home)
        return Folders(root / "data", root / "config", root / "state")
    import platformdirs  # noqa: PLC0415 - not needed for help texts

    def named(folder: str) -> Path:
        return Path(folder)

    return Folders(
        named(platformdirs.user_data_dir("tapedeck", appauthor=False)),
        named(platformdirs.user_config_dir("tapedeck", appauthor=False)),
        named(platformdirs.user_state_dir("tapedeck", appauthor=False)),
    )


def _home(text: str) -> Path:
    """Return the folder that TAPEDECK_HOME gives."""
    if (fault := path_fault(text)) is not None:
        raise ConfigError("environment", [ConfigProblem(HOME_VARIABLE, text, f"{fault}.")])
    return expanded(text)
