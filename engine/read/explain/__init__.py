"""Explanations: formula, inputs and bars behind a number."""
