"""Keys of schedules: the values that a rollout is drawn with and a loss is computed with, by step."""

from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.types import Visit
from tests.felt.felt import Felt, Here, Probe, trainer_of

_LOSS = ("temperature", "kl_beta", "clip_low", "clip_high", "entropy_coef")
# What the loss needs of the run from its start.
_NEEDS = {"kl_beta": {"algorithm.kl_beta": 0.5}, "entropy_coef": {"algorithm.entropy_coef": 0.5}}


def in_the_loss(name: str) -> Probe:
    """Return what shows a setting of the loss in the steps 0 to 4."""

    def probe(config: RunConfig, here: Here) -> list[float]:
        trainer, values = trainer_of(config, here), []
        trainer.draw = lambda beginnings_B: Rollout([[7]] * len(beginnings_B), None)
        for step in range(5):
            trainer.step.roll_out(trainer.model, step=step)
            values.append(float(getattr(trainer.step_pass.settings, name)))
        return values

    return probe


def limits(config: RunConfig, here: Here) -> list[int]:
    """Return how long completions that never end become in the steps 0 to 4."""
    trainer = trainer_of(config, here)
    trainer.draw = lambda beginnings_B: Rollout([[7] * 8] * len(beginnings_B), None)
    logs = [trainer.step.roll_out(trainer.model, step=step).log for step in range(5)]
    return [len(log.groups[0].samples_G[0].token_ids) for log in logs]


def felt_of(name: str, probe: Probe, values: list[Any], *, is_smooth: bool = True) -> list[Felt]:
    """Return how the three keys of a schedule are felt: other steps, other values, another way between two."""
    schedule = f"schedules.{name}"
    low, high = values
    beside = {f"{schedule}.steps": [0, 4], f"{schedule}.values": values, **_NEEDS.get(name, {})}
    between = [low, (3 * low + high) / 4, (low + high) / 2, (low + 3 * high) / 4, high]

    def of(key: str, value: Any, shows: list[Any], **more: Any) -> Felt:
        others = {known: kept for known, kept in beside.items() if known != f"{schedule}.{key}"}
        return Felt(f"{schedule}.{key}", value, probe, shows, beside=others, **more)

    return [
        of("steps", [0, 2], [low] * 2 + [high] * 3, usual=[0, 4]),
        of("values", [high, low], [high] * 4 + [low], usual=values),
        *([of("between", "linear", between)] if is_smooth else []),
    ]


def resets(config: RunConfig, here: Here) -> list[int]:
    """Return the steps before which the reference is reset, of the steps 0 to 4."""
    trainer, done = trainer_of(config, here), []
    trainer.draw = lambda beginnings_B: Rollout([[7]] * len(beginnings_B), None)
    for step in range(5):
        trainer.step.reset_reference = lambda step=step: done.append(step)
        trainer.step.roll_out(trainer.model, step=step)
    return done


def lengths_by_share(config: RunConfig, here: Here) -> list[int]:
    """Return the limits of 9 rollouts, of whose completions more and more are cut and more and more are right."""
    limit, limits = LengthLimit(config), []
    for step in range(9):
        limits.append(limit.at(step))
        cut, right = ([number < shown for number in range(20)] for shown in (step + 1, step))
        limit.hear([Visit(step, 0, (0.0,) * 20, tuple(right), (1,) * 20, tuple(cut))])
        limit.close_rollout()
    return limits


# Two rollouts against two: more are cut by 10 %, and more right by 10 %, which is no gain.
_LONGER = {
    "schedules.automatic_length.from_tokens": 16,
    "schedules.automatic_length.factor": 1.5,
    "schedules.automatic_length.window_rollouts": 2,
    "schedules.automatic_length.truncated_share": 0.0,
    "schedules.automatic_length.least_gain": 0.5,
    "rollout.max_completion_tokens": 32,
}


def longer(name: str, value: Any, shows: list[int]) -> Felt:
    key = f"schedules.automatic_length.{name}"
    others = {known: kept for known, kept in _LONGER.items() if known != key}
    return Felt(key, value, lengths_by_share, shows, beside=others, usual=_LONGER[key])


FELT = [
    Felt("schedules.reset_reference_every_steps", 2, resets, [2, 4], beside={"algorithm.kl_beta": 0.5}),
    longer("from_tokens", 20, [20] * 4 + [30] * 4 + [32]),
    longer("factor", 1.25, [16] * 4 + [20] * 4 + [25]),
    longer("window_rollouts", 3, [16] * 6 + [24] * 3),
    longer("truncated_share", 0.3, [16] * 7 + [24] * 2),
    longer("least_gain", 0.05, [16] * 9),
    *(one for name in _LOSS for one in felt_of(name, in_the_loss(name), [0.5, 0.75])),
    *felt_of("max_completion_tokens", limits, [3, 8], is_smooth=False),
]
