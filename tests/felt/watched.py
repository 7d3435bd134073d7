"""Keys of what watches a run while it trains: evaluations, the best checkpoints, the watchdog."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.trainer.evaluations.evaluations import Evaluations
from leanrl.trainer.watch.rolling_back import goes_on
from leanrl.types import Row
from leanrl.watch.signals import signals_of
from leanrl.watch.watchdog import Watchdog
from tests.felt.felt import Felt, Here, Probe, trainer_of
from tests.trainer.small_trainer import Notes, small_trainer

_ROWS = [Row(str(number), f"{number}?", str(number), f"{number}?") for number in range(6)]


def of_evaluations(read: Callable[[Evaluations], Any]) -> Probe:
    """Return what `read` finds in the evaluations of a trainer with six held-out problems."""

    def probe(config: RunConfig, here: Here) -> Any:
        return read(Evaluations(trainer_of(config, here), rows=_ROWS, grader=None, listener=Notes()))

    return probe


def due(evaluations: Evaluations) -> list[int]:
    return [step for step in range(2) if evaluations.is_due(step)]


def asked(read: Callable[[list[Any]], Any]) -> Probe:
    """Return what `read` finds in the questions that an evaluation asks."""

    def probe(config: RunConfig, here: Here) -> Any:
        seen: list[Any] = []

        def ask(_: Any, questions: list[Any], **__: Any) -> None:
            seen.extend(questions)

        here.patch.setattr("leanrl.trainer.evaluations.evaluations.ask_all", ask)
        of_evaluations(lambda each: each.measure(0))(config, here)
        return read(seen)

    return probe


def kept_best(config: RunConfig, here: Here) -> int:
    return trainer_of(config, here).publishing.keep_best


def tracked(config: RunConfig, here: Here) -> int:
    """Return how many tables of completions a tracker gets of a step."""
    _, recorder, _ = small_trainer(config, here.folder / str(config.log.track_completions), listener=Notes())
    tables: list[Any] = []
    recorder.tracker = SimpleNamespace(send_completions=lambda saved, state: tables.append(saved))
    recorder._save_completions(SimpleNamespace(global_step=1))
    return len(tables)


def bound(signal: str, name: str) -> Probe:
    """Return what shows a bound of a signal of the watchdog."""
    return lambda config, here: getattr({each.name: each for each in signals_of(config.watchdog)}[signal], name)


def of_watchdog(read: Callable[[Watchdog], Any]) -> Probe:
    return lambda config, here: read(Watchdog(config))


def first_fault(config: RunConfig, here: Here) -> int | None:
    """Return the step at which the watchdog would act on a run whose entropy doubles ten times after step 30."""
    watchdog = Watchdog(config)
    for step in range(1, 100):
        entropy = 0.3 + 0.001 * (step % 2) + (5.0 if step > 30 else 0.0)
        if watchdog.see({"step": step, "entropy": entropy, "reward": 0.5}).fault is not None:
            return step
    return None


def first_warning(config: RunConfig, here: Here) -> int | None:
    """Return the step at which the watchdog says that nothing was earned."""
    watchdog = Watchdog(config)
    return next((step for step in range(1, 50) if watchdog.see({"step": step, "reward": 0.0}).warnings), None)


_BOUNDS = [
    ("zero_std_warn", "zero_std_share", "warn"),
    ("zero_std_act", "zero_std_share", "act"),
    ("truncated_warn", "truncated_share", "warn"),
    ("truncated_act", "truncated_share", "act"),
    ("entropy_fall_warn", "entropy_low", "warn_share"),
    ("entropy_low_act", "entropy_low", "act"),
    ("entropy_high_warn", "entropy_high", "warn"),
    ("entropy_high_act", "entropy_high", "act"),
    ("kl_warn", "kl", "warn"),
    ("kl_act", "kl", "act"),
    ("grad_norm_warn", "grad_norm", "warn"),
    ("grad_norm_act", "grad_norm", "act"),
    ("clipped_ratio_warn", "clipped_ratio_share", "warn"),
    ("clipped_ratio_act", "clipped_ratio_share", "act"),
    ("mismatch_warn", "mismatch", "warn"),
    ("mismatch_act", "mismatch", "act"),
    ("language_rise_warn", "language_mix_share", "warn"),
    ("language_rise_act", "language_mix_share", "act"),
    ("script_rise_warn", "other_script_share", "warn"),
    ("script_rise_act", "other_script_share", "act"),
    ("repetition_rise_warn", "repeated_4gram_share", "warn"),
    ("repetition_rise_act", "repeated_4gram_share", "act"),
]
_EVERY_STEP = {"eval.every_steps": 1}
_DRAWN = {**_EVERY_STEP, "eval.temperature": 1.0}

FELT = [
    Felt("eval.every_steps", 1, of_evaluations(due), [0, 1]),
    Felt("eval.num_problems", 2, of_evaluations(lambda each: len(each._rows)), 2, beside=_EVERY_STEP),
    Felt("eval.samples", 3, asked(len), 18, beside=_DRAWN),
    Felt("eval.temperature", 1.0, asked(lambda each: each[0].seed is not None), True, beside=_EVERY_STEP),
    Felt("eval.seed", 7, asked(lambda each: each[0].seed), beside=_DRAWN),
    Felt("checkpoints.keep_best", 2, kept_best, 2, beside=_EVERY_STEP),
    Felt("log.track_completions", True, tracked, 1),
    Felt("watchdog.level", "off", first_warning, None),
    Felt("watchdog.no_reward_steps", 5, first_warning, 5),
    Felt("watchdog.act_steps", 2, first_fault, usual=5),
    Felt("watchdog.baseline_steps", 40, first_fault, None),
    Felt("watchdog.window_steps", 3, first_fault, usual=15),
    Felt("watchdog.deviations", 1.0e9, first_fault, None),
    Felt(
        "watchdog.response",
        "halve_learning_rate",
        lambda config, here: goes_on(config, num_rollbacks=1),
        True,
    ),
    Felt(
        "watchdog.max_rollbacks",
        0,
        lambda config, here: goes_on(config, num_rollbacks=1),
        False,
        beside={"watchdog.response": "halve_learning_rate"},
    ),
    Felt("watchdog.reward_fall_warn", 0.25, of_watchdog(lambda dog: dog._reward.warn), 0.25),
    Felt("watchdog.reward_fall_act", 0.75, of_watchdog(lambda dog: dog._reward.act), 0.75),
    *(Felt(f"watchdog.{key}", 0.625, bound(signal, name), 0.625) for key, signal, name in _BOUNDS),
]
