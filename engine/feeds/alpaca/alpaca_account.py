"""Account of Alpaca: its keys, which data of it is used, and where the servers are."""

from __future__ import annotations

from dataclasses import dataclass

from tapedeck.engine.feeds.alpaca.alpaca_keys import AlpacaKeys


@dataclass(frozen=True, slots=True)
class AlpacaAccount:
    """`feed`: iex or sip; us for crypto. `stream_url`, `data_url`: servers without a path, None: Alpaca's."""

    keys: AlpacaKeys
    is_crypto: bool
    feed: str
    stream_url: str | None = None
    data_url: str | None = None

    @property
    def stream_path(self) -> str:
        """Path of the stream's data."""
        return f"/v1beta3/crypto/{self.feed}" if self.is_crypto else f"/v2/{self.feed}"
