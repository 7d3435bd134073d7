"""The reward for a thinking part and a tagged answer, in this order and nothing else."""

import re

from leanrl.types import Sample

_TAG = re.compile(r"</?(?:think|answer)>")
# The prompt often ends in the opening tag, so that the completion begins inside the thinking part.
_ORDERS = (
    ["<think>", "</think>", "<answer>", "</answer>"],
    ["</think>", "<answer>", "</answer>"],
)


def think_answer(sample: Sample) -> float:
    """Return 1 for a thinking part and an answer in their tags, each once and not empty, else 0.

    Between the two and around them there may be white space and nothing else.

    Source: DeepSeek-R1, arXiv 2501.12948, sec. 2.2.2 and table 1; the checks against repeated, nested and empty tags
    are ours. The paper's runs paid for less (see `format_as_run`).
    """
    tags = _TAG.findall(sample.text)
    if tags not in _ORDERS:
        return 0.0
    before, *parts, after = _TAG.split(sample.text)
    if tags == _ORDERS[0]:
        thought, between, answer = parts
        outside = before + between + after
    else:
        thought, (between, answer) = before, parts
        outside = between + after
    return 1.0 if thought.strip() and answer.strip() and not outside.strip() else 0.0
