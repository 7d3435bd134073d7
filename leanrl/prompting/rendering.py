"""Prompts turned into text and tokens, and completions into text: the one place that runs a chat template."""

from collections.abc import Mapping, Sequence
from typing import Any

from leanrl.errors import ConfigError
from leanrl.hints import setting
from leanrl.prompting.thinking import special_tag_ids
from leanrl.types import Message

Prompt = list[Message] | str


class TemplateError(Exception):
    """A chat template does not render a conversation; the text says why, in the template's own words."""


def prompt_ids(tokenizer: Any, prompt: Prompt, template_kwargs: Mapping[str, Any]) -> list[int]:
    """Return the tokens a prompt is asked with: through the chat template, or as plain text.

    Args:
        tokenizer: of transformers.
        template_kwargs: `model.chat_template_kwargs`.

    Raises:
        ConfigError: if the chat template does not render the prompt.
    """
    if isinstance(prompt, str):
        return list(tokenizer(prompt)["input_ids"])
    try:
        return list(_applied(tokenizer, prompt, template_kwargs, tokenize=True, return_dict=True)["input_ids"])
    except TemplateError as failure:
        raise ConfigError(
            f"the chat template does not render a prompt: {failure}", hint=setting("model.chat_template", "FILE")
        ) from failure


def prompt_text(tokenizer: Any, messages: Sequence[Message], template_kwargs: Mapping[str, Any]) -> str:
    """Return the text that a conversation becomes, with the opening of the answer.

    Raises:
        TemplateError: if the chat template does not render it.
    """
    return str(_applied(tokenizer, messages, template_kwargs, tokenize=False))


def completion_texts(tokenizer: Any, ids_B: Sequence[Sequence[int]]) -> list[str]:
    """Return completions as text without special tokens, but with thinking tags that are special tokens.

    Without the tags, thoughts would read as a part of the answer.
    """
    tags = special_tag_ids(tokenizer)
    if not tags:
        return list(tokenizer.batch_decode(ids_B, skip_special_tokens=True))
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    left_out = (added | set(tokenizer.all_special_ids)) - tags
    kept_B = [[token for token in ids if token not in left_out] for ids in ids_B]
    return list(tokenizer.batch_decode(kept_B, skip_special_tokens=False))


def _applied(tokenizer: Any, messages: Sequence[Message], template_kwargs: Mapping[str, Any], **how: Any) -> Any:
    try:
        return tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, **how, **template_kwargs)
    except Exception as error:  # a template is a program of somebody else's: it raises what it likes
        raise TemplateError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}") from error
