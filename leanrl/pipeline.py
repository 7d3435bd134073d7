"""The straight line of a run, in order: config, plan, model, rollout, trainer, loop, checkpoints, merge, report.

    from leanrl.pipeline import train, plan, merge

Heavy libraries are imported inside the steps that need them, after everything that can fail without them.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanrl.config.check import find_contradictions, find_warnings
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.config.support import require
from leanrl.environment import describe_machine, host_memory_bytes, installed_vllm, quiet_libraries
from leanrl.errors import ConfigError, DoesNotFitError, InterruptedRunError, MissingError, StoppedError
from leanrl.launch.run import launch, require_ranks
from leanrl.launch.this_rank import Rank, this_rank
from leanrl.launch.topology import is_launched
from leanrl.launch.unsloth import import_unsloth
from leanrl.planner.fit import Fit, fit_run, with_planned_micro_batch
from leanrl.planner.plan import Plan, plan_run
from leanrl.planner.this_machine import Gpu, plan_here, require_fit
from leanrl.preparation import Parts, prepare
from leanrl.report.progress import PlainListener, duration
from leanrl.run_folder import (
    RunFolder,
    create_run_folder,
    new_run_path,
    open_run_folder,
    write_json,
    write_jsonl,
)
from leanrl.types import Listener, RewardFunction, Row

if TYPE_CHECKING:
    from leanrl.grading.pool import GraderPool
    from leanrl.models.merge import MergeReport
    from leanrl.trainer.grpo import LeanGRPOTrainer


def train(
    config: RunConfig,
    *,
    rows: Sequence[Mapping[str, Any]] | None = None,
    rewards: Mapping[str, RewardFunction] | None = None,
    plugins: Sequence[Path] = (),
    run_dir: Path | str | None = None,
    force: bool = False,
    listener: Listener | None = None,
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

    Raises:
        LeanRLError: for everything that a user can fix, before the first step wherever that is possible.
    """
    listener = listener or PlainListener()
    quiet_libraries()
    config = config if rows is None else _with_python_rows(config)
    _check(config, listener)
    _load_plugins(plugins)
    rank = this_rank()
    require_ranks(config, rank, is_from_python=rows is not None or rewards is not None)
    _require_address(config, rank)
    path = Path(run_dir) if run_dir is not None else new_run_path(Path("runs"), config.name, datetime.now())
    if path.exists() and (rank is None or rank.number == 0):
        create_run_folder(path)
    predicted = _plan_that_fits(config, force=force, listener=listener)
    config = _with_chosen_micro_batch(config, predicted, listener)
    if is_launched(config) and rank is None:
        _require_device(config)
        run = _new_run(path, config, plugins=plugins, predicted=predicted)
        return launch(config, run, listener=listener)

    from leanrl.grading.pool import GraderPool
    from leanrl.trainer.ranks import first_rank_makes, is_first_rank, join_ranks

    with GraderPool() as grader:
        parts = prepare(config, rows=rows, rewards=rewards, grader=grader, listener=listener)
        join_ranks(config)
        run = RunFolder(first_rank_makes(lambda: _new_run(path, config, plugins=plugins, predicted=predicted).path))
        listener.say(f"run folder: {run.path}")
        try:
            return _train(
                config, parts, run=run, grader=grader, listener=listener, predicted=predicted, checkpoint=None
            )
        except (ConfigError, DoesNotFitError):
            if is_first_rank():
                run.discard_unused()
            raise


def resume(
    run_dir: Path | str,
    *,
    rows: Sequence[Mapping[str, Any]] | None = None,
    rewards: Mapping[str, RewardFunction] | None = None,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Continue a run from its newest complete checkpoint, and return its summary.

    Rows and reward functions that were given in Python have to be given again.

    Raises:
        ConfigError: if there is no run, no complete checkpoint, or nothing left to do.
    """
    listener = listener or PlainListener()
    quiet_libraries()
    run = open_run_folder(Path(run_dir))
    config = load_config(run.config).config
    require(config)
    rank = this_rank()
    require_ranks(config, rank, is_from_python=rows is not None or rewards is not None)
    _require_address(config, rank)
    if config.backend == "unsloth" and rank is not None:
        # before a plug-in imports what it patches
        import_unsloth(run.unsloth_cache, listener, engine=config.rollout.engine)
        from leanrl.trainer.unsloth_patch import require_patched_trl

        require_patched_trl()
    _load_plugins(run.kept_plugins())

    from leanrl.grading.pool import GraderPool
    from leanrl.trainer.checkpoints import resumable_checkpoint, rewind_metrics
    from leanrl.trainer.ranks import join_ranks

    checkpoint, step = None, 0
    if run.complete_checkpoints() or rank is None or not rank.is_launched:
        checkpoint, step = resumable_checkpoint(run, max_steps=config.train.max_steps)
    if is_launched(config) and rank is None:
        _require_device(config)
        rewind_metrics(run, step=step)
        return launch(config, run, listener=listener)
    if rank is None or (rank.number == 0 and not rank.is_launched):
        rewind_metrics(run, step=step)
    predicted = _plan_that_fits(config, force=True, listener=listener)
    with GraderPool() as grader:
        parts = prepare(config, rows=rows, rewards=rewards, grader=grader, listener=listener)
        join_ranks(config)
        if checkpoint is not None:
            listener.say(f"resuming {run.path} after step {step}")
        return _train(
            config, parts, run=run, grader=grader, listener=listener, predicted=predicted, checkpoint=checkpoint
        )


def plan(config: RunConfig, **choices: Any) -> Plan:
    """Return the predicted memory, time and cost of a run; `choices` are those of `planner.plan.plan_run`."""
    return plan_run(config, **{"host_bytes": host_memory_bytes(), "vllm": installed_vllm(), **choices})


def fit(config: RunConfig, **choices: Any) -> Fit:
    """Return the fastest settings that fit and keep the estimator; `choices` are those of `planner.fit.fit_run`."""
    return fit_run(config, **{"host_bytes": host_memory_bytes(), "vllm": installed_vllm(), **choices})


def merge(source: Path | str, out: Path | str, **choices: Any) -> "MergeReport":
    """Fold a run's adapter into its base and write the model to `out`; `choices` are those of `MergeChoices`."""
    quiet_libraries()
    from leanrl.models.merge import merge_run
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    return merge_run(Path(source), Path(out), **choices)


def sample(
    source: Path | str, problem: str, *, temperature: float = 0.0, max_completion_tokens: int | None = None
) -> str:
    """Return the answer of a run's newest checkpoint, or of a model's folder, to one problem.

    A run is asked with the prompt it was trained on, a bare model with the problem as a user's message.
    """
    quiet_libraries()
    from leanrl.data.prompts import build_prompt
    from leanrl.models.answerer import load_answerer
    from leanrl.models.quiet import quiet_transformers
    from leanrl.rollout.hf import complete

    quiet_transformers()
    asked = load_answerer(Path(source))
    data = asked.config.data
    prompt = build_prompt(
        problem, template=data.prompt_template, system_prompt=data.system_prompt, examples=data.examples
    )
    completions = complete(
        asked.model,
        asked.tokenizer,
        [prompt],
        max_completion_tokens=max_completion_tokens or asked.config.rollout.max_completion_tokens,
        temperature=temperature,
        batch_size=1,
    )
    return next(iter(completions))


def _new_run(path: Path, config: RunConfig, *, plugins: Sequence[Path], predicted: Plan | None) -> RunFolder:
    from leanrl.trainer.device import gpu_names

    run = create_run_folder(path)
    write_json(run.config, config.model_dump(mode="json"))
    write_json(run.env, describe_machine() | {"gpus": gpu_names()})
    run.keep_plugins(plugins)
    if predicted is not None:
        write_json(run.plan, predicted.to_json())
    return run


def _with_python_rows(config: RunConfig) -> RunConfig:
    source = {"generator": "python", "path": None, "hub_id": None}
    return config.model_copy(update={"data": config.data.model_copy(update=source)})


def _check(config: RunConfig, listener: Listener) -> None:
    problems = find_contradictions(config)
    if problems:
        raise ConfigError(f"The configuration {config.name} contradicts itself:", problems=problems)
    for warning in find_warnings(config):
        listener.warn(warning)
    require(config)


def _load_plugins(plugins: Sequence[Path]) -> None:
    from leanrl.rewards.plugins import load_installed_plugins, load_plugin

    load_installed_plugins()
    for plugin in plugins:
        load_plugin(plugin)


def _plan_that_fits(config: RunConfig, *, force: bool, listener: Listener) -> Plan | None:
    try:
        predicted, note = plan_here(
            config, gpu=_gpu_here(config), host_bytes=host_memory_bytes(), vllm=installed_vllm()
        )
    except MissingError as error:
        listener.warn(f"no plan is made: {error.message}")
        return None
    if note is not None:
        listener.say(note)
    if not force:
        require_fit(predicted)
    return predicted


def _with_chosen_micro_batch(config: RunConfig, predicted: Plan | None, listener: Listener) -> RunConfig:
    chosen = with_planned_micro_batch(config, predicted)
    if chosen != config:
        listener.say(
            f"train.max_tokens_per_micro_batch is auto: {chosen.train.max_tokens_per_micro_batch}, "
            f"{chosen.full_completions_per_micro_batch} of {config.completions_per_rank} completions of full length"
        )
    return chosen


def _require_device(config: RunConfig) -> None:
    """Refuse here what each of the ranks would refuse: nobody reads as many tracebacks."""
    from leanrl.trainer.device import require_device

    require_device(config)


def _require_address(config: RunConfig, rank: Rank | None) -> None:
    """Refuse a server's address before ranks are started; those that torchrun starts leave it to the first."""
    if config.rollout.engine == "vllm-server" and (rank is None or (rank.number == 0 and not rank.is_launched)):
        from leanrl.rollout.server_address import require_address

        require_address(config)


def _gpu_here(config: RunConfig) -> Gpu | None:
    if config.hardware.is_cpu:
        return None
    from leanrl.trainer.device import gpu_here

    return gpu_here(config.hardware.num_gpus)


def _train(
    config: RunConfig,
    parts: Parts,
    *,
    run: RunFolder,
    grader: "GraderPool",
    listener: Listener,
    predicted: Plan | None,
    checkpoint: Path | None,
) -> dict[str, Any]:
    from leanrl.trainer.build import build_trainer
    from leanrl.trainer.checkpoints import checkpoint_bytes, require_disk_space
    from leanrl.trainer.probe import probe_longest_batch
    from leanrl.trainer.ranks import is_first_rank, wait_for_all_ranks
    from leanrl.trainer.sharding import shard_weights
    from leanrl.trainer.summary import end_summary, start_summary

    trainer, recorder, stop = build_trainer(
        config,
        model=parts.model,
        adapter=parts.adapter,
        tokenizer=parts.tokenizer,
        rows=parts.problems.train,
        rewards=parts.rewards,
        grader=grader,
        run=run,
        listener=listener,
        plan=predicted,
    )
    needed_bytes = checkpoint_bytes(trainer.model, config.optimizer.name)
    require_disk_space(run, needed_bytes=needed_bytes, keep_last=config.checkpoints.keep_last)
    shard_weights(trainer)
    if checkpoint is None:
        probe_longest_batch(trainer, plan=predicted, listener=listener)
    if parts.problems.dropped and is_first_rank():
        write_jsonl(run.dropped_rows, [asdict(dropped) for dropped in parts.problems.dropped])
    summary = start_summary(run, preset=config.name, **parts.problems.num_rows)
    if "greedy_before" not in summary:
        summary |= _greedy(config, parts.problems.heldout, trainer, grader, "greedy_before", listener)
        wait_for_all_ranks()  # each has read the summary of an earlier attempt
        if is_first_rank():
            write_json(run.summary, summary)
    try:
        trainer.train_from(checkpoint)
    except StoppedError:
        end_summary(run, summary | {"steps": trainer.state.global_step}, status="stopped", meter=trainer.meter)
        raise
    finally:
        stop.restore()
        trainer.rollout.close()
    summary |= {"steps": trainer.state.global_step, "warnings": recorder.warnings}
    if stop.received is not None and trainer.state.global_step < config.train.max_steps:
        end_summary(run, summary, status="stopped", meter=trainer.meter)
        raise InterruptedRunError(
            f"stopped by {stop.received.name} after step {trainer.state.global_step}; a checkpoint is saved.",
            hint=f"leanrl train --resume {run.path}",
            signal_number=stop.received,
        )
    summary |= _greedy(config, parts.problems.heldout, trainer, grader, "greedy_after", listener)
    summary = end_summary(run, summary, status="finished", meter=trainer.meter)
    if is_first_rank():
        _write_report(run, listener)
    return summary


def _greedy(
    config: RunConfig,
    rows: Sequence[Row],
    trainer: "LeanGRPOTrainer",
    grader: "GraderPool",
    name: str,
    listener: Listener,
) -> dict[str, Any]:
    """Return the greedy score of the model as it stands under `name`, or nothing where none is asked for."""
    if not config.eval.greedy:
        return {}
    from leanrl.eval.greedy import greedy_score
    from leanrl.trainer.greedy import complete_greedily
    from leanrl.trainer.ranks import is_first_rank

    complete = partial(complete_greedily, trainer)
    score = greedy_score(rows, complete=complete, grader=grader, opened_tag=trainer.opened_tag)
    if is_first_rank():
        write_jsonl(trainer.run.path / f"{name}.jsonl", score.answers)
    listener.say(f"{name.replace('_', ' ')}: {score.num_correct} of {score.num_eval} held-out problems right")
    return {name: score.accuracy, "num_eval": score.num_eval}


def _write_report(run: RunFolder, listener: Listener) -> None:
    from leanrl.report.page import write_report

    started = time.perf_counter()
    page = write_report(run)
    listener.say(f"report: {page} ({duration(time.perf_counter() - started)})")
