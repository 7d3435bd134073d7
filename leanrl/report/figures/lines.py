"""The metrics that have a figure of their own: title, unit, caption, and the value that is known to mean something."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "tokens", "nats", "seconds", "bytes", "number"]


@dataclass(frozen=True)
class PlainLine:
    """A figure of one metric that stands for itself; its limit is a number, or that of a key of the config."""

    metric: str
    slug: str
    title: str
    name: str
    unit: Unit
    caption: str
    limit: float | None = None
    limit_key: str = ""
    limit_meaning: str = ""


HEALTH_LINES = (
    PlainLine(
        metric="truncated_share",
        slug="truncated_share",
        title="Truncated completions",
        name="truncated",
        unit="share",
        caption="Fraction of completions that were cut at the token limit before they ended.",
        limit=0.5,
        limit_meaning="half: most answers stay unfinished",
    ),
    PlainLine(
        metric="zero_std_share",
        slug="zero_variance_share",
        title="Prompts without a learning signal",
        name="no difference",
        unit="share",
        caption="Fraction of prompts whose completions all earned the same reward, so that their advantages are 0.",
        limit=0.8,
        limit_meaning="four of five prompts teach nothing",
    ),
    PlainLine(
        metric="entropy",
        slug="entropy",
        title="Entropy",
        name="entropy",
        unit="nats",
        caption="Mean entropy of the next-token distribution; near 0 the policy gives the same answer every time.",
    ),
    PlainLine(
        metric="grad_norm",
        slug="grad_norm",
        title="Gradient norm",
        name="gradient norm",
        unit="number",
        caption="Norm of the gradient before it was clipped; 0 means that a step changed nothing.",
        limit_key="optimizer.max_grad_norm",
        limit_meaning="clipped above",
    ),
    PlainLine(
        metric="clipped_ratio_share",
        slug="clipped_ratio_share",
        title="Clipped tokens",
        name="clipped",
        unit="share",
        caption="Fraction of tokens beyond the clip bounds; 0 in the first step on each rollout.",
    ),
    PlainLine(
        metric="language_mix_share",
        slug="language_mix_share",
        title="Language mix",
        name="other languages",
        unit="share",
        caption="Fraction of words in another language than log.language, mathematics left out.",
    ),
    PlainLine(
        metric="other_script_share",
        slug="other_script_share",
        title="Other scripts",
        name="other scripts",
        unit="share",
        caption="Fraction of letters in another script than that of log.language; Latin and Greek ones count for it.",
    ),
    PlainLine(
        metric="repeated_4gram_share",
        slug="repeated_4gram_share",
        title="Repetition",
        name="repeated 4-grams",
        unit="share",
        caption="Fraction of a completion's 4-grams of tokens that repeat an earlier one of it.",
    ),
)

OTHER_LINES = (
    PlainLine(
        metric="loss",
        slug="loss",
        title="Loss",
        name="loss",
        unit="number",
        caption="The policy loss. Its size says little in GRPO: advantages of a group cancel.",
    ),
    PlainLine(
        metric="learning_rate",
        slug="learning_rate",
        title="Learning rate",
        name="learning rate",
        unit="number",
        caption="What the schedule gave for the step.",
    ),
    PlainLine(
        metric="reward_std",
        slug="reward_std",
        title="Reward standard deviation",
        name="standard deviation",
        unit="number",
        caption="Standard deviation of the weighted reward within a group, averaged over groups.",
    ),
    PlainLine(
        metric="sampling_logprob_difference",
        slug="sampling_logprob_difference",
        title="Rollout mismatch",
        name="mean difference",
        unit="nats",
        caption="Mean difference of a token's log-probability between the rollout engine and the trainer.",
    ),
    PlainLine(
        metric="skipped_token_share",
        slug="skipped_token_share",
        title="Skipped tokens",
        name="skipped",
        unit="share",
        caption="Fraction of completion tokens without an advantage, which cost no gradients.",
    ),
    PlainLine(
        metric="unscored_share",
        slug="unscored_share",
        title="Unscored completions",
        name="unscored",
        unit="share",
        caption="Fraction of completions that no reward scored.",
    ),
    PlainLine(
        metric="num_tokens",
        slug="num_tokens",
        title="Tokens",
        name="tokens",
        unit="tokens",
        caption="Prompt and completion tokens of the run so far.",
    ),
    PlainLine(
        metric="cpu_share",
        slug="cpu_share",
        title="Fraction of the CPU",
        name="share",
        unit="share",
        caption="CPU time of the process over its threads' wall time; low where other programs had the cores.",
    ),
)
