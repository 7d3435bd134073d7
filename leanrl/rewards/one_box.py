"""The reward for answering in exactly one box."""

import re

from leanrl.types import Sample

_BOX = re.compile(r"\\boxed\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped character, so that \{ and \} are passed over, or a brace


def one_box(sample: Sample) -> float:
    r"""Return 1 if the text holds exactly one \boxed{...}, closed and not empty, else 0.

    Source: leanrl. The paper's runs pay nothing for a box as such; a model that was never taught to box its
    answer needs this step before accuracy can pay.
    """
    boxes = list(_BOX.finditer(sample.text))
    if len(boxes) != 1:
        return 0.0
    content = _closed_content(sample.text, boxes[0].end())
    return 1.0 if content.strip() else 0.0


def _closed_content(text: str, start: int) -> str:
    """Return what stands between `start`, just inside a brace, and the brace that closes it; empty if none does."""
    depth = 1
    for match in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return text[start : match.start()]
    return ""
