"""Threads of a run: coordinator, player, workers, prefetch, recorder."""
