"""The Python in docs/planning.md runs as it stands there, and README's table of cards is what the planner finds."""

import re
from pathlib import Path

from scripts import largest_table

PAGE = Path(__file__).parents[2] / "docs" / "planning.md"


def test_example_of_the_page(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("single-gpu-full on 1 x rtx4090: it fits")
    assert "-s train.micro_batch_completions=" in printed


def test_table_of_the_readme():
    """`python scripts/largest_table.py --write` writes it anew."""
    assert largest_table.table_in(largest_table.README.read_text(encoding="utf-8")) == largest_table.table()
