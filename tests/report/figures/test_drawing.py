"""Figures: an SVG that belongs into a page, a PNG that stands alone."""

import io
import re

import pytest
from PIL import Image

from leanrl.report.figures.chart import draw_svg, line_style
from leanrl.report.figures.curves import Curve, Series
from leanrl.report.figures.drawing import SERIES_COLOURS, draw_png
from leanrl.report.rendering import page_style


def curve(*names: str, slug: str = "rewards") -> Curve:
    lines = [Series(name, [1, 2, 3], [0.1, 0.5 + place / 10, float("nan")]) for place, name in enumerate(names)]
    return Curve(slug, "Rewards <by name>", "A caption.", "share", lines)


def test_the_svg_takes_colours_and_font_from_the_page() -> None:
    svg = draw_svg(curve("one_box", "accuracy"))
    assert svg.startswith("<svg ")
    assert svg.rstrip().endswith("</svg>")
    assert 'class="c1"' in svg
    assert 'class="c2"' in svg
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)
    assert "font-family" not in svg
    assert ">100%</text>" in svg


def test_the_svg_refers_to_nothing_and_has_no_id() -> None:
    """Equal ids in one page would clip one figure to the frame of another."""
    svg = draw_svg(curve("one_box"))
    assert not re.findall(r'\b(?:href|src|id)="', svg)
    assert "<style" not in svg


def test_the_accessible_name_says_what_the_figure_shows() -> None:
    """The values are 0.1 and 0.5, the third step has none."""
    svg = draw_svg(curve("one_box"))
    assert 'role="img"' in svg
    assert 'aria-label="Rewards &lt;by name&gt;: one_box goes from 10% to 50% between steps 1 and 2."' in svg


def test_the_same_curve_is_the_same_svg() -> None:
    assert draw_svg(curve("a")) == draw_svg(curve("a"))


@pytest.mark.parametrize("names", [("one",), tuple(f"a-long-name-of-a-run-{number}" for number in range(9))])
def test_the_png_is_an_image_that_grows_with_its_legend(names: tuple[str, ...]) -> None:
    image = Image.open(io.BytesIO(draw_png(curve(*names))))
    assert image.format == "PNG"
    assert image.width == 860  # 4.3 inches at 200 dots
    assert image.height == (570 if len(names) == 1 else 570 + 5 * 32)  # 9 names in 2 columns are 5 rows


def test_lines_beyond_the_palette_change_their_dashes() -> None:
    assert line_style(0) == (1, "")
    assert line_style(7) == (8, "")
    assert line_style(8) == (1, "7 4")


def test_the_palette_is_the_pages_light_palette() -> None:
    light = page_style().split("@media")[0]
    assert tuple(re.findall(r"--series-\d: (#[0-9a-f]{6});", light)) == SERIES_COLOURS
