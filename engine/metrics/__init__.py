"""Metrics and the log file."""
