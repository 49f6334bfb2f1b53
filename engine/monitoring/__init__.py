"""What a run tells of itself: state, metrics, snapshot, log."""
