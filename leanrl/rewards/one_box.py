"""The reward for answering in exactly one box."""

import re

from leanrl.prompting.thinking import drop_thinking
from leanrl.rewards.text.visible import has_visible_content
from leanrl.types import Sample

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*+")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped character, so that \{ and \} are passed over, or a brace


def one_box(sample: Sample) -> float:
    r"""Return 1 if the answer holds exactly one \boxed{...}, closed and with something to see in it, else 0.

    The answer is what follows the thinking part; a thinking part that was not closed has none.

    Source: leanrl. The paper's runs pay nothing for a box as such; a model that was never taught to box its
    answer needs this step before accuracy can pay.
    """
    answer = drop_thinking(sample.opened_tag + sample.text)
    boxes = list(_BOX.finditer(answer))
    if len(boxes) != 1:
        return 0.0
    content = _closed_content(answer, boxes[0].end())
    return 1.0 if has_visible_content(content) else 0.0


def _closed_content(text: str, start: int) -> str:
    """Return what stands between the brace at `start` and the one that closes it; empty if either is missing."""
    depth = 0
    for match in _BRACE.finditer(text, start):
        if depth == 0 and match.start() != start:
            return ""
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return text[start + 1 : match.start()]
    return ""
