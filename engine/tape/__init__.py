"""Tape: grids, derived bars, views, history, stamp."""
