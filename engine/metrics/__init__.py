"""Timers, counters and the log."""
