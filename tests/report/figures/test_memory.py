"""The chart of memory by phase: planned components, the limit, and measured peaks."""

import io
import re

import pytest
from PIL import Image

from leanrl.report.figures.memory import OTHER, memory_charts
from leanrl.report.figures.memory_drawing import draw_memory_png, draw_memory_svg
from leanrl.report.page import write_report
from leanrl.report.run_data import RunData
from leanrl.storage.run_folder import read_json, write_json
from tests.report.sample_run import write_sample_run

GIB = 2**30


def phase(name, **components):
    return {"name": name, "bytes": sum(components.values()), "components": components}


def card(role="both", *phases):
    return {"index": 0, "role": role, "usable_bytes": 24 * GIB, "phases": list(phases)}


def actual(step, *phases):
    return {
        "step": step,
        "phases": [{"name": name, "allocated_bytes": size, "reserved_bytes": held} for name, size, held in phases],
    }


def charts(**plan):
    return memory_charts(RunData("run", plan={"device": "cuda"} | plan))


TWO_PHASES = card(
    "both", phase("load", weights=3 * GIB), phase("forward_backward", weights=3 * GIB, head=GIB, activations=5 * GIB)
)


def test_components_are_columns_over_the_phases():
    """Weights stay through both phases and come first; of the others the larger comes first."""
    (chart,) = charts(gpus=[TWO_PHASES])
    assert chart.phases == ["load", "forward_backward"]
    assert chart.components == {"weights": [3 * GIB, 3 * GIB], "activations": [0, 5 * GIB], "head": [0, GIB]}
    assert list(chart.components) == ["weights", "activations", "head"]
    assert (chart.limit_bytes, chart.is_measured) == (24 * GIB, False)


def test_the_highest_measured_peak_of_each_phase_is_marked():
    """Of 3 and 4 GiB after steps 1 and 5 the 4 count; a phase that was not planned has a row without a bar."""
    entries = [actual(1, ("load", 3 * GIB, 5 * GIB)), actual(5, ("load", 4 * GIB, 5 * GIB), ("save", GIB, None))]
    (chart,) = charts(gpus=[TWO_PHASES], actual=entries, actual_source="the allocator's count")
    assert chart.phases == ["load", "forward_backward", "save"]
    assert chart.allocated == [4 * GIB, None, GIB]
    assert chart.reserved == [5 * GIB, None, None]
    assert chart.components["weights"] == [3 * GIB, 3 * GIB, 0]
    assert "the highest measured so far (the allocator's count). Hollow:" in chart.caption


@pytest.mark.parametrize(("gib", "is_far"), [(27, False), (28, True)])
def test_a_limit_that_would_flatten_the_bars_is_said_instead(gib, is_far):
    """The longest bar has 3 + 1 + 5 = 9 GiB; a limit of more than three times that is not drawn."""
    (chart,) = charts(gpus=[TWO_PHASES | {"usable_bytes": gib * GIB}])
    assert (chart.largest_bytes, chart.is_limit_far) == (9 * GIB, is_far)
    assert ("28.00 GiB, lies far beyond" in chart.caption) == is_far
    assert ("stroke-dasharray" in draw_memory_svg(chart)) != is_far


def test_each_kind_of_card_has_a_chart_and_only_training_is_measured():
    serving = card("rollout", phase("rollout", keys=9 * GIB))
    training = card("train", phase("load", weights=GIB))
    first, second = charts(gpus=[training, training, serving], actual=[actual(1, ("load", GIB, None))])
    assert (first.slug, first.allocated) == ("memory", [GIB])
    assert (second.slug, second.is_measured) == ("memory-rollout", False)


def test_small_components_go_together():
    """Ten components of 1 to 10 GiB: the seven largest keep their names, 1 + 2 + 3 = 6 GiB go together."""
    sizes = {f"part {number}": number * GIB for number in range(1, 11)}
    (chart,) = charts(gpus=[card("both", phase("load", **sizes))])
    assert len(chart.components) == 8
    assert chart.components[OTHER] == [6 * GIB]


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"gpus": None},
        {"gpus": [{"role": "both", "phases": []}]},
        {"gpus": ["no object"], "actual": [actual(1, ("load", GIB, None))]},
        {"gpus": [card("both", {"name": "load", "components": {"weights": "many"}})]},
    ],
)
def test_no_plan_no_chart(plan):
    assert charts(**plan) == []


def test_a_broken_actual_side_is_passed_over():
    (chart,) = charts(gpus=[TWO_PHASES], actual=[None, {"phases": [{"name": "load"}, 3]}, {"step": 1}])
    assert not chart.is_measured


def test_the_svg_shows_every_phase_and_takes_its_colours_from_the_page():
    (chart,) = charts(gpus=[TWO_PHASES], actual=[actual(1, ("load", 3 * GIB, 4 * GIB))])
    svg = draw_memory_svg(chart)
    assert ">forward backward</text>" in svg
    assert "var(--series-3)" in svg
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)


def test_the_png_grows_with_its_phases():
    (low,) = charts(gpus=[card("both", phase("load", weights=GIB))])
    (high,) = charts(gpus=[TWO_PHASES])
    first, second = (Image.open(io.BytesIO(draw_memory_png(chart))) for chart in (low, high))
    assert first.width == second.width == 860
    assert first.height < second.height


def test_the_report_holds_the_chart(tmp_path):
    run = write_sample_run(tmp_path / "run", num_steps=2)
    write_json(run.plan, {**read_json(run.plan), "gpus": [TWO_PHASES], "actual": [actual(1, ("load", GIB, None))]})
    page = write_report(run).read_text(encoding="utf-8")
    assert "<h2>Memory</h2>" in page
    assert '<i class="key s2"></i>activations' in page
    assert (run.report / "memory.png").is_file()
