"""Bars at rest: stores, importers, coverage, the demo market."""
