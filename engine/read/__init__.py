"""Read model: snapshots, events and explanations."""
