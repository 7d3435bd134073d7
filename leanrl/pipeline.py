"""The straight line of a run, in order: config, plan, model, rollout, trainer, loop, checkpoints, merge, report.

    from leanrl.pipeline import train, resume, plan, merge

Heavy libraries are imported inside the steps that need them, after everything that can fail without them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from leanrl.attempt import Attempt, LaterAttempt, NewAttempt
from leanrl.config.checks.check import find_contradictions, find_warnings
from leanrl.config.run_length import with_run_length
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, DataError, DoesNotFitError, MissingError
from leanrl.forecast import plan_that_fits, with_chosen_settings
from leanrl.launch.run import launch, starts_ranks
from leanrl.launch.this_rank import is_first_rank, this_rank
from leanrl.loop import train_and_measure
from leanrl.machine.environment import quiet_libraries
from leanrl.planning import plan
from leanrl.preflight.checks import require_ready
from leanrl.preflight.intent import Intent
from leanrl.preparation import Parts, prepare
from leanrl.report.progress import PlainListener
from leanrl.report.run_log import RunLog, logged
from leanrl.storage.plugin_trust import require_all_there, require_trusted, said_of_plugins, this_user
from leanrl.storage.run_folder import RunFolder, new_run_path, step_of
from leanrl.trained import merge
from leanrl.types import Listener, RewardFunction

__all__ = ["merge", "plan", "resume", "train"]


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
        plugins: Python files that register rewards or plug-ins of a step; the run keeps copies of them.
        run_dir: a folder that does not exist yet; by default runs/<preset>-<time>.
        force: train although the plan says that it does not fit.
        listener: hears progress and warnings; by default they go to stderr.
        typed: the flags of preset and settings on the command line, for commands in messages.

    Raises:
        LeanRLError: for everything that a user can fix, before the first step wherever that is possible.
    """
    quiet_libraries()
    with logged(listener or PlainListener()) as log:
        config = config if rows is None else _with_python_rows(config)
        _check(config, log)
        path = Path(run_dir) if run_dir is not None else new_run_path(Path("runs"), config.name, datetime.now())
        intent = Intent(config, rows, rewards or {}, plugins, new_run=path, is_training=True)
        return _run(intent, NewAttempt(path, plugins), force=force, typed=typed, listener=log)


def resume(
    run_dir: Path | str,
    *,
    rows: Iterable[Mapping[str, Any]] | None = None,
    rewards: Mapping[str, RewardFunction] | None = None,
    force: bool = False,
    trust_plugins: bool = False,
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Continue a run from its newest complete checkpoint, and return its summary.

    Rows and reward functions that were given in Python have to be given again.

    Args:
        force: go on although data, model, template or configuration are not those of the start.
        trust_plugins: run the plug-ins that the run keeps although they are another user's, or have changed.

    Raises:
        ConfigError: if there is no run, no complete checkpoint, nothing left to do, or something has changed.
    """
    quiet_libraries()
    with logged(listener or PlainListener()) as log, _flags_are_keys_of(Path(run_dir)):
        attempt = LaterAttempt.on(Path(run_dir), log, force=force)
        config, run = attempt.config, attempt.run
        _ask_of_plugins(run, trust=trust_plugins, force=force, listener=log)
        _require_rows(config, rows, run=run.path)
        intent = Intent(config, rows, rewards or {}, run.kept_plugins(), run=run.path, is_training=True)
        # what fitted once goes on: the plan of today is compared with what is measured, and refuses nothing
        return _run(intent, attempt, force=True, typed=(), listener=log)


def _run(intent: Intent, attempt: Attempt, *, force: bool, typed: Sequence[str], listener: RunLog) -> dict[str, Any]:
    """Check and plan the run, place it in this process or in ranks, load what it needs, and train.

    A process that starts ranks trains nothing: each rank is a `resume` of the same folder.
    """
    ready = require_ready(intent)
    with attempt.claimed(ready, listener) as claim:
        counted = with_run_length(intent.config, num_rows=len(ready.problems.train))
        predicted = plan_that_fits(counted, force=force, listener=listener, typed=typed)
        config = with_chosen_settings(intent.config, predicted, listener)
        if starts_ranks(config):
            return launch(config, attempt.folder_for_ranks(config, ready, predicted, listener), listener=listener)

        for warning in ready.warnings if is_first_rank() else ():
            listener.warn(warning)

        from leanrl.grading.pool import GraderPool

        with GraderPool(refused=config.grading.refused) as grader:
            parts = prepare(config, ready, grader=grader, listener=listener, checkpoint=claim.checkpoint)
            config = _with_length(config, parts, listener)
            with attempt.entered(config, ready, predicted, listener) as run:
                if claim.checkpoint is not None:
                    listener.say(f"resuming {run.path} after step {step_of(claim.checkpoint)}")
                return train_and_measure(
                    config,
                    parts,
                    run=run,
                    grader=grader,
                    listener=listener,
                    predicted=predicted,
                    checkpoint=claim.checkpoint,
                    begin=partial(claim.begin, config),
                )


@contextmanager
def _flags_are_keys_of(run: Path) -> Iterator[None]:
    """Say where a run that goes on takes what the hint of an error would set with `-s`: --resume takes no flags."""
    try:
        yield
    except (ConfigError, DataError, DoesNotFitError, MissingError) as error:
        hints = [error.hint, *(problem.hint for problem in error.problems)]
        said = " ".join(hint for hint in hints if hint is not None)
        if "-s " in said and "leanrl train -p" not in said:
            where = f"with --resume, a flag of `-s` means that key in {RunFolder(run).config}"
            error.hint = where if error.hint is None else f"{error.hint}; {where}"
        raise


def _ask_of_plugins(run: RunFolder, *, trust: bool, force: bool, listener: Listener) -> None:
    """Say which plug-ins of the run's own are about to run; refuse those that may be a stranger's, and lost ones.

    Ranks that leanrl has started are left alone: the process that started them has asked.
    """
    rank = this_rank()
    if rank is not None and rank.is_launched:
        return
    if not trust:
        require_trusted(run, user=this_user())
    if not force:
        require_all_there(run)
    line = said_of_plugins(run)
    if line is not None and is_first_rank():
        listener.say(line)


def _with_python_rows(config: RunConfig) -> RunConfig:
    source = {"generator": "python", "path": None, "hub_id": None}
    return config.model_copy(update={"data": config.data.model_copy(update=source)})


def _require_rows(config: RunConfig, rows: Iterable[Mapping[str, Any]] | None, *, run: Path) -> None:
    if rows is None and config.data.generator == "python":
        raise ConfigError(
            "data.generator is python: this run trains on rows that were given in Python, and none are given now.",
            hint=f"in Python, with the same rows: leanrl.resume({str(run)!r}, rows=rows)",
        )


def _check(config: RunConfig, listener: Listener) -> None:
    problems = find_contradictions(config)
    if problems:
        raise ConfigError(f"The configuration {config.name} contradicts itself:", problems=problems)
    for warning in find_warnings(config):
        listener.warn(warning)


def _with_length(config: RunConfig, parts: Parts, listener: Listener) -> RunConfig:
    """Return the config with the steps of its epochs over the problems that are left, and say how many."""
    counted = with_run_length(config, num_rows=len(parts.problems.train))
    if counted != config:
        epochs, steps = config.train.epochs, counted.train.max_steps
        name = "max_steps is null, num_epochs" if config.train.num_epochs is None else "num_epochs"
        listener.say(f"train.{name} is {epochs:g}: {steps} steps for {len(parts.problems.train)} problems")
    return counted
