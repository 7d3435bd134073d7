"""Prompts as a model reads them, and how many tokens are left for a completion."""

from collections.abc import Mapping, Sequence
from typing import Any

from leanrl.errors import ConfigError
from leanrl.prompting.rendering import Prompt, prompt_ids


class PromptReader:
    """Renders prompts through a tokenizer's chat template; a prompt that is asked again is rendered once.

    Args:
        tokenizer: of transformers.
        template_kwargs: arguments of the chat template by name.
        max_completion_tokens: the longest completion that is asked for.
        context_tokens: the most tokens of prompt and completion together; None where nothing bounds them.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        template_kwargs: Mapping[str, Any],
        max_completion_tokens: int,
        context_tokens: int | None,
    ) -> None:
        self._tokenizer = tokenizer
        self._template_kwargs = template_kwargs
        self._max_completion_tokens = max_completion_tokens
        self._context_tokens = context_tokens

    def ids(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt.

        Raises:
            ConfigError: if the chat template does not render it.
        """
        return prompt_ids(self._tokenizer, prompt, self._template_kwargs)

    def texts(self, prompts: Sequence[Prompt]) -> list[str]:
        """Return prompts as the model reads them, special tokens among them."""
        return [self._tokenizer.decode(self.ids(prompt)) for prompt in prompts]

    def longest_completion(self, ids: Sequence[int]) -> int:
        """Return the most tokens that a completion of this prompt may have.

        Raises:
            ConfigError: if the model has no room for a single one.
        """
        if self._context_tokens is None:
            return self._max_completion_tokens
        left = self._context_tokens - len(ids)
        if left < 1:
            raise ConfigError(
                f"a prompt has {len(ids)} tokens, and the model reads {self._context_tokens} with the completion.",
                hint="take a model with a longer context, or leave this benchmark out with `--benchmarks`",
            )
        return min(self._max_completion_tokens, left)

    def longest_row(self, longest_prompt_tokens: int) -> int:
        """Return the most tokens that prompt and completion of any row have together."""
        longest = longest_prompt_tokens + self._max_completion_tokens
        return longest if self._context_tokens is None else min(longest, self._context_tokens)
