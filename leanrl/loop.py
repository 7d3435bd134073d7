"""The loop of a run and what surrounds it: memory probe, scores before and after, summary, report."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanrl.config.schema import RunConfig
from leanrl.errors import InterruptedRunError, RewardError, StoppedError
from leanrl.hints import command
from leanrl.launch.signals import stopping_at_signals
from leanrl.launch.this_rank import is_first_rank
from leanrl.planner.plan import Plan
from leanrl.preparation import Parts
from leanrl.report.progress import duration
from leanrl.storage.fingerprints import facts_of_folder, note
from leanrl.storage.home import expanded
from leanrl.storage.run_folder import RunFolder, write_bytes, write_json, write_jsonl
from leanrl.types import Listener, Row

if TYPE_CHECKING:
    from leanrl.grading.pool import GraderPool
    from leanrl.trainer.grpo import LeanGRPOTrainer
    from leanrl.trainer.records.callbacks import SignalStop, StepRecorder


def train_and_measure(
    config: RunConfig,
    parts: Parts,
    *,
    run: RunFolder,
    grader: "GraderPool",
    listener: Listener,
    predicted: Plan | None,
    checkpoint: Path | None,
    begin: Callable[[], None],
) -> dict[str, Any]:
    """Train from the start or from a checkpoint, with the scores around it, and return the run's summary.

    `begin` writes into the run's folder that it begins: when the checkpoint is loaded, and nothing can refuse it.

    Raises:
        StoppedError: if the run ends early, also where its folder cannot be written any more.
    """
    from leanrl.trainer.checkpoints.lost_disk import stopping_at_a_lost_disk
    from leanrl.trainer.memory.probe import probe_longest_batch
    from leanrl.trainer.records.summary import end_summary
    from leanrl.trainer.watch.rolling_back import train_watched

    with stopping_at_a_lost_disk(run), stopping_at_signals(run), naming_the_run(run):
        trainer, recorder, stop = _built(config, parts, run=run, grader=grader, listener=listener, predicted=predicted)
        if is_first_rank():
            trainer.to_begin += [begin, partial(_note_parts, config, parts, run)]
        if checkpoint is None:
            probe_longest_batch(trainer, plan=predicted, listener=listener)
        summary = _begin_summary(config, parts, trainer, grader, listener)
        try:
            train_watched(trainer, recorder, stop, checkpoint, listener=listener)
        except (StoppedError, RewardError):
            _end_stopped(trainer, summary | {"warnings": recorder.warnings}, listener)
            raise
        finally:
            stop.restore()
            trainer.rollout.close()
            trainer.publishing.close()
        summary |= {"steps": trainer.state.global_step, "warnings": recorder.warnings, **_against_plan(run)}
        if stop.received is not None:
            end_summary(run, summary, status="stopped", meter=trainer.meter)
            raise InterruptedRunError(
                f"stopped by {stop.received.name} after step {trainer.state.global_step}; a checkpoint is saved.",
                hint=command("train", "--resume", run.path),
                signal_number=stop.received,
            )
        summary |= _greedy(config, parts.problems.heldout, trainer, grader, "greedy_after", listener)
        summary = end_summary(run, summary, status="finished", meter=trainer.meter)
        if is_first_rank():
            _write_report(run, listener)
        return summary


@contextmanager
def naming_the_run(run: RunFolder) -> Iterator[None]:
    """Put the run into the hints of engines, which do not know in which run they generate."""
    try:
        yield
    except StoppedError as error:
        if error.hint is not None:
            error.hint = error.hint.replace("leanrl train --resume RUN", command("train", "--resume", run.path))
        raise


def _built(
    config: RunConfig,
    parts: Parts,
    *,
    run: RunFolder,
    grader: "GraderPool",
    listener: Listener,
    predicted: Plan | None,
) -> "tuple[LeanGRPOTrainer, StepRecorder, SignalStop]":
    """Return a trainer that can begin, with what records its steps and what hears signals."""
    from leanrl.trainer.build import build_trainer
    from leanrl.trainer.checkpoints.upkeep import require_disk_space
    from leanrl.trainer.ranks.sharding import shard_weights

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
        heldout=parts.problems.heldout,
    )
    needed_bytes = trainer.saved_bytes()
    kept = config.checkpoints
    # at level act as many again lie in `abandoned`
    keep_last = kept.keep_last * (2 if config.watchdog.level == "act" else 1)
    require_disk_space(run, needed_bytes=needed_bytes, keep_last=keep_last, keep_best=kept.keep_best)
    shard_weights(trainer)
    return trainer, recorder, stop


def _note_parts(config: RunConfig, parts: Parts, run: RunFolder) -> None:
    """Keep what the run has read: the chat template, the rows that it dropped, what the dataset says of itself."""
    if isinstance(parts.tokenizer.chat_template, str):
        run.keep_template(parts.tokenizer.chat_template)
        note(run, facts_of_folder(run))
    if parts.problems.dropped:
        write_jsonl(run.dropped_rows, [asdict(dropped) for dropped in parts.problems.dropped])
    _keep_manifest(config, run)


def _keep_manifest(config: RunConfig, run: RunFolder) -> None:
    """Copy what the dataset says of itself, so that the report shows it when the folder of the data is gone."""
    manifest = None if config.data.path is None else expanded(config.data.path) / "manifest.json"
    if manifest is not None and manifest.is_file() and not run.dataset_manifest.exists():
        write_bytes(run.dataset_manifest, manifest.read_bytes())


def _begin_summary(
    config: RunConfig, parts: Parts, trainer: "LeanGRPOTrainer", grader: "GraderPool", listener: Listener
) -> dict[str, Any]:
    """Return the summary of a run that begins or goes on, with the score before training where it can be had."""
    from leanrl.trainer.ranks.meeting import wait_for_all_ranks
    from leanrl.trainer.records.summary import start_summary

    run = trainer.run
    summary = start_summary(run, preset=config.name, **parts.problems.num_rows)
    if "greedy_before" not in summary and not parts.is_at_start:
        listener.warn("greedy_before stays unknown: summary.json lost it, and the checkpoint holds no start adapter.")
    elif "greedy_before" not in summary:
        summary |= _greedy(config, parts.problems.heldout, trainer, grader, "greedy_before", listener)
    wait_for_all_ranks()  # each has read the summary of an earlier attempt
    if is_first_rank():
        trainer.to_begin.append(lambda: write_json(run.summary, summary))
    return summary


def _end_stopped(trainer: "LeanGRPOTrainer", summary: dict[str, Any], listener: Listener) -> None:
    """Write the summary of a run that an error ends; that error is the better message where this fails too."""
    from leanrl.trainer.records.summary import end_summary

    run, steps = trainer.run, {"steps": trainer.state.global_step}
    try:
        end_summary(run, summary | steps | _against_plan(run), status="stopped", meter=trainer.meter)
    except OSError as error:
        listener.warn(f"{run.summary} cannot be written: {error.strerror}.")


def _against_plan(run: RunFolder) -> dict[str, Any]:
    """Return what the run has measured against its plan, all attempts on it together; nothing without a plan."""
    from leanrl.report.plan.section import plan_check
    from leanrl.report.run_data import read_run

    data = read_run(run)
    return {"against_plan": plan_check(data)} if data.plan else {}


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
    from leanrl.trainer.rollouts.greedy import complete_greedily

    complete = partial(complete_greedily, trainer)
    score = greedy_score(rows, complete=complete, grader=grader, opened_tag=trainer.scorer.opened_tag)
    if is_first_rank():
        write_jsonl(trainer.run.path / f"{name}.jsonl", score.answers)
    listener.say(f"{name.replace('_', ' ')}: {score.num_correct} of {score.num_eval} held-out problems right")
    return {name: score.accuracy, "num_eval": score.num_eval}


def _write_report(run: RunFolder, listener: Listener) -> None:
    from leanrl.evaluation.pages.write import write_run_report

    started = time.perf_counter()
    try:
        page = write_run_report(run)
    except OSError as error:
        again = command("report", run.path)
        listener.warn(f"the report cannot be written: {error.strerror}. The run is complete; `{again}` writes it.")
        return
    listener.say(f"report: {page} ({duration(time.perf_counter() - started)})")
