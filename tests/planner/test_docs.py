"""The Python in docs/planning.md runs as it stands there, and README's table of cards is what the planner finds."""

import re
from pathlib import Path

from leanrl.config.load import load_config
from leanrl.planner.plan import plan_run
from leanrl.planner.text.screen import first_screen
from scripts.pages import largest_table

PAGE = Path(__file__).parents[2] / "docs" / "planning.md"


def test_example_of_the_page(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("single-gpu-full on 1 x rtx4090: it fits")
    assert "-s train.micro_batch_completions=" in printed


def test_table_of_the_readme():
    """`python scripts/pages/largest_table.py --write` writes it anew."""
    assert largest_table.table_in(largest_table.README.read_text(encoding="utf-8")) == largest_table.table()


def test_first_screen_of_the_page():
    """The lines that the page shows are those of the preset, as far as it shows them."""
    shown = re.findall(r"leanrl plan -p (\S+)\n((?:    .*\n)+)", PAGE.read_text(encoding="utf-8").replace("$ ", ""))
    ((preset, text),) = [found for found in shown if "upper estimate" in found[1]]
    lines = [line.removeprefix("    ") for line in text.splitlines() if line.strip() != "..."]
    assert len(lines) >= 4
    assert first_screen(plan_run(load_config(preset).config))[: len(lines)] == lines
