"""Keys of how rewards become a loss, on rows whose log-probabilities differ from the policy's."""

import torch

from leanrl.config.schema import RunConfig
from leanrl.engine.rows import StepRow
from leanrl.rewards.registry import resolve_rewards
from leanrl.seams.protocols import Draft
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.step.groups import Asked
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.trainer.step.updates import RolloutRows
from leanrl.types import NoVisits, Sample, Verdict
from tests.felt.felt import Felt, Here, Probe, trainer_of
from tests.felt.updates import argument, attribute

_LETTERS = "abcd"


def _rows() -> list[StepRow]:
    """Return two rows: every ratio is beyond a clip bound, and the rollout's log-probabilities are other ones."""
    sampled_T = torch.tensor([-6.5, -4.5, -6.0])
    logprobs = {
        "sampled_logprobs": sampled_T,
        "reference_logprobs": sampled_T + 0.3,
        "rollout_logprobs": sampled_T + torch.tensor([-1.2, 0.4, -0.01]),
    }
    return [
        StepRow([5, 6], [7, 8, 9], advantage=1.0, weight=0.5, **logprobs),
        StepRow([5, 6], [9, 7, 8], advantage=-1.0, weight=0.5, **logprobs),
    ]


def loss(config: RunConfig, here: Here) -> float:
    """Return the loss of the rows, whose micro-batch is the trainer's."""
    trainer = trainer_of(config, here)
    return trainer.step_pass.add_gradients(trainer.model, _rows()).loss.item()


def setting(name: str) -> Probe:
    """Return what shows a setting of the loss."""
    return attribute(f"step_pass.settings.{name}")


def scores(config: RunConfig, here: Here) -> list[float]:
    """Return the log-probabilities of a row's completion under the policy."""
    trainer = trainer_of(config, here)
    return trainer.step_pass.score(trainer.model, _rows()[:1], num_columns=3)[0].tolist()


def rollout(config: RunConfig, here: Here, drawn_B: list[list[int]]) -> list[StepRow]:
    """Return the rows of a rollout of two groups with these completions."""
    trainer = trainer_of(config, here)
    trainer.draw = lambda beginnings_B: Rollout(drawn_B, None)
    return [row for rows in trainer.step.roll_out(trainer.model, step=0).updates for row in rows]


def weights(config: RunConfig, here: Here) -> list[float]:
    """Return the weights of completions of 1, 2, 3 and 2 tokens, and of 4 times 4; 8 tokens at most."""
    return [row.weight for row in rollout(config, here, [[7] * length for length in (1, 2, 3, 2, 4, 4, 4, 4)])]


def of_letters(config: RunConfig, here: Here) -> list[StepRow]:
    """Return the rows of a group whose completions have 1, 2, 3 and 4 letters, the last of them cut."""
    trainer = trainer_of(config, here)
    ids = [trainer.processing_class(_LETTERS[:count])["input_ids"] for count in (1, 2, 3, 4)]
    ends = [trainer.stopping.stop_ids[0]]
    return rollout(config, here, [tokens + (ends if len(tokens) < 4 else []) for tokens in ids] * 2)[:4]


def advantages(config: RunConfig, here: Here) -> list[float]:
    return [row.advantage for row in of_letters(config, here)]


def trained_tokens(config: RunConfig, here: Here) -> list[int]:
    """Return how many tokens of each completion count in the loss."""
    return [len(row.completion_ids) for row in of_letters(config, here)]


def steps_of_a_rollout(config: RunConfig, here: Here) -> int:
    """Return how many of four steps sample completions."""
    trainer, drawn = trainer_of(config, here), []

    def roll_out(policy: object, *, step: int) -> RolloutRows:
        drawn.append(step)
        return RolloutRows([[]], [False], RolloutLog())

    trainer.step.roll_out, trainer.step.rolled_out = roll_out, lambda log: None
    for step in range(4):
        trainer.step.rows_of_update(None, step=step)
    return len(drawn)


def shortness(config: RunConfig, here: Here) -> float:
    """Return what the run's first reward gives a right answer of 10 tokens."""
    (first, *_) = resolve_rewards(config.rewards, config.reward_options)
    judged = Verdict("correct", 0.0)
    sample = Sample("1", "1", "1", num_tokens=10, max_completion_tokens=1000, is_truncated=False, verdict=judged)
    return first.score(sample)


def foreign_share(config: RunConfig, here: Here) -> float:
    trainer = trainer_of(config, here)
    ids = trainer.processing_class("你好 世界")["input_ids"]
    asked = [Asked(0, "0", [1], [Draft()])]
    groups = trainer.scorer.score(asked, [[ids]], ledger=NoVisits(), max_completion_tokens=8)
    return trainer.scorer.metrics(groups)["language_mix_share"]


_REUSED = {"algorithm.num_iterations": 2}
_KL = {"algorithm.kl_beta": 0.5}

FELT = [
    *(
        Felt(f"algorithm.{name}", value, probe, *shows, beside=beside)
        for name, value, beside in [
            ("loss", "cispo", {}),
            ("kl_beta", 0.5, {}),
            ("kl_estimator", "k2", _KL),
            ("entropy_coef", 0.5, {}),
            ("clip_low", 0.01, {}),
            ("clip_high", 0.01, {}),
            ("logprob_temperature", 2.0, {}),
        ]
        for probe, shows in [
            (loss, ()),
            (setting("temperature" if name == "logprob_temperature" else name), (value,)),
        ]
    ),
    Felt("algorithm.logprob_temperature", 2.0, scores),
    Felt("algorithm.logprob_temperature", 2.0, argument("temperature"), 2.0),
    # Each completion's part is 1/8, of which each of its tokens has its part.
    Felt("algorithm.aggregation", "completion_mean", weights, [1 / 8, 1 / 16, 1 / 24, 1 / 16, *[1 / 32] * 4]),
    Felt("algorithm.mask_truncated", True, trained_tokens, [2, 3, 4, 0]),
    Felt("algorithm.num_iterations", 2, steps_of_a_rollout, 2),
    Felt("rewards", {"variety": 3.0}, argument("reward_weights"), [3.0]),
    # (1 + cos(pi)) / 2 = 0 above the lowest value of a right answer, 0.5.
    Felt("reward_options", {"cosine": {"max_tokens": 10}}, shortness, 0.5, beside={"rewards": {"cosine": 1.0}}),
    Felt("log.language", "zh", foreign_share, 0.0),
]
