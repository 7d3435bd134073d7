"""Figures: an SVG that belongs into a page, a PNG that stands alone."""

import io
import re

import pytest
from PIL import Image

from leanrl.report.figures.curves import Curve, Series
from leanrl.report.figures.drawing import SERIES_COLOURS, draw_png, draw_svg, line_style
from leanrl.report.page import page_style


def curve(*names: str, slug: str = "rewards") -> Curve:
    lines = [Series(name, [1, 2, 3], [0.1, 0.5 + place / 10, float("nan")]) for place, name in enumerate(names)]
    return Curve(slug, "Rewards <by name>", "A caption.", "share", lines)


def test_the_svg_takes_colours_and_font_from_the_page() -> None:
    svg = draw_svg(curve("one_box", "accuracy"))
    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")
    assert "var(--series-1)" in svg
    assert "var(--series-2)" in svg
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)
    assert "font-family" not in svg
    assert ">100%</text>" in svg


def test_the_svg_refers_to_nothing_outside() -> None:
    svg = draw_svg(curve("one_box"))
    links = re.findall(r'(?:href|src)="([^"]*)"', svg)
    assert all(link.startswith("#") for link in links)
    assert set(re.findall(r'https?://[^"\s]*', svg)) <= {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    assert "<style" not in svg


def test_two_figures_share_no_id() -> None:
    """Equal ids in one page would clip one figure to the frame of another."""
    first, second = (set(re.findall(r'id="([^"]*)"', draw_svg(curve("a", slug=slug)))) for slug in ("kl", "entropy"))
    assert first
    assert not first & second


def test_the_same_curve_is_the_same_svg() -> None:
    assert draw_svg(curve("a")) == draw_svg(curve("a"))


@pytest.mark.parametrize("names", [("one",), tuple(f"a-long-name-of-a-run-{number}" for number in range(9))])
def test_the_png_is_an_image_that_grows_with_its_legend(names: tuple[str, ...]) -> None:
    image = Image.open(io.BytesIO(draw_png(curve(*names))))
    assert image.format == "PNG"
    assert image.width == 860  # 4.3 inches at 200 dots
    assert image.height == (570 if len(names) == 1 else 570 + 5 * 32)  # 9 names in 2 columns are 5 rows


def test_lines_beyond_the_palette_change_their_dashes() -> None:
    assert line_style(0) == (1, "-")
    assert line_style(7) == (8, "-")
    assert line_style(8) == (1, "--")


def test_the_palette_is_the_pages_light_palette() -> None:
    light = page_style().split("@media")[0]
    assert tuple(re.findall(r"--series-\d: (#[0-9a-f]{6});", light)) == SERIES_COLOURS
