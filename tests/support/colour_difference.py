"""Difference of two colours as eyes see it: CIEDE2000."""

from __future__ import annotations

import math
from typing import NamedTuple


class Lab(NamedTuple):
    """A colour in CIELAB: lightness, green to red, blue to yellow."""

    lightness: float
    a: float
    b: float


def lab_of(red: int, green: int, blue: int) -> Lab:
    """Return a colour of sRGB, 0 to 255 each, in CIELAB under D65 (IEC 61966-2-1, CIE 15)."""
    r, g, b = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (red / 255, green / 255, blue / 255)
    )
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
    fx, fy, fz = (
        part ** (1 / 3) if part > (6 / 29) ** 3 else part / (3 * (6 / 29) ** 2) + 4 / 29 for part in (x, y, z)
    )
    return Lab(116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))


def ciede2000(one: Lab, other: Lab) -> float:
    """Return the difference of two colours by CIEDE2000 with all weights 1.

    After G. Sharma, W. Wu, E. N. Dalal: The CIEDE2000 color-difference formula (2005), equations 2 to 22.
    """
    mean_chroma = (math.hypot(one.a, one.b) + math.hypot(other.a, other.b)) / 2
    g = 0.5 * (1 - math.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7)))
    a1, a2 = (1 + g) * one.a, (1 + g) * other.a
    c1, c2 = math.hypot(a1, one.b), math.hypot(a2, other.b)
    h1, h2 = _hue(a1, one.b), _hue(a2, other.b)

    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    if c1 * c2 != 0 and h2 - h1 == 180:
        turn = 180.0
    d_lightness, d_chroma = other.lightness - one.lightness, c2 - c1
    d_hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))

    lightness, chroma, hue = (one.lightness + other.lightness) / 2, (c1 + c2) / 2, _mean_hue(h1, h2, c1 * c2)
    t = (
        1
        - 0.17 * _cos(hue - 30)
        + 0.24 * _cos(2 * hue)
        + 0.32 * _cos(3 * hue + 6)
        - 0.20 * _cos(4 * hue - 63)
    )
    rotation_angle = 30 * math.exp(-(((hue - 275) / 25) ** 2))
    rotation = 2 * math.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    s_lightness = 1 + 0.015 * (lightness - 50) ** 2 / math.sqrt(20 + (lightness - 50) ** 2)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    l_part, c_part, h_part = d_lightness / s_lightness, d_chroma / s_chroma, d_hue / s_hue
    mixed = -math.sin(math.radians(2 * rotation_angle)) * rotation * c_part * h_part
    return math.sqrt(l_part**2 + c_part**2 + h_part**2 + mixed)


def _hue(a: float, b: float) -> float:
    return 0.0 if a == b == 0 else math.degrees(math.atan2(b, a)) % 360


def _mean_hue(one: float, other: float, product: float) -> float:
    if product == 0:
        return one + other
    if abs(one - other) <= 180:
        return (one + other) / 2
    return (one + other + (360 if one + other < 360 else -360)) / 2


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))
