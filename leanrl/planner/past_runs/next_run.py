"""The plan of the next run from what an earlier one has measured."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from leanrl.config.layers import flatten
from leanrl.config.schema import RunConfig
from leanrl.errors import MissingError, NoFormulaError
from leanrl.planner.formula import require_formula
from leanrl.planner.machine.card_names import find_card
from leanrl.planner.machine.cards import CARDS
from leanrl.planner.machine.target import Target
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.past_runs.calibrate import calibrate
from leanrl.planner.past_runs.calibration import Calibration, Conditions, carried_over
from leanrl.planner.past_runs.measured_run import MeasuredRun, cpu_name, read_measured_run
from leanrl.planner.predict import predict
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fixes import with_changes

# What decides how long completions are, besides their limit.
_TEXTS = (
    *("model.id", "model.revision", "model.chat_template", "model.chat_template_kwargs", "model.tuning.start_adapter"),
    *("data.generator", "data.levels", "data.path", "data.hub_id", "data.hub_config", "data.split"),
    "data.system_prompt",
    *("data.prompt_template", "data.examples"),
    *("rollout.temperature", "rollout.top_p", "rollout.top_k", "rollout.min_p", "rollout.repetition_penalty"),
)


def learn_from(path: Path, config: RunConfig, *, here: Mapping[str, Any], vllm: str | None) -> Calibration:
    """Return what a run has measured, as far as it holds for another run.

    Args:
        path: the folder of the run that has measured.
        config: the next run.
        here: this machine, as `environment.describe_machine` tells of it.
        vllm: the version that generates.

    Raises:
        ConfigError: if there is no run, or it has measured nothing.
        MissingError, NoFormulaError: if the closed form cannot have its model.
    """
    run = read_measured_run(path)
    machine = cpu_name(here) if config.hardware.is_cpu else _card_name(config)
    measured = calibrate(run, _own_plan(run, vllm=vllm))
    if not _leaves_rows_out(config):
        measured = replace(measured, taught_share=None)
    return carried_over(measured, Conditions.of(config, machine=machine), same_texts=_other_texts(run.config, config))


def with_measured_lengths(config: RunConfig, calibration: Calibration) -> RunConfig:
    """Return the config with the lengths that were measured, where they hold for it."""
    lengths = calibration.lengths
    if lengths is None:
        return config
    values = {
        "mean_tokens": lengths.mean_tokens,
        "cv": lengths.cv,
        "cut_share": lengths.cut_share,
        "limit_tokens": lengths.limit_tokens,
        "source": lengths.source,
    }
    return with_changes(config, {f"rollout.lengths.{name}": value for name, value in values.items()})


def _own_plan(run: MeasuredRun, *, vllm: str | None) -> Plan:
    """Return the plan of the run itself, by the closed form alone.

    Raises:
        MissingError: if its model is gone; the hint is not about the next run's.
        NoFormulaError: if the closed form does not know it.
    """
    lengths_alone = f"take its lengths alone: `--lengths {shlex.quote(f'run:{run.path}')}`"
    try:
        shape = find_shape(run.config.model.id, revision=run.config.model.revision)
        require_formula(run.config, shape)
    except MissingError as error:
        raise MissingError(
            f"{run.path} has measured a model whose shape is not known here any more: {error.message}",
            hint=f"put the model back, or {lengths_alone}",
        ) from error
    except NoFormulaError as error:
        raise NoFormulaError(
            f"{run.path} has measured a model that is planned by simulation, and --from corrects the closed form: "
            f"{error.message}",
            hint=lengths_alone,
        ) from error
    if run.config.hardware.is_cpu:
        return predict(run.config, shape, Target("cpu", run.usable_bytes or 0))
    card = CARDS.get(run.machine or "")
    usable_bytes = run.usable_bytes or (card.usable_bytes if card else 0)
    return predict(run.config, shape, Target("cuda", usable_bytes, card, vllm))


def _leaves_rows_out(config: RunConfig) -> bool:
    """Whether a step leaves out completions that cannot teach; a KL and an entropy bonus need them all."""
    algorithm = config.algorithm
    return config.train.skip_zero_advantage and not algorithm.kl_beta and not algorithm.entropy_coef


def _card_name(config: RunConfig) -> str | None:
    return None if config.hardware.gpu is None else find_card(config.hardware.gpu).name


def _other_texts(measured: RunConfig, config: RunConfig) -> str | None:
    """Return which keys give completions of the next run other lengths; None where none does."""
    of, to = (flatten(one.model_dump()) for one in (measured, config))
    keys = [key for key in sorted({*of, *to}) if _is_about_texts(key) and of.get(key) != to.get(key)]
    return f"the next run has another {', '.join(keys)}; its completions have lengths of their own" if keys else None


def _is_about_texts(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in _TEXTS)
