"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

import tapedeck.engine

_TESTS = Path(__file__).resolve().parent
_DEFAULT_LEAN = _TESTS.parents[1] / "shared" / "data" / "lean"
_UNTRACED = (
    "console/",
    "faults/",
    "golden/",
    "laws/",
    "packaging/",
    "engine/clock/test_exchange_calendars.py",
)
"""Tests of much more than the engine's own code; the last one spends its time in the library of calendars."""


def pytest_configure(config: pytest.Config) -> None:
    """Accept ctrl+c where the shell ignores it (`pytest &`), as started programs would ignore it, too.

    Hypothesis sets examples no deadlines: on a busy machine the first, which loads a calendar, misses them.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("without deadlines", deadline=None)
    settings.load_profile("without deadlines")
    if _coverage(config):
        # Their definitions are traced here, and collection then is not: tracing takes half of its time.
        for module in pkgutil.walk_packages(tapedeck.engine.__path__, "tapedeck.engine."):
            importlib.import_module(module.name)
        _trace(config, wanted=False)


def pytest_collection_finish() -> None:
    """Search for garbage less often, and not among what is loaded by now: it took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Trace coverage in the engine's own tests with written examples: tracing doubles the time of others.

    Random examples are many, and would reach other lines in each run.
    """
    is_random = is_hypothesis_test(getattr(item, "obj", None))
    path = item.path.relative_to(_TESTS).as_posix()
    _trace(item.config, wanted=not is_random and not path.startswith(_UNTRACED))


def _coverage(config: pytest.Config) -> Any:
    """Return the controller of coverage, None where it is not measured."""
    plugin = config.pluginmanager.getplugin("_cov")
    return plugin and plugin.cov_controller


def _trace(config: pytest.Config, *, wanted: bool) -> None:
    """Begin or pause tracing coverage, if it is measured at all."""
    controller = _coverage(config)
    if controller and controller.started is not wanted:
        (controller.resume if wanted else controller.pause)()


@pytest.fixture(scope="session")
def lean_root() -> Path:
    """Folder of real bars in LEAN layout; `TAPEDECK_LEAN_DATA` names another place."""
    root = Path(os.environ.get("TAPEDECK_LEAN_DATA", _DEFAULT_LEAN))
    if not root.is_dir():
        pytest.skip(f"no real bars: {root} does not exist; set TAPEDECK_LEAN_DATA to run this test")
    return root
