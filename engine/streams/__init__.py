"""Stream planning: base interval, derived intervals, and history of a run."""
