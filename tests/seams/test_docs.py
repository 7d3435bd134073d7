"""docs/algorithms.md names every seam and every plug-in."""

import inspect
import re
import runpy
from pathlib import Path

import torch

from leanrl.config.sections.algorithm import Choice
from leanrl.seams.registry import SEAMS, known_plugins, make_plugin, option_parameters

PAGE = (Path(__file__).parents[2] / "docs" / "algorithms.md").read_text(encoding="utf-8")
# The seams in the order in which a step takes them; the registry lists them by their names alone.
IN_ORDER = [
    "choose_prompts", "plan_rollouts", "keep_rows", "refill", "advantage", "credit_tokens", "token_weights",
    "correction", "after_step",
]  # fmt: skip


def _rows(heading, num_cells):
    section = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:1] == "|"]
    assert {len(row) for row in rows[2:]} == {num_cells}
    return rows[2:]


def _written(default):
    if default is inspect.Parameter.empty:
        return "(has to be set)"
    return f"{default:.4f}".rstrip("0") if isinstance(default, float) and default < 1e-3 and default else str(default)


def test_every_seam_has_its_row_in_the_order_of_a_step():
    named = [row[0].strip("| `") for row in _rows("The seams, in the order of a step", 3)]
    assert [name for name in named if name != "(group reward)"] == IN_ORDER
    assert set(IN_ORDER) == set(SEAMS)


def test_every_plug_in_has_its_row_with_its_options():
    """In the order of the seams and then of the names; the defaults are those of the code."""
    found = [(row[0].strip("| `"), row[1].strip("`"), row[2]) for row in _rows("The plug-ins that leanrl brings", 6)]
    expected = []
    for seam in IN_ORDER:
        for name, maker in known_plugins(seam).items():
            if not maker.__module__.startswith("leanrl."):
                continue
            options = option_parameters(maker).items()
            listed = ", ".join(f"`{option}` {_written(parameter.default)}" for option, parameter in options)
            expected.append((seam, name, listed or "none"))
    assert found == expected


def test_every_plug_in_names_its_source():
    for row in _rows("The plug-ins that leanrl brings", 6):
        source = row[5].strip("| ")
        maker = known_plugins(row[0].strip("| `"))[row[1].strip("`")]
        assert source
        for number in re.findall(r"\[(\d{4}\.\d{5})\]\(https://arxiv\.org/abs/\1\)", source):
            assert f"arXiv {number}" in inspect.getdoc(maker)


def test_the_plug_in_of_the_page_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "centred.py"
    file.write_text(code)
    runpy.run_path(str(file), run_name="leanrl_plugin_centred")
    made = make_plugin(Choice("advantage", "centred", {"factor": 0.5}))
    assert made(torch.tensor([[1.0, 0.0, torch.nan]]), None).tolist() == [[0.25, -0.25, 0.0]]
