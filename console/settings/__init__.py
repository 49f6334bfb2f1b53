"""Settings and the folders that hold them."""
