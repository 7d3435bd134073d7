"""The tags that models put around their thinking: the one table that extraction, rewards, prompts and configs read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# The word in a tag. A word that texts use in brackets of their own, such as "analysis", is none.
_WORD = (
    r"(?:chain[_-]of[_-]thought|inner[_-]monologue|working[_-]out|scratchpad|thinking|think|thoughts|thought"
    r"|reasoning|reason|rationale|cot)"
)
# Opening and closing tag of each form, in any case; who writes it.
_FORMS = (
    (r"<(?:begin|start)_(?:of_)?WORD>", r"<end_(?:of_)?WORD>"),
    (
        r"<(?:[a-z0-9]{1,20}[:_|-])?WORD(?:[_-]\w{1,60})?(?:\s[^<>]{0,80})?>",
        r"</(?:[a-z0-9]{1,20}[:_|-])?WORD(?:[_-]\w{1,60})?\s?>",
    ),  # R1, Qwen, Seed-OSS
    (r"\[think(?:ing)?\]", r"\[/think(?:ing)?\]"),  # Magistral
    (r"<\|(?:begin|start)_(?:of_)?WORD\|>", r"<\|end_(?:of_)?WORD\|>"),  # Sky-T1, OpenThinker, Command A
    (r"<\|WORD(?:_(?:begin|start))?\|>", r"<\|(?:/WORD|WORD_end)\|>"),
    (r"◁WORD▷", r"◁/WORD▷"),  # Kimi-VL
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    (r"<\|channel>", r"<channel\|>"),  # Gemma 4
    (r"<\|channel\|>analysis(?:<\|message\|>)?", r"<\|channel\|>final(?:<\|message\|>)?"),  # gpt-oss
    (r"<unused94>", r"<unused95>"),  # MedGemma
)
_TOKENS_OF_TAGS = frozenset(("<|channel|>", "<|message|>"))  # of gpt-oss, whose tags are of three tokens
NO_TAG = "none"  # what a config says where completions begin with the answer
# What a message names to a reader.
USUAL_TAGS = (
    "<think>", "<thinking>", "<thought>", "<reasoning>", "[THINK]", "<|begin_of_thought|>", "<|START_THINKING|>",
    "<seed:think>", "◁think▷",
)  # fmt: skip

_TAG = re.compile(
    "|".join(
        f"(?P<open{number}>{opening})|(?P<close{number}>{closing})".replace("WORD", _WORD)
        for number, (opening, closing) in enumerate(_FORMS)
    ),
    re.IGNORECASE,
)
_WORD_IN_TAG = re.compile(_WORD, re.IGNORECASE)


@dataclass(frozen=True)
class ThinkingTag:
    """A tag in a text. Tags of equal `kind` are each other's opening and closing one."""

    start: int
    end: int
    kind: str
    is_opening: bool


def thinking_tags(text: str) -> Iterator[ThinkingTag]:
    """Yield the tags in a text, in order."""
    for found in _TAG.finditer(text):
        form = str(found.lastgroup)
        is_opening = form.startswith("open")
        number = form.removeprefix("open" if is_opening else "close")
        word = _WORD_IN_TAG.search(found.group())
        yield ThinkingTag(found.start(), found.end(), f"{number} {word.group().lower() if word else ''}", is_opening)


def drop_thinking(completion: str) -> str:
    """Return what was said after the thinking part; nothing of a thinking part that was not closed.

    The opening tag is often in the prompt, so a closing tag alone ends a thinking part that began with the text. Inside
    a thinking part only its own closing tag ends it: thoughts may hold other tags.
    """
    start, opened = 0, None
    for tag in thinking_tags(completion):
        if tag.is_opening:
            opened = opened or tag
        elif opened is None or opened.kind == tag.kind:
            start, opened = tag.end, None
    return completion[start : opened.start if opened else None]


def opened_tag(prompt: str) -> str:
    """Return the tag that the prompt, as the model reads it, has opened at its end; nothing where it has none."""
    text = prompt.rstrip()
    last = next(reversed(list(thinking_tags(text))), None)
    return text[last.start :] if last is not None and last.is_opening and last.end == len(text) else ""


def tag_in_force(configured: str | None, prompt: str) -> str:
    """Return the tag that completions begin inside of: `model.thinking_tag`, or what the prompt has opened."""
    if configured is None:
        return opened_tag(prompt)
    return "" if configured == NO_TAG else configured


def special_tag_ids(tokenizer: Any) -> frozenset[int]:
    """Return the special tokens of a tokenizer that are thinking tags or a part of one."""
    added = tokenizer.added_tokens_decoder.items()
    return frozenset(
        number
        for number, token in added
        if token.special and (token.content in _TOKENS_OF_TAGS or _is_tag(token.content))
    )


def is_opening_tag(text: str) -> bool:
    """Return whether a text is a tag that opens a thinking part, and nothing else."""
    return _is_tag(text) and next(thinking_tags(text)).is_opening


def _is_tag(text: str) -> bool:
    return [(tag.start, tag.end) for tag in thinking_tags(text)] == [(0, len(text))]
