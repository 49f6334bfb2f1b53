"""Actions: one table, one executor, and key scripts that run them from a file."""
