"""Gaps, and how complete bars are."""
