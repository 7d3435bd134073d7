"""The README's table of cards: the largest model that each method trains, as `leanrl plan --largest` finds it.

`python scripts/pages/largest_table.py` prints it; `--write` puts it into README.md, where a test compares it.
"""

import argparse
import re
from pathlib import Path

from leanrl.config.load import load_config
from leanrl.planner.machine.cards import CARDS
from leanrl.planner.search.largest import COMMON_CARDS, METHODS, find_rows
from leanrl.planner.text.largest_table import cards_markdown

README = Path(__file__).parents[2] / "README.md"
_BEGIN, _END = "<!-- python scripts/pages/largest_table.py --write -->\n", "<!-- end of the table -->\n"


def table() -> str:
    """Return the table as markdown, for the newest vLLM that leanrl works with."""
    configs = {method: load_config(f"single-gpu-{method}").config for method in METHODS}
    return cards_markdown({name: find_rows(configs, card=CARDS[name]) for name in COMMON_CARDS})


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
