"""Modules of the checkout have one name each, though its folders can be reached by two paths."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
EVERY_MODULE = """
import importlib, pkgutil, tapedeck
for module in pkgutil.walk_packages(tapedeck.__path__, "tapedeck."):
    importlib.import_module(module.name)
"""
BATCH_RUN = """
from tapedeck.console.cli.main import app
try:
    app([], prog_name="tapedeck")
except SystemExit:
    pass
"""
REPORT = """
import json, sys
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print(json.dumps({name: file for name, file in files.items() if file}))
"""


@pytest.mark.parametrize("code", [EVERY_MODULE, BATCH_RUN], ids=["every module", "batch run"])
def test_no_module_is_loaded_under_two_names(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "TAPEDECK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=True,
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    files = {name: Path(file).resolve() for name, file in loaded.items()}
    ours = {name: file for name, file in files.items() if file.is_relative_to(PROJECT / "engine")}
    ours |= {name: file for name, file in files.items() if file.is_relative_to(PROJECT / "console")}
    assert ours["tapedeck.engine.system"] == PROJECT / "engine" / "system.py"
    assert all(name.startswith("tapedeck.") for name in ours)
    assert [file for file, count in Counter(ours.values()).items() if count > 1] == []
