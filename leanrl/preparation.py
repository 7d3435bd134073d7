"""What a run needs before its first step: rewards, problems, tokenizer, model and adapter."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.hints import setting
from leanrl.preflight.intent import Ready
from leanrl.types import Listener, ProblemSet

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from leanrl.grading.pool import GraderPool
    from leanrl.models.locate import LocatedModel
    from leanrl.trainer.scoring import Reward


@dataclass(frozen=True)
class Parts:
    """What a run needs before its first step."""

    rewards: "list[Reward]"
    problems: ProblemSet
    tokenizer: "PreTrainedTokenizerBase"
    model: "PreTrainedModel"
    adapter: "PeftConfig | None"


def prepare(config: RunConfig, ready: Ready, *, grader: "GraderPool", listener: Listener) -> Parts:
    """Load the tokenizer and the model, and check what only they can tell of what the preflight has read."""
    from leanrl.trainer.device import require_device

    require_device(config)

    from leanrl.models.load import load_tokenizer, require_chat_template
    from leanrl.models.locate import locate_model
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    located = locate_model(config.model)
    listener.say(f"model: {config.model.id} ({located.source})")
    _require_served(config, located)
    tokenizer = load_tokenizer(config.model, located)
    require_chat_template(tokenizer, config.model)
    problems = _usable(ready.problems, config, tokenizer, ready.rewards, grader)
    _say_problems(problems, config, listener)
    model, adapter = policy_of(config, located)
    return Parts(ready.rewards, problems, tokenizer, model, adapter)


def policy_of(config: RunConfig, located: "LocatedModel") -> "tuple[PreTrainedModel | PeftModel, PeftConfig | None]":
    """Return what a trainer takes: the model, and the shape of the adapter that it is still to be given, if any."""
    from leanrl.models.adapter import with_adapter
    from leanrl.models.load import load_policy
    from leanrl.models.unsloth import load_unsloth_policy
    from leanrl.trainer.device import loading_device

    if config.backend == "unsloth":
        return load_unsloth_policy(config, located), None
    return with_adapter(load_policy(config.model, located, device=loading_device(config)), config.model.tuning)


def _require_served(config: RunConfig, located: "LocatedModel") -> None:
    """Compare the base of a user's server with the model's config, before its weights are loaded.

    On the first rank alone: it speaks to the server for all.
    """
    from leanrl.models.load import causal_config
    from leanrl.rollout.server_base import open_usable_server
    from leanrl.trainer.ranks import is_first_rank

    if config.rollout.engine == "vllm-server" and config.rollout.server_url is not None and is_first_rank():
        open_usable_server(config, causal_config(located))


def _usable(
    problems: ProblemSet,
    config: RunConfig,
    tokenizer: "PreTrainedTokenizerBase",
    rewards: "Sequence[Reward]",
    grader: "GraderPool",
) -> ProblemSet:
    """Return the problems without prompts that are too long and, where asked, golds that no answer can match."""
    from leanrl.data.usable import drop_long_prompts, drop_unparseable_golds
    from leanrl.rollout.hf import prompt_ids

    kept, dropped = drop_long_prompts(
        problems.train,
        count_tokens=lambda row: len(prompt_ids(tokenizer, row.prompt)),
        max_prompt_tokens=config.rollout.max_prompt_tokens,
    )
    modes = {reward.grade_mode for reward in rewards if reward.grade_mode is not None}
    for mode in sorted(modes) if config.data.unparseable_gold == "drop" else []:
        kept, more = drop_unparseable_golds(kept, can_parse=partial(grader.can_parse_gold, mode=mode))
        dropped += more
    return ProblemSet(train=kept, heldout=problems.heldout, dropped=[*problems.dropped, *dropped])


def _say_problems(problems: ProblemSet, config: RunConfig, listener: Listener) -> None:
    listener.say(f"problems: {len(problems.train)} to train on, {len(problems.heldout)} held out")
    if problems.dropped:
        first = problems.dropped[0]
        listener.warn(f"{len(problems.dropped)} rows dropped, the first at {first.where}: {first.reason}")
    if len(problems.train) < config.train.num_prompts:
        raise ConfigError(
            f"train.num_prompts is {config.train.num_prompts}, but only {len(problems.train)} problems are there.",
            hint=setting("train.num_prompts", len(problems.train)),
        )
