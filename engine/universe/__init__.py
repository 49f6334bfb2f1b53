"""Universe: the symbols that scanners look at, and the scanners."""
