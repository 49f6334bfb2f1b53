"""Bar stores (SQLite, Parquet), coverage, and the demo market."""
