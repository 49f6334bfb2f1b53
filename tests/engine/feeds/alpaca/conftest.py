"""Fixtures of the feed alpaca: nothing that it logs has the account's keys."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.support.alpaca_server.server import KEY, SECRET


@pytest.fixture
def keys_stay_hidden(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Log everything, that of the libraries too; keys and secret must not be in it."""
    caplog.set_level(logging.DEBUG)
    yield
    for phase in ("setup", "call"):
        for record in caplog.get_records(phase):
            text = f"{record.getMessage()} {record.args} {record.exc_text}"
            assert SECRET not in text, record.name
            assert KEY not in text, record.name
