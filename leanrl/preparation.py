"""What a run needs before its first step: rewards, problems, tokenizer, model and adapter."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from leanrl.config.schema import RunConfig
from leanrl.errors import all_at_once
from leanrl.launch.this_rank import is_first_rank
from leanrl.preflight.enough import require_enough
from leanrl.preflight.intent import Ready
from leanrl.preflight.model_here import examine_model
from leanrl.storage.run_folder import step_of
from leanrl.types import DroppedRow, Listener, ProblemSet, Row

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from leanrl.grading.pool import GraderPool
    from leanrl.models.locate import LocatedModel
    from leanrl.rewards.weighted import Reward

_MANY_DROPPED = 0.1
_EXAMPLES = 3


@dataclass(frozen=True)
class Parts:
    """What a run needs before its first step."""

    rewards: "list[Reward]"
    problems: ProblemSet
    tokenizer: "PreTrainedTokenizerBase"
    model: "PreTrainedModel"
    adapter: "PeftConfig | None"
    is_at_start: bool = True  # whether the model is, until a checkpoint is loaded, the one that the run started from


def prepare(
    config: RunConfig, ready: Ready, *, grader: "GraderPool", listener: Listener, checkpoint: Path | None = None
) -> Parts:
    """Load the tokenizer and the model, and check what only they can tell of what the preflight has read.

    `checkpoint` is the one that a run goes on from.
    """
    from leanrl.trainer.ranks.device import require_device

    require_device(config)

    from leanrl.models.load import embedding_rows
    from leanrl.models.locate import locate_model

    located = locate_model(config.model)
    listener.say(f"model: {config.model.id} ({located.source})")
    tokenizer = _tokenizer(config, located, ready.problems, listener)
    _require_served(config, located)
    num_rows = embedding_rows(located)
    problems = _usable(ready.problems, config, tokenizer, ready.rewards, grader, num_rows=num_rows)
    _say_problems(problems, config, listener)
    _warn_of_lengths(problems, config, located, tokenizer, listener)
    start = _start_of(config, checkpoint)
    model, adapter = policy_of(_from_adapter(config, start), located)
    return Parts(
        ready.rewards, problems, tokenizer, model, adapter, is_at_start=_is_at_start(config, start, checkpoint)
    )


def _is_at_start(config: RunConfig, start: Path | None, checkpoint: Path | None) -> bool:
    """Return whether the loaded model is the one that the run started from; a reset reference is a later one."""
    every = config.schedules.reset_reference_every_steps
    if start is None or checkpoint is None:
        return True
    return start != checkpoint and (every is None or step_of(checkpoint) <= every)


def policy_of(config: RunConfig, located: "LocatedModel") -> "tuple[PreTrainedModel | PeftModel, PeftConfig | None]":
    """Return what a trainer takes: the model, and the shape of the adapter that it is still to be given, if any."""
    from leanrl.models.adapters.adapter import with_adapter
    from leanrl.models.load import load_policy
    from leanrl.models.unsloth import load_unsloth_policy
    from leanrl.trainer.ranks.device import loading_device

    if config.backend == "unsloth":
        return load_unsloth_policy(config, located), None
    return with_adapter(load_policy(config.model, located, device=loading_device(config)), config.model.tuning)


def _start_of(config: RunConfig, checkpoint: Path | None) -> Path | None:
    """Return the adapter to begin with; a resumed run finds it in its checkpoint: where it started from may be gone.

    With a KL the checkpoint holds the start adapter as `ref`; without, only the trained one has its shape.
    """
    start = config.model.tuning.start_adapter
    if start is None or checkpoint is None:
        return None if start is None else Path(start)
    reference = checkpoint / "ref"
    return reference if (reference / "adapter_config.json").is_file() else checkpoint


def _from_adapter(config: RunConfig, start: Path | None) -> RunConfig:
    if start is None:
        return config
    tuning = config.model.tuning.model_copy(update={"start_adapter": str(start)})
    return config.model_copy(update={"model": config.model.model_copy(update={"tuning": tuning})})


def _tokenizer(
    config: RunConfig, located: "LocatedModel", problems: ProblemSet, listener: Listener
) -> "PreTrainedTokenizerBase":
    """Return the tokenizer of a model that can be trained as asked, and say how it will run."""
    found = examine_model(config, located, problems.train[0].prompt)
    if found.obstacles:
        raise all_at_once(found.obstacles, f"{located.path_or_id} cannot be trained as this run asks:")
    for line in found.lines:
        listener.say(line)
    for warning in found.warnings:
        listener.warn(warning)
    assert found.tokenizer is not None
    return found.tokenizer


def _warn_of_lengths(
    problems: ProblemSet,
    config: RunConfig,
    located: "LocatedModel",
    tokenizer: "PreTrainedTokenizerBase",
    listener: Listener,
) -> None:
    from leanrl.models.load import causal_config
    from leanrl.models.structure.lengths import warn_of_untrained_lengths
    from leanrl.prompting.rendering import prompt_ids

    longest = max((row.prompt for row in problems.train), key=lambda prompt: len(str(prompt)))
    num_tokens = len(prompt_ids(tokenizer, longest, config.model.chat_template_kwargs))
    for warning in warn_of_untrained_lengths(config, causal_config(located), longest_prompt_tokens=num_tokens):
        listener.warn(warning)


def _require_served(config: RunConfig, located: "LocatedModel") -> None:
    """Compare the base of a user's server with the model's config, before its weights are loaded.

    On the first rank alone: it speaks to the server for all.
    """
    from leanrl.models.load import causal_config
    from leanrl.rollout.server.base import open_usable_server

    if config.rollout.engine == "vllm-server" and config.rollout.server_url is not None and is_first_rank():
        open_usable_server(config, causal_config(located))


def _usable(
    problems: ProblemSet,
    config: RunConfig,
    tokenizer: "PreTrainedTokenizerBase",
    rewards: "Sequence[Reward]",
    grader: "GraderPool",
    *,
    num_rows: int | None,
) -> ProblemSet:
    """Return the problems without prompts that are too long and, where asked, golds that no answer can match.

    Held-out problems are checked as those to train on: a gold that nothing matches would count as a wrong answer.
    """
    from leanrl.data.usable import drop_long_prompts, drop_unparseable_golds, with_usable_rows
    from leanrl.models.chat_template import require_in_embedding
    from leanrl.prompting.rendering import prompt_ids

    def count_tokens(row: Row) -> int:
        ids = prompt_ids(tokenizer, row.prompt, config.model.chat_template_kwargs)
        require_in_embedding(tokenizer, ids, num_rows=num_rows)
        return len(ids)

    max_tokens = config.rollout.max_prompt_tokens
    modes = {reward.grade_mode for reward in rewards if reward.grade_mode is not None}
    asked_modes = sorted(modes) if config.data.unparseable_gold == "drop" else []
    checks = [
        partial(drop_long_prompts, count_tokens=count_tokens, max_prompt_tokens=max_tokens),
        *(partial(drop_unparseable_golds, can_parse=partial(grader.can_parse_gold, mode=mode)) for mode in asked_modes),
    ]
    return with_usable_rows(problems, checks)


def _say_problems(problems: ProblemSet, config: RunConfig, listener: Listener) -> None:
    listener.say(f"problems: {len(problems.train)} to train on, {len(problems.heldout)} held out")
    for line in problems.lines:
        listener.say(line)
    for note in problems.notes:
        listener.warn(note)
    if problems.dropped:
        listener.warn(_dropped_text(problems))
    num_prompts, num_train = config.train.num_prompts, len(problems.train)
    require_enough(problems, num_prompts=num_prompts)  # once more: rows were dropped since
    left = num_train % num_prompts
    if left and not config.data.shuffle:
        listener.warn(
            f"data.shuffle is false, so the last {left} of {num_train} problems are never asked: a step takes "
            f"{num_prompts}, and the same whole steps come again. `-s data.shuffle=true` leaves out others each time."
        )


def _dropped_text(problems: ProblemSet) -> str:
    """Return how many rows are dropped, with more examples where they are more than a tenth."""
    dropped = problems.dropped
    share = len(dropped) / (len(dropped) + len(problems.train) + len(problems.heldout))
    first = f"the first at {dropped[0].where}: {dropped[0].reason}"
    if share <= _MANY_DROPPED:
        return f"{len(dropped)} rows dropped, {first}"
    examples = "".join(f"\n  {row.where}: {row.reason}" for row in dropped[:_EXAMPLES])
    keys = "\n  data.answer_column and data.gold_from say where a gold answer stands." if _are_golds(dropped) else ""
    return f"{len(dropped)} rows dropped, {share:.0%} of all; the first are{examples}{keys}"


def _are_golds(dropped: Sequence[DroppedRow]) -> bool:
    return sum("gold answer" in row.reason for row in dropped) > len(dropped) / 2
