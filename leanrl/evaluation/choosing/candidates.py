"""The checkpoints that a choice is made among."""

from collections.abc import Callable
from pathlib import Path

from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.storage.checkpoint_files import find_damage, to_read
from leanrl.storage.home import expanded
from leanrl.storage.run_folder import RunFolder, open_run_folder, step_of

ALL = "all"


def require_run(model: str) -> RunFolder:
    """Return the run whose checkpoints are asked for.

    Raises:
        ConfigError: if it is none.
    """
    path = expanded(model)
    if not path.is_dir():
        raise ConfigError(
            f"--checkpoints takes the folder of a run, and {model} is none.", hint="`ls runs/` shows the runs here"
        )
    return open_run_folder(path)


def find_candidates(run: RunFolder, wanted: str, *, warn: Callable[[str], None]) -> list[Path]:
    """Return the whole checkpoints that are asked for, the one that trained least first.

    Args:
        wanted: `all`, or steps such as 50,100.
        warn: hears of checkpoints that are damaged and left out; one that is named is refused.

    Raises:
        ConfigError: if there are none, or some that are named are not there or damaged, all of them named.
    """
    there = {step_of(folder): folder for folder in run.complete_checkpoints()}
    if not there:
        raise ConfigError(f"{run.path} has no complete checkpoint.", hint=command("train", "--resume", run.path))
    steps = sorted(there) if wanted == ALL else _steps(wanted, there, run)
    damage = {step: found for step in steps if (found := find_damage(there[step], to_read))}
    lines = [f"{there[step]} is damaged: {'; '.join(found)}" for step, found in damage.items()]
    whole = [there[step] for step in steps if step not in damage]
    if lines and (wanted != ALL or not whole):
        raise ConfigError("\n".join(lines), hint="--checkpoints all leaves damaged ones out" if whole else None)
    for line in lines:
        warn(f"{line}; it is left out")
    return whole


def _steps(wanted: str, there: dict[int, Path], run: RunFolder) -> list[int]:
    parts = [part.strip() for part in wanted.split(",") if part.strip()]
    wrong = [part for part in parts if not (part.isascii() and part.isdigit()) or int(part) not in there]
    if wrong or not parts:
        what = f"--checkpoints names {', '.join(wrong)}" if wrong else "--checkpoints names none"
        steps = ",".join(map(str, sorted(there)))
        raise ConfigError(f"{what}; {run.path} has the steps {steps}.", hint=f"--checkpoints all, or {steps}")
    return sorted(set(map(int, parts)))
