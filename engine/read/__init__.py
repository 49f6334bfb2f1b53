"""The read model: snapshots, events and explanations."""
