"""The tape: grids, derived bars, views, history, stamp."""
