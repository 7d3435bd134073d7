"""The README's table of cards: the largest model that a method trains, as `leanrl plan --largest` finds it.

`python scripts/pages/largest_table.py` prints it; `--write` puts it into README.md, where a test compares it.
"""

import argparse
import re
from pathlib import Path

from leanrl.config.load import load_config
from leanrl.planner.machine.cards import CARDS
from leanrl.planner.search.largest import Method, Row, find_rows
from leanrl.planner.text.largest_table import runs_markdown

README = Path(__file__).parents[2] / "README.md"
_BEGIN, _END = "<!-- python scripts/pages/largest_table.py --write -->\n", "<!-- end of the table -->\n"


# A row for each size of memory that people have, with the method that they mostly take there.
ROWS: tuple[tuple[str, Method], ...] = (
    ("rtx3060-12", "full"),
    ("rtx3060-12", "qlora"),
    ("rtx3090", "lora"),
    ("rtx4090", "full"),
    ("rtx4090", "qlora"),
    ("l40s", "lora"),
    ("a100-80", "full"),
    ("h100", "lora"),
)
STEPS = 500


def table() -> str:
    """Return the table as markdown, for the newest vLLM that leanrl works with."""
    return runs_markdown([(name, _row(name, method)) for name, method in ROWS])


def _row(name: str, method: Method) -> Row:
    config = load_config(f"single-gpu-{method}", [f"train.max_steps={STEPS}"]).config
    (row,) = find_rows({method: config}, card=CARDS[name])
    return row


def table_in(text: str) -> str:
    """Return the table that stands in a page."""
    return _block().findall(text)[0]


def _block() -> re.Pattern[str]:
    return re.compile(f"(?<={re.escape(_BEGIN)})\n(.*?)\n(?=\n{re.escape(_END)})", re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write it into README.md")
    made = table()
    if parser.parse_args().write:
        text = README.read_text(encoding="utf-8")
        README.write_text(_block().sub(lambda _: f"\n{made}\n", text), encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main()
