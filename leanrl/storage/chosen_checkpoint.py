"""The checkpoint of a run that `--checkpoint` names."""

from pathlib import Path

from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.storage.evaluations import best_checkpoint
from leanrl.storage.run_folder import RunFolder, step_of


def chosen_checkpoint(source: Path, name: str) -> Path:
    """Return the checkpoint of the run at `source` that `name` names: best, its step, or its folder's name.

    Raises:
        ConfigError: if `source` is no run, it has no such checkpoint, or none was evaluated and the best is asked for.
    """
    run = RunFolder(source)
    if not run.config.is_file() or not run.checkpoints.is_dir():
        raise ConfigError(
            f"--checkpoint {name} names a checkpoint of a run, and {source} is no run folder.",
            hint="name the run, or leave --checkpoint out",
        )
    if name == "best":
        return best_checkpoint(run)
    there = {step_of(path): path for path in run.complete_checkpoints()}
    number = name.removeprefix("step-")
    if not number.isdecimal() or int(number) not in there:
        steps = ", ".join(map(str, there)) or "none"
        raise ConfigError(
            f"--checkpoint is {name!r}, and {source} has no such complete checkpoint: its steps are {steps}.",
            hint=f"--checkpoint best, or --checkpoint {max(there)}"
            if there
            else f"`{command('train', '--resume', source)}`",
        )
    return there[int(number)]
