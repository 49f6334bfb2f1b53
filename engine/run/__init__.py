"""The threads of a run, and how they hand blocks to each other."""
