"""Colours of the chart's lines, in every theme, with all colours and with 256."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from tapedeck.console.app.theming import load_themes
from tapedeck.console.app.widgets.painted import TINT_SHARE
from tests.support.colour_difference import Lab, ciede2000, lab_of

APART = 20.0
THEMES = pytest.mark.parametrize("theme", load_themes().themes, ids=lambda theme: theme.name)

# Sharma, Wu, Dalal: The CIEDE2000 color-difference formula, table 1, among them those of its discontinuities.
PUBLISHED = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0009), 7.1792),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0011), 7.2195),
    ((50, -0.0010, 2.4900), (50, 0.0009, -2.4900), 4.8045),
    ((50, -0.0010, 2.4900), (50, 0.0011, -2.4900), 4.7461),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((50, 2.5, 0), (50, 3.1736, 0.5854), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "difference"), PUBLISHED)
def test_ciede2000_of_published_pairs(
    one: tuple[float, ...], other: tuple[float, ...], difference: float
) -> None:
    assert ciede2000(Lab(*one), Lab(*other)) == pytest.approx(difference, abs=5e-5)


def test_white_has_a_lightness_of_100_and_no_hue() -> None:
    assert lab_of(255, 255, 255) == pytest.approx((100, 0, 0), abs=0.02)
    assert lab_of(0, 0, 0) == pytest.approx((0, 0, 0), abs=0.02)
    assert lab_of(255, 0, 0) == pytest.approx((53.24, 80.09, 67.20), abs=0.03)


def seen(colour: str | Color) -> tuple[Lab, Lab]:
    """Return a colour as terminals show it: with all colours, and with 256."""
    rich = Color.parse(colour).rich_color
    shown = rich.get_truecolor(), rich.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
    return lab_of(*shown[0]), lab_of(*shown[1])


def apart(one: str | Color, other: str | Color) -> float:
    return min(map(ciede2000, seen(one), seen(other)))


def lines_of(theme: Theme) -> list[str]:
    return [theme.variables[f"line-{number}"] for number in range(1, 6)]


@THEMES
def test_lines_differ_from_each_other(theme: Theme) -> None:
    for one, other in combinations(lines_of(theme), 2):
        assert apart(one, other) >= APART, (one, other)


@THEMES
def test_lines_differ_from_candles_that_rise_or_fall(theme: Theme) -> None:
    for line, candle in product(lines_of(theme), (theme.success, theme.error)):
        assert candle is not None
        assert apart(line, candle) >= APART, (line, candle)


@THEMES
def test_candles_stand_out_from_the_tint_of_a_line_and_the_tint_from_the_background(theme: Theme) -> None:
    for name in ("background", "surface", "panel"):
        background = Color.parse(getattr(theme, name))
        for line in lines_of(theme):
            tint = background.blend(Color.parse(line), TINT_SHARE)
            assert apart(tint, background) >= APART / 2, line
            for candle in (theme.success, theme.error):
                assert apart(tint, Color.parse(candle)) >= APART, (line, candle)


def test_black_and_white_are_seen_as_they_are() -> None:
    assert seen("#ffffff")[1] == pytest.approx((100, 0, 0), abs=0.02)
    assert RichColor.from_rgb(1, 2, 3).downgrade(ColorSystem.EIGHT_BIT).number == 16
