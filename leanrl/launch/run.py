"""A run of several training ranks on this machine, from its folder to its summary."""

import signal
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, InterruptedRunError, LeanRLError
from leanrl.hints import command
from leanrl.launch.ranks import RanksFailedError, run_ranks
from leanrl.launch.signals import ENDING_SIGNALS
from leanrl.launch.this_rank import Rank, this_rank
from leanrl.launch.topology import is_launched, training_ranks
from leanrl.machine.endings import ending_in_words, ending_signal
from leanrl.storage.run_folder import RunFolder, read_json
from leanrl.types import Listener


def starts_ranks(config: RunConfig) -> bool:
    """Return whether this process starts those that train, and trains nothing itself."""
    return is_launched(config) and this_rank() is None


def launch(config: RunConfig, run: RunFolder, *, listener: Listener) -> dict[str, Any]:
    """Start the training ranks on a run folder, and return its summary when they have ended.

    Raises:
        LeanRLError: with the exit code of the rank that failed, which has said why.
    """
    specs = training_ranks(config, run=str(run.path))
    others = f"; {len(specs)} training ranks, all but the first speak in {run.rank_logs}" if len(specs) > 1 else ""
    listener.say(f"run folder: {run.path}{others}")
    try:
        run_ranks(specs, logs=run.rank_logs)
    except RanksFailedError as failure:
        error = _error_of(failure, run)
        run.discard_unused()
        raise error from None
    return read_json(run.summary)


def require_ranks(config: RunConfig, rank: Rank | None, *, is_from_python: bool) -> None:
    """Refuse what cannot be started from here.

    Raises:
        ConfigError: for ranks that are not as many as the configuration has, and for those that torchrun has to start.
    """
    wanted = config.num_train_ranks
    if rank is not None and rank.num_ranks != wanted:
        raise ConfigError(
            f"{rank.num_ranks} ranks are started (WORLD_SIZE), and the configuration {config.name} has {wanted}.",
            hint="the same command with `--dry-run` prints the one that starts as many as it has",
        )
    if config.backend == "unsloth" and rank is not None and not rank.is_launched:
        raise ConfigError(
            "backend unsloth trains in a process that leanrl starts itself, and this one was started as a rank.",
            hint="`leanrl train` without torchrun, or -s backend=hf",
        )
    if rank is not None or not is_launched(config):
        return
    if config.hardware.num_nodes > 1:
        raise ConfigError(
            f"hardware.num_nodes is {config.hardware.num_nodes}, and leanrl starts ranks on its own machine only.",
            hint="the same command with `--dry-run` prints the torchrun command of each node",
        )
    if is_from_python:
        program = "start the program itself with torchrun, or " if wanted > 1 else ""
        raise ConfigError(
            f"{_who(config)}, and rows and rewards from Python reach no other process.",
            hint=f"{program}name data.path and a plug-in file",
        )


def _who(config: RunConfig) -> str:
    if config.num_train_ranks > 1:
        return f"{config.num_train_ranks} training ranks are asked for"
    return "backend unsloth trains in a process of its own"


def _error_of(failure: RanksFailedError, run: RunFolder) -> LeanRLError:
    saved = run.complete_checkpoints()
    left = f"{saved[-1].name} is its newest checkpoint" if saved else "it has no checkpoint yet"
    resume = command("train", "--resume", run.path) if saved else None
    if failure.code - 128 in ENDING_SIGNALS:
        name = signal.Signals(failure.code - 128).name
        return InterruptedRunError(f"stopped by {name}; {left}.", hint=resume, signal_number=failure.code - 128)
    ended = f"training rank {failure.number} {ending_in_words(failure.code)}"
    was_killed = ending_signal(failure.code) is not None
    lines = failure.last_lines()
    said = f". The end of {failure.log}:\n{lines}" if lines else "."
    error = LeanRLError(f"{ended}; {left}{said}", hint=resume) if was_killed else LeanRLError(f"{ended}{said}")
    error.exit_code = failure.code
    return error
