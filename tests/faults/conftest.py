"""Fixtures of the short campaigns."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Give the log its level back, which campaigns raise: their findings are told by themselves."""
    logger = logging.getLogger("tapedeck")
    level = logger.level
    yield
    logger.setLevel(level)
