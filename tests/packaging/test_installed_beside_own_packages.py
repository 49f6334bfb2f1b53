"""tapedeck installed from its wheel, used in a folder with a user's own `engine` and `console` packages."""

from __future__ import annotations

import importlib.metadata
from typing import Any

# Of the demo market, as it is when tapedeck is run from its checkout.
DEMO_STAMP = "d752a7773641a704c1900b05713b16a5"


def test_the_command_says_its_version(installed: Any) -> None:
    done = installed.run("--version", program="tapedeck")
    assert done.stdout == f"tapedeck {importlib.metadata.version('tapedeck-console')}\n"


def test_the_module_is_run(installed: Any) -> None:
    assert "tapedeck run october.yaml" in installed.run("-m", "tapedeck", "--help").stdout


def test_the_command_knows_the_calendar(installed: Any) -> None:
    # 3 July 2024 was an early close in New York.
    text = installed.run("calendar", "--from", "2024-07-03", "--to", "2024-07-05", program="tapedeck").stdout
    assert "2 sessions" in text
    assert "early close" in text


def test_the_command_plays_the_demo_market_and_writes_its_log(installed: Any) -> None:
    assert f"stamp: {DEMO_STAMP}" in installed.run(program="tapedeck").stdout
    log = (installed.home / "state" / "tapedeck.log").read_text(encoding="utf-8")
    assert " tapedeck.engine.system [" in log


def test_tapedeck_and_the_users_packages_are_imported_together(installed: Any) -> None:
    code = (
        "import console, engine, tapedeck\n"
        "print(engine.OWNER, console.OWNER, tapedeck.SystemManager.__module__, tapedeck.__file__, sep='\\n')"
    )
    *owners, module, file = installed.run("-c", code).stdout.splitlines()
    assert owners == ["the user", "the user"]
    assert module == "tapedeck.engine.system"
    assert file.startswith(str(installed.environment))


def test_every_module_of_the_wheel_is_imported_and_the_users_stay_their_own(installed: Any) -> None:
    code = (
        "import importlib, pkgutil, tapedeck\n"
        "for module in pkgutil.walk_packages(tapedeck.__path__, 'tapedeck.'):\n"
        "    importlib.import_module(module.name)\n"
        "import console, engine\n"
        "print(engine.OWNER, console.OWNER, sep=', ')"
    )
    assert installed.run("-c", code).stdout == "the user, the user\n"


def test_the_themes_of_the_wheel_are_found(installed: Any) -> None:
    code = (
        "from tapedeck.console.app.theming import load_themes\n"
        "loaded = load_themes()\n"
        "print(len(loaded.themes), len(loaded.failures))"
    )
    assert installed.run("-c", code).stdout == "8 0\n"
