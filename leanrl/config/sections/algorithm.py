"""How rewards become a loss: the keys under `algorithm`, and the plug-in that each seam of a step names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ValidationInfo, field_validator

from leanrl.config.sections.field_types import Fraction, NonNegative, Positive, PositiveInt
from leanrl.config.sections.section import Section, key

Seam = Literal[
    "choose_prompts", "plan_rollouts", "advantage", "keep_rows", "refill", "credit_tokens", "token_weights",
    "correction", "after_step",
]  # fmt: skip
# What a seam does where its map names no plug-in; the others do nothing.
USUAL: Mapping[Seam, str] = {"advantage": "group", "correction": "token_truncate"}


@dataclass(frozen=True)
class Choice:
    """The plug-in that a config names for a seam, with its options as they were given."""

    seam: Seam
    name: str
    options: Mapping[str, Any]


def is_plugin_map(key: str) -> bool:
    """Whether a dotted key holds the name of a plug-in and its options."""
    section, _, seam = key.partition(".")
    return section == "algorithm" and seam in get_args(Seam)


def _named(given: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(given.get("name", ""), str):
        raise ValueError(f"name is {given['name']!r}; it has to be the name of a plug-in")
    return given


PluginMap = Annotated[dict[str, Any], AfterValidator(_named)]


class AlgorithmConfig(Section):
    """How rewards become a loss."""

    loss: Literal["clip", "gspo", "cispo"] = key(
        "clip",
        "clip: a clipped ratio a token (GRPO, DAPO); gspo: one for each completion; cispo: clipped weights that keep "
        "every token's gradient",
    )
    advantage: PluginMap = key(
        {"name": "group"}, "name of the advantage and its options: what a reward is compared with, and its scale"
    )
    aggregation: Literal["prompt_token_mean", "batch_token_mean", "completion_mean", "fixed_length"] = key(
        "batch_token_mean",
        "token losses are averaged within each prompt's group, over the batch, within each completion, "
        "or divided by max_completion_tokens",
    )
    kl_beta: NonNegative = key(0.0, "weight of the KL to the reference policy, the model before training; 0 needs none")
    kl_estimator: Literal["k1", "k2", "k3"] = key(
        "k3", "estimator of the KL at each token, differentiated as it stands; k1 pulls nowhere on policy"
    )
    entropy_coef: NonNegative = key(0.0, "weight of the entropy bonus (nats), averaged as the loss is; 0 is off")
    clip_low: Fraction = key(0.2, "lower distance of the ratio's clip bound from 1")
    clip_high: Positive = key(0.2, "upper distance of the ratio's clip bound from 1")
    num_iterations: PositiveInt = key(1, "times that a rollout's completions are used, in optimizer steps of their own")
    logprob_temperature: Positive | None = key(
        None, "logits are divided by this in the loss; null takes rollout.temperature"
    )
    correction: PluginMap = key(
        {"name": "token_truncate"},
        "name of the correction and its options: for the difference between the rollout engine's log-probs and the "
        "trainer's",
    )
    mask_truncated: bool = key(False, "leave completions without an end token out of the loss")
    choose_prompts: PluginMap = key({}, "name of what chooses prompts before rollouts, and its options; empty asks all")
    plan_rollouts: PluginMap = key(
        {}, "name of what plans a prompt's completions, and its options; empty draws train.num_completions"
    )
    keep_rows: PluginMap = key({}, "name of what keeps completions for training, and its options; empty keeps all")
    refill: PluginMap = key(
        {}, "name of what draws prompts in the place of dropped groups, and its options; empty: none"
    )
    credit_tokens: PluginMap = key({}, "name of what gives each token its own advantage or weight, and its options")
    token_weights: PluginMap = key({}, "name of what weighs tokens by the forward pass, and its options")
    after_step: PluginMap = key({}, "name of what changes keys after each step, and its options")
    max_empty_steps: PositiveInt = key(10, "steps in a row without a row to train on, after which the run stops")

    @field_validator(*USUAL)
    @classmethod
    def _with_its_name(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Options without a name are those of the seam's usual plug-in."""
        return {"name": USUAL[info.field_name], **given}  # type: ignore[index]

    def choice(self, seam: Seam) -> Choice | None:
        """Return the plug-in of a seam; None where there is none."""
        options = dict(getattr(self, seam))
        name = options.pop("name", None)
        return None if name is None else Choice(seam, name, options)
