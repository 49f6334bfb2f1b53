"""Commands, one module per group; their dependencies are imported when they run."""
