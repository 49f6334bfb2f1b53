"""Programs that measure tapedeck against references of the same run."""
