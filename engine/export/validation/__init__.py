"""Validation of an export against its manifest, the exchange's calendar, and itself."""

from __future__ import annotations

from tapedeck.engine.export.validation.report import Finding, ValidationReport
from tapedeck.engine.export.validation.validate import validate_export

__all__ = ["Finding", "ValidationReport", "validate_export"]
