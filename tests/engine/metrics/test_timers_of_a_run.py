"""Timer summaries against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.metrics.performance import PerformanceMetrics, Step

SECONDS = st.lists(st.floats(0, 1e3), min_size=1, max_size=60)


@given(SECONDS)
def test_a_timer_summary_equals_numpys(seconds: list[float]) -> None:
    clock = iter([moment for each in seconds for moment in (0.0, each)])
    metrics = PerformanceMetrics(lambda: next(clock))
    for _ in seconds:
        metrics.record_quality(metrics.start_timer())
    found = metrics.timers()[Step.QUALITY.value]
    assert (found.count, found.min_s, found.max_s) == (len(seconds), min(seconds), max(seconds))
    assert found.p95_s == pytest.approx(float(np.percentile(seconds, 95)), rel=1e-12, abs=1e-300)
    assert found.mean_s == pytest.approx(float(np.mean(seconds)), rel=1e-12, abs=1e-300)
