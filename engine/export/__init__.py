"""Exports: a run as CSV and JSON files, its tapes kept for later, and the check of an export read back."""

from __future__ import annotations
