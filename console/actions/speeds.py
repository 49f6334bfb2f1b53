"""Speeds: the ladder of `+` and `-`, parsing and formatting."""

from __future__ import annotations

from typing import Final

LADDER: Final = (1.0, 2.0, 5.0, 10.0, 60.0, 360.0, 3600.0, 0.0)
"""Multiples of real time; the last, 0, is the maximum speed."""


def read_speed(text: str) -> float:
    """Return the speed of `60`, `x60` or `max`; ValueError gives the syntax."""
    words = text.strip()
    try:
        speed = 0.0 if words == "max" else float(words.removeprefix("x"))
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise ValueError(f"invalid speed {text!r}: use max (or 0), or a multiple of real time such as 60")
    return speed


def faster(speed: float) -> float:
    """Return the next speed up the ladder, or the fastest."""
    return next((step for step in LADDER if step == 0 or 0 < speed < step), 0.0) if speed else 0.0


def faster_past(speed: float) -> float:
    """Return the next speed up the ladder for the past, which has no maximum speed."""
    return faster(speed) or max(speed, LADDER[-2])


def slower(speed: float) -> float:
    """Return the next speed down the ladder, or the slowest."""
    below = [step for step in LADDER if step and (step < speed or speed == 0)]
    return below[-1] if below else min(speed or LADDER[0], LADDER[0])


def speed_text(speed: float) -> str:
    """Return a speed as the screen shows it: `x60`, or `max`."""
    return "max" if speed == 0 else f"x{speed:,.10g}"


def achieved_text(requested: float, achieved: float | None) -> str:
    """Return the achieved speed as text; "" while paused, or within 5 % of the requested speed."""
    if achieved is None or (requested and abs(achieved - requested) <= requested / 20):
        return ""
    return f"actual x{short_number(achieved)}"


def short_number(value: float) -> str:
    """Return a number in few characters: `940`, `2.9k`, `5.1M`."""
    for limit, divisor, unit in ((1e3, 1, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M"), (1e12, 1e9, "G")):
        if abs(value) < limit * 0.9995:
            scaled = value / divisor
            return f"{scaled:.0f}{unit}" if abs(scaled) >= 99.5 or not unit else f"{scaled:.1f}{unit}"
    return f"{value / 1e12:.1f}T"
