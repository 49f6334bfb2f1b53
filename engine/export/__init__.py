"""Exports: a run as CSV and JSON files, tapes kept on disk, and the check of an export read back."""

from __future__ import annotations
