"""The code blocks of a page: what they hold, which file they are, and which output the page shows for them."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

_FENCE = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.M | re.S)
# "Put this into `brief.py`:" above a block.
_FILE_ABOVE = re.compile(r"`([\w./-]+\.\w+)`:\s*\Z")


@dataclass(frozen=True)
class Block:
    """One block; `shown` is the text block right behind it, "" where there is none."""

    page: Path
    line: int
    language: str
    file_name: str
    content: str
    shown: str = ""

    @property
    def place(self) -> str:
        """Page and line, as an editor opens them."""
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page in their order.

    Raises:
        ValueError: for a fence that is no block by the pattern: nobody would run it.
    """
    text = page.read_text(encoding="utf-8")
    found = list(_FENCE.finditer(text))
    if len(re.findall(r"^```", text, re.M)) != 2 * len(found):
        raise ValueError(f"{page} has a fence without a language or without an end")
    blocks: list[Block] = []
    for index, match in enumerate(found):
        before = text[found[index - 1].end() if index else 0 : match.start()]
        if match[1] == "text" and not before.strip() and blocks:
            blocks[-1] = replace(blocks[-1], shown=match[3])
        above = _FILE_ABOVE.search(before.rstrip())
        name = match[2] or (above[1] if above and match[1] != "text" else "")
        blocks.append(Block(page, text.count("\n", 0, match.start()) + 1, match[1], name, match[3]))
    return blocks
