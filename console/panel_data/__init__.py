"""Panel contents as tables of plain values."""
