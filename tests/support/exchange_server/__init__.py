"""Crypto exchange on 127.0.0.1 with the shapes of Binance's spot market: websocket, REST, faults."""
