"""A short sample of a run's completions: how long they are, before anything is trained."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from leanrl.config.schema import RunConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError
from leanrl.hints import setting
from leanrl.planner.time.length_profile import LengthProfile, profile_of_sample

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NUM_COMPLETIONS = 32
_AT_ONCE = 8


def measure_lengths(config: RunConfig, *, say: Callable[[str], None]) -> LengthProfile:
    """Return the lengths of 32 completions of as many of the run's prompts, drawn as its rollouts draw them.

    transformers' generate draws them on the GPU that torch sees, else on the CPU, from the model as it is before
    training; of QLoRA from the 16-bit base. `say` hears what is done, and after each eight how long they are so far.

    Raises:
        ConfigError: if no prompt is short enough.
        MissingError: if the model cannot be had.
    """
    import torch

    from leanrl.models.locate import locate_model
    from leanrl.preparation import policy_of

    config = _on_plain_base(config)
    problems = load_problems(config.data, seed=config.train.seed).train
    located = locate_model(config.model)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    say(f"drawing {NUM_COMPLETIONS} completions of {config.model.id} on the {'GPU' if device == 'cuda' else 'CPU'}")
    from leanrl.models.load import load_tokenizer
    from leanrl.prompting.rendering import prompt_ids

    tokenizer = load_tokenizer(config.model, located)
    generator = random.Random(config.train.seed)
    rows = generator.sample(problems, min(NUM_COMPLETIONS, len(problems)))
    ids = [prompt_ids(tokenizer, row.prompt, config.model.chat_template_kwargs) for row in rows]
    model = policy_of(config, located)[0].to(device)
    lengths, num_cut = [], 0
    for completion, is_cut in _drawn(config, model, tokenizer, _short_enough(ids, config)):
        lengths.append(len(completion))
        num_cut += is_cut
        if len(lengths) % _AT_ONCE == 0:
            say(f"{len(lengths)} of {NUM_COMPLETIONS}: mean {sum(lengths) / len(lengths):.0f} tokens, {num_cut} cut")
    source = f"{len(lengths)} completions of {config.model.id}"
    limit = config.rollout.max_completion_tokens
    return profile_of_sample(lengths, limit_tokens=limit, num_cut=num_cut, source=source)


def _on_plain_base(config: RunConfig) -> RunConfig:
    """Return the run with weights that transformers alone can load on any device."""
    method = "lora" if config.model.tuning.method == "qlora" else config.model.tuning.method
    tuning = config.model.tuning.model_copy(update={"method": method})
    model = config.model.model_copy(update={"tuning": tuning, "dtype": config.model.compute_dtype})
    return config.model_copy(update={"backend": "hf", "model": model})


def _short_enough(prompts: Sequence[list[int]], config: RunConfig) -> list[list[int]]:
    """Return as many prompts as completions are wanted: those that a run would keep, some of them again if few."""
    limit = config.rollout.max_prompt_tokens
    kept = [ids for ids in prompts if len(ids) <= limit]
    if not kept:
        shortest = min(map(len, prompts))
        raise ConfigError(
            f"none of {len(prompts)} prompts has at most rollout.max_prompt_tokens ({limit}) tokens.",
            hint=setting("rollout.max_prompt_tokens", shortest),
        )
    return [kept[number % len(kept)] for number in range(NUM_COMPLETIONS)]


def _drawn(
    config: RunConfig,
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: Sequence[list[int]],
) -> Iterator[tuple[list[int], bool]]:
    """Yield the tokens of each completion, and whether the limit cut it; the caller's random state is left alone."""
    import torch

    from leanrl.prompting.stopping import stopping_of
    from leanrl.rollout.hf_engine import HfEngine
    from leanrl.rollout.protocol import GroupRequest
    from leanrl.trainer.rollouts.engines import sampling_of

    stopping = stopping_of(tokenizer, model)
    engine = HfEngine(lambda: model, pad_id=stopping.pad_id)
    limit = config.rollout.max_completion_tokens
    sampling = sampling_of(config, max_completion_tokens=limit, stop_token_ids=stopping.stop_ids)
    with torch.random.fork_rng():
        torch.manual_seed(config.train.seed)
        for start in range(0, len(prompts), _AT_ONCE):
            requests = [GroupRequest(ids, 1) for ids in prompts[start : start + _AT_ONCE]]
            for (completion,) in engine.generate(requests, sampling):
                tokens = completion.token_ids
                yield tokens, not tokens or tokens[-1] not in stopping.stop_ids
