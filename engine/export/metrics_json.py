"""Metrics of an export (metrics.json): timers and counters, which differ from run to run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.read.snapshot import RunSummary


def metrics_document(summary: RunSummary, metrics: PerformanceMetrics) -> dict[str, Any]:
    """Return timers (seconds), counters and queue sizes of the run, its wall seconds and bars per second."""
    return {
        "seconds": summary.seconds,
        "bars": summary.bars,
        "bars_per_second": summary.bars / summary.seconds if summary.seconds else None,
        "timers": {step: asdict(timer) for step, timer in metrics.timers().items()},
        "counts": metrics.counts(),
        "queues": metrics.queues(),
    }
