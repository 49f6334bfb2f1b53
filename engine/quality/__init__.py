"""Data quality: gaps and scores."""
