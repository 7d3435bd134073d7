"""Which tokens end a completion and which one pads: one answer for everything that generates, grades or writes.

A tokenizer, a config and a generation_config each name end tokens, and they disagree for many published models.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

Ids = int | Sequence[int] | None


@dataclass(frozen=True)
class Stopping:
    """The tokens behind which a completion ends, and the token that fills shorter rows.

    `stop_ids` are rows of the embedding, without repetition; the tokenizer's end token comes first. `beyond` are end
    tokens that the embedding has no row for: the model never samples them.
    """

    stop_ids: tuple[int, ...]
    pad_id: int
    beyond: tuple[int, ...] = ()

    def cut(self, token_ids: Sequence[int]) -> list[int]:
        """Return the tokens up to the first that ends a completion, that token included."""
        for index, token in enumerate(token_ids):
            if token in self.stop_ids:
                return list(token_ids[: index + 1])
        return list(token_ids)

    def warning(self) -> str | None:
        """Return what a user should know before training: that no token ends a completion."""
        if self.stop_ids:
            return None
        named = f" (the embedding has no row for {', '.join(map(str, self.beyond))})" if self.beyond else ""
        return (
            f"the model has no end token{named}, so every completion runs to rollout.max_completion_tokens. Name "
            "eos_token_id in the model's generation_config.json, or take a model that has been trained on turns"
        )


def combined_stopping(
    *,
    tokenizer_eos: Ids,
    generation_eos: Ids,
    config_eos: Ids,
    special_ids: Collection[int],
    pad_id: int | None,
    num_rows: int,
) -> Stopping:
    """Return the union of all end tokens that the files of a model name.

    A config class has a default end token (2 for Llama), which may be an ordinary token of another vocabulary. So
    the config's ids count where the tokenizer calls them special, or where nobody else names an end token.

    Args:
        tokenizer_eos, generation_eos, config_eos: `eos_token_id` of the tokenizer, generation_config and config.
        special_ids: ids that the tokenizer calls special.
        pad_id: the tokenizer's; one that the embedding has no row for is replaced by an end token, or by 0.
        num_rows: rows of the input embedding.
    """
    named = [*_listed(tokenizer_eos), *_listed(generation_eos)]
    of_config = _listed(config_eos)
    named += [token for token in of_config if token in special_ids] if named else of_config
    unique = list(dict.fromkeys(named))
    stop_ids = tuple(token for token in unique if 0 <= token < num_rows)
    if pad_id is None or not 0 <= pad_id < num_rows:
        pad_id = stop_ids[0] if stop_ids else 0
    return Stopping(stop_ids, pad_id, beyond=tuple(token for token in unique if token not in stop_ids))


def stopping_of(tokenizer: Any, model: Any) -> Stopping:
    """Return the stopping of a transformers model and its tokenizer."""
    return stopping_of_files(
        tokenizer,
        config=model.config.get_text_config(),
        generation=getattr(model, "generation_config", None),
        num_rows=model.get_input_embeddings().weight.shape[0],
    )


def stopping_of_files(tokenizer: Any, *, config: Any, generation: Any, num_rows: int) -> Stopping:
    """Return the stopping that a tokenizer, a text config and a generation_config (or None) name together."""
    return combined_stopping(
        tokenizer_eos=tokenizer.eos_token_id,
        generation_eos=getattr(generation, "eos_token_id", None),
        config_eos=getattr(config, "eos_token_id", None),
        special_ids=special_ids(tokenizer),
        pad_id=tokenizer.pad_token_id,
        num_rows=num_rows,
    )


def special_ids(tokenizer: Any) -> set[int]:
    """Return the ids of all tokens that a tokenizer calls special, those without a role among them."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return added | set(tokenizer.all_special_ids)


def _listed(ids: Ids) -> list[int]:
    if ids is None:
        return []
    return [ids] if isinstance(ids, int) else [token for token in ids if token is not None]
