"""The reward for a thinking part and a tagged answer, in this order and nothing else."""

import re

from leanrl.prompting.thinking import ThinkingTag, thinking_tags
from leanrl.rewards.text.visible import has_visible_content
from leanrl.types import Sample

_ANSWER_TAG = re.compile(r"</?answer>")


def think_answer(sample: Sample) -> float:
    """Return 1 for a thinking part and an answer in their tags, each once and with something to see, else 0.

    Any pair of thinking tags of `leanrl.prompting.thinking` will do. The prompt often ends in the opening one, so that
    the completion begins inside the thinking part. Between the two parts and around them there may be white space only.

    Source: DeepSeek-R1, arXiv 2501.12948, sec. 2.2.2 and table 1; the checks against repeated, nested and empty tags
    are ours. The paper's runs paid for less (see `format_as_run`).
    """
    text = sample.text
    thinking = list(thinking_tags(text))
    answering = list(_ANSWER_TAG.finditer(text))
    if [tag.group() for tag in answering] != ["<answer>", "</answer>"] or not _is_one_part(thinking, sample.opened_tag):
        return 0.0
    closing, (opens, closes) = thinking[-1], answering
    thought_start = thinking[0].end if len(thinking) == 2 else 0
    outside = text[: thinking[0].start if len(thinking) == 2 else 0] + text[closing.end : opens.start()]
    outside += text[closes.end() :]
    parts = (text[thought_start : closing.start], text[opens.end() : closes.start()])
    return 1.0 if opens.start() >= closing.end and all(map(has_visible_content, parts)) and not outside.strip() else 0.0


def _is_one_part(tags: list[ThinkingTag], opened_tag: str) -> bool:
    """Return whether the tags are one opening and its closing one, or the closing one of what the prompt opened."""
    kinds = {tag.kind for tag in [*thinking_tags(opened_tag), *tags]}
    return [tag.is_opening for tag in tags] in ([True, False], [False]) and len(kinds) == 1
