"""Feed alpaca: stocks and crypto of Alpaca, through alpaca-py (extra `alpaca`)."""
