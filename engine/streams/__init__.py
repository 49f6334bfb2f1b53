"""What a run streams, generates, and needs of earlier days."""
