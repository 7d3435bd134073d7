"""Training from Python, by the same path as `leanrl train`."""

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from leanrl.api.rewards import Rewards, functions_by_name, reward_settings
from leanrl.api.run import Run
from leanrl.api.settings import Overrides, as_settings
from leanrl.config.load import load_config
from leanrl.pipeline import resume as resume_run
from leanrl.pipeline import train as train_run
from leanrl.preflight.plugins import load_plugins, plugin_problems
from leanrl.storage.run_folder import new_run_path
from leanrl.types import Listener

Rows = Iterable[Mapping[str, Any]]


def train(
    preset: str | Path,
    *,
    rows: Rows | None = None,
    rewards: Rewards | None = None,
    overrides: Overrides | None = None,
    plugins: Sequence[Path | str] = (),
    run_dir: Path | str | None = None,
    force: bool = False,
    listener: Listener | None = None,
) -> Run:
    """Train in this process as a preset says, and return the run.

    Interrupting the kernel ends the run after its step, with a checkpoint for `leanrl.resume`. A run of several cards
    starts a process for each; rows and functions from Python reach none of them, which is said before it starts.

    Args:
        preset: the name of a preset, or a file.
        rows: problems to train on, such as `{"problem": "2 + 2", "answer": "4"}`: a list, a `pandas.DataFrame` or a
            dataset. They take the place of the preset's data.
        rewards: functions, and names of registered rewards. They take the place of the preset's rewards, and each has
            weight 1; an override such as `{"rewards.accuracy": 0.5}` gives another. A function takes a
            `leanrl.types.Sample`, or the arguments of a reward function of TRL.
        overrides: values by dotted key, as `-s` takes them.
        plugins: Python files that register rewards or plug-ins of a step.
        run_dir: a folder that does not exist yet; by default runs/PRESET-TIME.
        force: train although the plan says that it does not fit.
        listener: hears progress and warnings; by default they go to stderr.

    Raises:
        LeanRLError: for everything that a user can fix, before the first step wherever that is possible.
    """
    files = [Path(plugin) for plugin in plugins]
    load_plugins(files)
    source = [] if rows is None else ["data.generator=python"]
    own = [] if rewards is None else reward_settings(rewards, load_config(preset).config)
    config = load_config(preset, [*source, *own, *as_settings(overrides)], also=plugin_problems).config
    folder = new_run_path(Path("runs"), config.name, datetime.now()) if run_dir is None else Path(run_dir)
    with _memory_given_back():
        train_run(
            config,
            rows=rows,
            rewards=functions_by_name(rewards),
            plugins=files,
            run_dir=folder,
            force=force,
            listener=listener,
        )
    return Run(folder)


def resume(
    run: Run | Path | str,
    *,
    rows: Rows | None = None,
    rewards: Rewards | None = None,
    force: bool = False,
    trust_plugins: bool = False,
    listener: Listener | None = None,
) -> Run:
    """Continue a run from its newest complete checkpoint, with the rows and functions that it was given.

    Args:
        force: go on although data, model, template or configuration are not those of the start.
        trust_plugins: run the plug-ins that the run keeps although they are another user's, or have changed.

    Raises:
        ConfigError: if there is no run, no complete checkpoint, nothing left to do, or something has changed.
    """
    with _memory_given_back():
        resume_run(
            Path(run),
            rows=rows,
            rewards=functions_by_name(rewards),
            force=force,
            trust_plugins=trust_plugins,
            listener=listener,
        )
    return Run(Path(run))


@contextmanager
def _memory_given_back() -> Iterator[None]:
    """Free what a run held: a notebook's process goes on, and its next run needs the card."""
    try:
        yield
    finally:
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()
