"""Where tapedeck keeps its data, settings and log on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOME_VARIABLE: Final = "TAPEDECK_HOME"
"""Environment variable that puts all folders below one of the user's choice."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one user; none of them need exist yet."""

    data: Path
    config: Path
    state: Path

    @property
    def database(self) -> Path:
        """The bars that commands use without `--store`."""
        return self.data / "bars.db"

    @property
    def demo_market(self) -> Path:
        """The synthetic market that `tapedeck` alone plays."""
        return self.data / "demo.db"


def user_folders(environment: Mapping[str, str] = os.environ) -> Folders:
    """Return the folders that the system has for this user's programs, or those below TAPEDECK_HOME."""
    home = environment.get(HOME_VARIABLE, "")
    if home:
        root = Path(home).expanduser()
        return Folders(root / "data", root / "config", root / "state")
    import platformdirs  # noqa: PLC0415 - not needed to show a help text

    def named(folder: str) -> Path:
        return Path(folder)

    return Folders(
        named(platformdirs.user_data_dir("tapedeck", appauthor=False)),
        named(platformdirs.user_config_dir("tapedeck", appauthor=False)),
        named(platformdirs.user_state_dir("tapedeck", appauthor=False)),
    )
