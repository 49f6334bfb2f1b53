"""Feed ccxt: candles of crypto exchanges, without an account, through the library of that name."""
