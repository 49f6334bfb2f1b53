"""Exports: a run as CSV and JSON files, and validation of an export."""

from __future__ import annotations
