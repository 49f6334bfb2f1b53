"""Actions: one table, one executor, and key scripts, which run actions from a file."""
