"""Versions of the libraries on which results depend."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from tapedeck.engine.indicators.talib_adapter import talib_c_version

_LIBRARIES: Final = {
    "tapedeck": "tapedeck-console",
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "exchange_calendars": "exchange_calendars",
    "ta_lib": "TA-Lib",
}


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of tapedeck, of Python, and of each library on which values depend, by name.

    `ta_lib` is the Python package, `ta_lib_c` its C library. A source tree that is not installed has no
    version.
    """
    versions = {"python": platform.python_version()}
    for name, distribution in _LIBRARIES.items():
        try:
            versions[name] = version(distribution)
        except PackageNotFoundError:
            versions[name] = "not installed"
    versions["ta_lib_c"] = talib_c_version()
    return versions
