"""Alerts: numbers that grow, one for each time that a cause begins, in words."""

from __future__ import annotations

import logging
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tapedeck.engine.feeds.alerts import Alerts, DiskAlerts, OverrunAlerts, QualityAlerts
from tests.engine.feeds.gap_kit import OPEN_S

Usage = namedtuple("Usage", "total free")


def texts(alerts):
    return [alert.text for alert in alerts.recent()]


def test_numbers_grow_and_a_viewer_asks_for_those_after_the_last_it_saw(caplog):
    alerts = Alerts()
    with caplog.at_level(logging.WARNING):
        for n in range(250):
            alerts.add(f"alert {n}", at=OPEN_S + n, is_severe=n == 249)
    assert [alert.number for alert in alerts.recent()] == list(range(51, 251))
    assert [alert.text for alert in alerts.after(248)] == ["alert 248", "alert 249"]
    assert alerts.recent(1)[0].at == datetime(2013, 10, 7, 13, 34, 9, tzinfo=UTC)
    assert [alert.is_severe for alert in alerts.recent(2)] == [False, True]
    assert caplog.messages[-1] == "alert 249"
    assert caplog.records[-1].exc_info is None


def test_a_cause_alerts_once_until_it_is_over():
    alerts = Alerts()
    assert alerts.begin("connection", "lost", at=OPEN_S)
    assert not alerts.begin("connection", "lost again", at=OPEN_S)
    assert alerts.begin("other", "other", at=OPEN_S)
    assert alerts.over("connection")
    assert not alerts.over("connection")
    assert alerts.begin("connection", "lost anew", at=OPEN_S)
    assert texts(alerts) == ["lost", "other", "lost anew"]


def test_quality_below_the_limit_alerts_once_per_symbol_until_it_recovers():
    alerts = Alerts()
    quality = QualityAlerts(alerts, ["AIG", "IBM", "SPY"], 95.0)
    for scores in ([100, 95, 100], [94.94, 94, 100], [90, 96, 100], [80, 94.2, 100]):
        quality.check(np.array(scores, dtype=float), OPEN_S)
    assert texts(alerts) == ["quality below 95 %: AIG 94.9 %, IBM 94.0 %", "quality below 95 %: IBM 94.2 %"]


def test_many_symbols_that_fall_together_are_one_alert_and_without_a_limit_there_is_none():
    alerts = Alerts()
    QualityAlerts(alerts, [f"S{n}" for n in range(5000)], 50.0).check(np.zeros(5000), OPEN_S)
    QualityAlerts(alerts, ["AIG"], None).check(np.zeros(1), OPEN_S)
    assert texts(alerts) == [
        "quality below 50 %: S0 0.0 %, S1 0.0 %, S2 0.0 %, S3 0.0 %, S4 0.0 % and 4995 more"
    ]


@pytest.mark.parametrize(
    ("total", "free", "alerts_at"),
    [
        (10e9, 501e6, False),
        (10e9, 499e6, True),  # below 500 MB
        (1000e9, 10.1e9, False),
        (1000e9, 9.9e9, True),  # below 1 %
    ],
)
def test_a_disk_is_nearly_full_below_one_percent_or_500_megabytes(total, free, alerts_at):
    alerts = Alerts()
    DiskAlerts(alerts, Path("bars"), usage=lambda _: Usage(int(total), int(free))).check(OPEN_S)
    assert bool(alerts.recent()) == alerts_at


def test_a_full_disk_alerts_once_until_there_is_clearly_more_space():
    alerts, free = Alerts(), []
    disk = DiskAlerts(alerts, Path("bars"), usage=lambda _: Usage(10**10, int(free[-1])))
    for space in (600e6, 412e6, 300e6, 510e6, 400e6, 551e6, 499e6):
        free.append(space)
        disk.check(OPEN_S)
    assert texts(alerts) == [
        "disk nearly full: 412 MB left for bars; without space bars cannot be saved",
        "disk nearly full: 499 MB left for bars; without space bars cannot be saved",
    ]
    assert all(alert.is_severe for alert in alerts.recent())


def test_a_disk_that_cannot_be_asked_gives_no_alert():
    def fail(folder):
        raise FileNotFoundError(2, "No such file or directory")

    alerts = Alerts()
    DiskAlerts(alerts, Path("bars"), usage=fail).check(OPEN_S)
    assert alerts.recent() == ()


def test_the_space_of_a_real_folder_can_be_asked(tmp_path):
    DiskAlerts(Alerts(), tmp_path).check(OPEN_S)


def test_an_overrun_alerts_once_until_the_consumer_has_caught_up():
    alerts = Alerts()
    overruns = OverrunAlerts(alerts)
    for machine, (reached, frontier) in enumerate([(5, 5), (5, 6), (5, 6), (5, 7), (7, 7), (7, 8), (7, 10)]):
        overruns.check("data-processor", reached, frontier, OPEN_S, float(machine))
    for machine in (0.0, 1.0):
        overruns.check("data-quality-manager", 9, 10, OPEN_S, machine)
    assert [alert.text for alert in alerts.recent()] == [
        "overrun: data-processor is 1 slot behind; nothing is lost",
        "overrun: data-processor is 3 slots behind; nothing is lost",
        "overrun: data-quality-manager is 1 slot behind; nothing is lost",
    ]


def test_a_consumer_that_reaches_each_slot_before_the_next_is_not_overrun():
    """A replay at x60 looks once a second, always just after a slot is over."""
    alerts = Alerts()
    overruns = OverrunAlerts(alerts)
    for slot in range(100):
        overruns.check("data-processor", slot, slot + 1, OPEN_S, float(slot))
    overruns.check("data-processor", 0, 1, OPEN_S, 100.0)  # the next session
    overruns.check("data-processor", 0, 1, OPEN_S, 100.5)
    assert alerts.recent() == ()
