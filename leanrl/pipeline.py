"""The straight line of a run, in order: config, plan, model, rollout, trainer, loop, checkpoints, merge, report.

    from leanrl.pipeline import train, plan, merge

Heavy libraries are imported inside the steps that need them, after everything that can fail without them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanrl.config.checks.check import find_contradictions, find_warnings
from leanrl.config.load import load_run_config
from leanrl.config.run_length import with_run_length
from leanrl.config.schema import RunConfig
from leanrl.data.counted import with_known_length
from leanrl.errors import ConfigError, DoesNotFitError
from leanrl.forecast import make_plan, plan_that_fits, planned_host_bytes, with_chosen_settings
from leanrl.hints import command
from leanrl.launch.run import launch
from leanrl.launch.this_rank import Rank, this_rank
from leanrl.launch.topology import is_launched
from leanrl.launch.unsloth import import_unsloth
from leanrl.loop import train_and_measure
from leanrl.machine.environment import describe_cpu, describe_machine, installed_vllm, quiet_libraries
from leanrl.planner.models.known_models import SIZED_MODELS, find_sized_model
from leanrl.planner.past_runs.calibration import Calibration
from leanrl.planner.past_runs.next_run import learn_from
from leanrl.planner.plan import Plan
from leanrl.planner.search.fit import Fit, fit_run
from leanrl.planner.search.largest import Method, Row, find_rows
from leanrl.planner.time.length_profile import LengthProfile
from leanrl.preflight.checks import Findings, examine, require_ready
from leanrl.preflight.intent import Intent
from leanrl.preflight.sources import require_merge_out, require_trained
from leanrl.preparation import Parts, prepare
from leanrl.report.progress import PlainListener
from leanrl.report.run_log import RunLog, logged
from leanrl.storage.run_folder import (
    RunFolder,
    create_run_folder,
    new_run_path,
    open_run_folder,
    step_of,
    write_json,
)
from leanrl.storage.run_lock import hold
from leanrl.types import Listener, RewardFunction

if TYPE_CHECKING:
    from leanrl.models.merging.merge import MergeReport


@dataclass(frozen=True)
class Given:
    """What a caller hands over beside the configuration."""

    rows: Iterable[Mapping[str, Any]] | None
    rewards: Mapping[str, RewardFunction]
    plugins: Sequence[Path] = ()
    typed: Sequence[str] = ()


def train(
    config: RunConfig,
    *,
    rows: Iterable[Mapping[str, Any]] | None = None,
    rewards: Mapping[str, RewardFunction] | None = None,
    plugins: Sequence[Path] = (),
    run_dir: Path | str | None = None,
    force: bool = False,
    listener: Listener | None = None,
    typed: Sequence[str] = (),
) -> dict[str, Any]:
    """Train, and return the run's summary (the content of summary.json).

    Args:
        config: what to do; `leanrl.config.load.load_config` makes one from a preset.
        rows: problems to train on in place of `config.data`'s source, with the columns that `config.data` names;
            the run records `data.generator: python`.
        rewards: reward functions by name, beside leanrl's own; `config.rewards` gives each its weight.
        plugins: Python files that register rewards; the run keeps copies of them.
        run_dir: a folder that does not exist yet; by default runs/<preset>-<time>.
        force: train although the plan says that it does not fit.
        listener: hears progress and warnings; by default they go to stderr.
        typed: the flags of preset and settings on the command line, for commands in messages.

    Raises:
        LeanRLError: for everything that a user can fix, before the first step wherever that is possible.
    """
    quiet_libraries()
    given = Given(rows, rewards or {}, plugins, typed)
    with logged(listener or PlainListener()) as log:
        return _train(config, given, run_dir=run_dir, force=force, listener=log)


def _train(
    config: RunConfig, given: Given, *, run_dir: Path | str | None, force: bool, listener: RunLog
) -> dict[str, Any]:
    rows, plugins = given.rows, given.plugins
    config = config if rows is None else _with_python_rows(config)
    _check(config, listener)
    rank = this_rank()
    path = Path(run_dir) if run_dir is not None else new_run_path(Path("runs"), config.name, datetime.now())
    new_run = path if rank is None or rank.number == 0 else None
    ready = require_ready(Intent(config, rows, given.rewards, plugins, new_run=new_run, is_training=True))
    counted = with_run_length(config, num_rows=len(ready.problems.train))
    predicted = plan_that_fits(counted, force=force, listener=listener, typed=given.typed)
    config = with_chosen_settings(config, predicted, listener)
    if is_launched(config) and rank is None:
        _require_device(config)
        run = _new_run(path, config, plugins=plugins, predicted=predicted)
        listener.open(run.log)
        return launch(config, run, listener=listener)

    from leanrl.grading.pool import GraderPool
    from leanrl.trainer.ranks.meeting import first_rank_makes, is_first_rank, join_ranks

    with GraderPool(refused=config.grading.refused) as grader:
        parts = prepare(config, ready, grader=grader, listener=listener)
        config = _with_length(config, parts, listener)
        join_ranks(config)
        run = RunFolder(first_rank_makes(lambda: _new_run(path, config, plugins=plugins, predicted=predicted).path))
        if is_first_rank():
            listener.open(run.log)
        listener.say(f"run folder: {run.path}")
        try:
            with hold(run.path) if is_first_rank() else nullcontext():
                return train_and_measure(
                    config, parts, run=run, grader=grader, listener=listener, predicted=predicted, checkpoint=None
                )
        except (ConfigError, DoesNotFitError):
            if is_first_rank():
                run.discard_unused()
            raise


def resume(
    run_dir: Path | str,
    *,
    rows: Iterable[Mapping[str, Any]] | None = None,
    rewards: Mapping[str, RewardFunction] | None = None,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Continue a run from its newest complete checkpoint, and return its summary.

    Rows and reward functions that were given in Python have to be given again.

    Raises:
        ConfigError: if there is no run, no complete checkpoint, or nothing left to do.
    """
    quiet_libraries()
    with logged(listener or PlainListener()) as log:
        return _resume(run_dir, Given(rows, rewards or {}), listener=log)


def _resume(run_dir: Path | str, given: Given, *, listener: RunLog) -> dict[str, Any]:
    run = open_run_folder(Path(run_dir))
    config = _with_kept_template(load_run_config(run.config), run)
    rank = this_rank()
    if config.backend == "unsloth" and rank is not None:
        # before a plug-in imports what it patches
        import_unsloth(run.unsloth_cache, listener, engine=config.rollout.engine)
        from leanrl.trainer.unsloth.patch import require_patched_trl

        require_patched_trl()
    _require_rows(config, given.rows)
    intent = Intent(config, given.rows, given.rewards, run.kept_plugins(), run=run.path, is_training=True)
    ready = require_ready(intent)
    if rank is None or rank.number == 0:
        listener.open(run.log)

    from leanrl.grading.pool import GraderPool
    from leanrl.trainer.ranks.meeting import is_first_rank, join_ranks

    if is_launched(config) and rank is None:
        _require_device(config)
        with hold(run.path):
            _rewind_to_checkpoint(run, config, listener)
        return launch(config, run, listener=listener)
    with hold(run.path) if rank is None or rank.number == 0 else nullcontext():
        checkpoint = _checkpoint_of(run, config, rank, listener)
        counted = with_run_length(config, num_rows=len(ready.problems.train))
        predicted = plan_that_fits(counted, force=True, listener=listener)
        with GraderPool(refused=config.grading.refused) as grader:
            parts = prepare(config, ready, grader=grader, listener=listener, checkpoint=checkpoint)
            asked, config = config, _with_length(config, parts, listener)
            join_ranks(config)
            if config != asked and is_first_rank():  # whoever started the ranks had not counted the problems
                write_json(run.config, config.model_dump(mode="json"))
            if checkpoint is not None:
                listener.say(f"resuming {run.path} after step {step_of(checkpoint)}")
            return train_and_measure(
                config, parts, run=run, grader=grader, listener=listener, predicted=predicted, checkpoint=checkpoint
            )


def _checkpoint_of(run: RunFolder, config: RunConfig, rank: Rank | None, listener: Listener) -> Path | None:
    """Return the checkpoint to go on from; None for the ranks of a run that begins."""
    from leanrl.trainer.checkpoints.upkeep import resumable_checkpoint

    if rank is None or (rank.number == 0 and not rank.is_launched):
        return _rewind_to_checkpoint(run, config, listener)
    if rank.is_launched and not run.complete_checkpoints():
        return None
    return resumable_checkpoint(run, config)[0]  # which one, and why, the launcher or the first rank says


def _rewind_to_checkpoint(run: RunFolder, config: RunConfig, listener: Listener) -> Path:
    from leanrl.trainer.checkpoints.upkeep import resumable_checkpoint, rewind_metrics

    checkpoint, passed_over = resumable_checkpoint(run, config)
    for line in passed_over:
        listener.warn(line)
    rewind_metrics(run, step=step_of(checkpoint))
    return checkpoint


def examine_here(config: RunConfig, *, plugins: Sequence[Path] = (), new_run: Path | None = None) -> Findings:
    """Return what `train` would refuse on this machine, fetch first or warn of; nothing is fetched."""
    quiet_libraries()
    return examine(Intent(config, plugins=plugins, new_run=new_run))


def learn(config: RunConfig, run: Path) -> Calibration:
    """Return what a run has measured, as far as it holds for another run on this machine."""
    return learn_from(run, config, here=describe_cpu(), vllm=installed_vllm())


def plan(config: RunConfig, **choices: Any) -> Plan:
    """Return the predicted memory, time and cost of a run; `choices` are those of `forecast.make_plan`."""
    return make_plan(with_known_length(config), **choices)


def measure_lengths(config: RunConfig, *, say: Callable[[str], None]) -> LengthProfile:
    """Return the lengths of a short sample of the run's completions; `say` hears how far it is."""
    quiet_libraries()
    from leanrl.measurement import measure_lengths as measure
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    return measure(config, say=say)


def fit(config: RunConfig, **choices: Any) -> Fit:
    """Return the fastest settings that fit, of the same run where any do; `choices` as in `planner.fit.fit_run`."""
    return fit_run(config, **{"host_bytes": planned_host_bytes(config), "vllm": installed_vllm(), **choices})


def largest(configs: Mapping[Method, RunConfig], *, num_gpus: int | None = None, model: str | None = None) -> list[Row]:
    """Return the largest known model of each method and its longest completions, or those of the model named."""
    host_bytes = planned_host_bytes(next(iter(configs.values())))
    models = SIZED_MODELS if model is None else [find_sized_model(model)]
    return find_rows(configs, num_gpus=num_gpus, models=models, host_bytes=host_bytes, vllm=installed_vllm())


def merge(source: Path | str, out: Path | str, *, listener: Listener | None = None, **choices: Any) -> "MergeReport":
    """Fold a run's adapter into its base and write the model to `out`.

    `choices` are those of `MergeChoices`. The listener hears what is being done; by default it goes to stderr.
    """
    from leanrl.models.merging.choices import MergeChoices, checked

    checked(MergeChoices(**choices))
    require_trained(Path(source))
    require_merge_out(Path(out), may_exist=choices.get("push") is not None)
    quiet_libraries()
    from leanrl.models.merging.merge import merge_run
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    listener = listener or PlainListener()
    return merge_run(Path(source), Path(out), say=listener.say, warn=listener.warn, **choices)


def sample(
    source: Path | str, problem: str, *, temperature: float = 0.0, max_completion_tokens: int | None = None
) -> str:
    """Return the answer of a run's newest checkpoint, or of a model's folder, to one problem.

    A run and a merged model are asked with the prompt of training, any other model with the problem alone.

    Raises:
        ConfigError: if the problem is empty, or `source` holds nothing that can be asked.
    """
    if not problem.strip():
        raise ConfigError("The problem is empty: there is nothing to ask.", hint=command("sample", source, "7 + 8"))
    require_trained(Path(source))
    quiet_libraries()
    from leanrl.data.prompts import build_prompt
    from leanrl.models.answerer import load_answerer
    from leanrl.models.quiet import quiet_transformers
    from leanrl.prompting.stopping import stopping_of
    from leanrl.rollout.hf import complete

    quiet_transformers()
    asked = load_answerer(Path(source), warn=PlainListener().warn)
    data = asked.config.data
    prompt = build_prompt(
        problem, template=data.prompt_template, system_prompt=data.system_prompt, examples=data.examples
    )
    completions = complete(
        asked.model,
        asked.tokenizer,
        [prompt],
        stopping=stopping_of(asked.tokenizer, asked.model),
        template_kwargs=asked.config.model.chat_template_kwargs,
        max_completion_tokens=max_completion_tokens or asked.config.rollout.max_completion_tokens,
        temperature=temperature,
        batch_size=1,
    )
    return next(iter(completions))


def _with_length(config: RunConfig, parts: Parts, listener: Listener) -> RunConfig:
    """Return the config with the steps of its epochs over the problems that are left, and say how many."""
    counted = with_run_length(config, num_rows=len(parts.problems.train))
    if counted != config:
        epochs, steps = config.train.epochs, counted.train.max_steps
        name = "max_steps is null, num_epochs" if config.train.num_epochs is None else "num_epochs"
        listener.say(f"train.{name} is {epochs:g}: {steps} steps for {len(parts.problems.train)} problems")
    return counted


def _new_run(path: Path, config: RunConfig, *, plugins: Sequence[Path], predicted: Plan | None) -> RunFolder:
    from leanrl.trainer.ranks.device import gpu_names

    run = create_run_folder(path)
    write_json(run.config, config.model_dump(mode="json"))
    write_json(run.env, describe_machine() | {"gpus": gpu_names()})
    run.keep_plugins(plugins)
    if config.model.chat_template is not None:
        from leanrl.models.chat_template import read_template

        run.keep_template(read_template(Path(config.model.chat_template).expanduser()))
    if predicted is not None:
        write_json(run.plan, predicted.to_json())
    return run


def _with_kept_template(config: RunConfig, run: RunFolder) -> RunConfig:
    """Return the configuration with the template that the run keeps: the file it was started with may have changed."""
    kept = run.kept_template()
    if kept is None:
        return config
    return config.model_copy(update={"model": config.model.model_copy(update={"chat_template": str(kept)})})


def _with_python_rows(config: RunConfig) -> RunConfig:
    source = {"generator": "python", "path": None, "hub_id": None}
    return config.model_copy(update={"data": config.data.model_copy(update=source)})


def _require_rows(config: RunConfig, rows: Iterable[Mapping[str, Any]] | None) -> None:
    if rows is None and config.data.generator == "python":
        raise ConfigError(
            "data.generator is python: this run trains on rows that were given in Python, and none are given now.",
            hint="leanrl.pipeline.resume(RUN, rows=...) with the same rows",
        )


def _check(config: RunConfig, listener: Listener) -> None:
    problems = find_contradictions(config)
    if problems:
        raise ConfigError(f"The configuration {config.name} contradicts itself:", problems=problems)
    for warning in find_warnings(config):
        listener.warn(warning)


def _require_device(config: RunConfig) -> None:
    """Refuse here what each of the ranks would refuse: nobody reads as many tracebacks."""
    from leanrl.trainer.ranks.device import require_device

    require_device(config)
