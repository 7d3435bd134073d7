"""The stages of a proof on a GPU: what each runs, what it needs, and how its commands are filled in."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

LIST = Path(__file__).with_name("stages.yaml")
# Words of a command that stand for several arguments, or none.
_FLAGS = ("tiny", "demo", "brief")
_SECONDS_TO_WRITE = 10.0


@dataclass(frozen=True)
class Step:
    """One command of a stage, with the seconds after which it is killed."""

    name: str
    seconds: float
    run: str
    rehearse: str | None = None
    expects: int = 0
    reads: str | None = None
    only: str | None = None
    quick: bool = False
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, words: Mapping[str, str], *, is_rehearsal: bool) -> list[str]:
        """Return the arguments of the process, with the words of this machine filled in."""
        text = self.rehearse if is_rehearsal and self.rehearse is not None else self.run
        quoted = {name: word if name in _FLAGS else shlex.quote(word) for name, word in words.items()}
        return shlex.split(text.format(**quoted))


@dataclass(frozen=True)
class Stage:
    """Steps that prove one thing; `gib` must be free on the card, and `packages` be installed."""

    name: str
    proves: str
    gib: float
    packages: tuple[str, ...]
    package_folders: tuple[str, ...]
    steps: tuple[Step, ...]
    quick: bool = False


def read_stages(path: Path = LIST) -> list[Stage]:
    """Return all stages in the order of the file."""
    return [_stage(row) for row in yaml.safe_load(path.read_text(encoding="utf-8"))]


def _stage(row: Mapping[str, Any]) -> Stage:
    steps = tuple(Step(**step | {"packages": tuple(step.get("packages", ()))}) for step in row["steps"])
    lists = {name: tuple(row[name]) for name in ("packages", "package_folders")}
    return Stage(**dict(row) | lists | {"steps": steps})


def chosen(stages: Iterable[Stage], names: Iterable[str], *, is_quick: bool) -> list[Stage]:
    """Return the stages of these names, all without names, each cut to its quick steps where that is asked for.

    Raises:
        SystemExit: for a name that no stage has.
    """
    stages = list(stages)
    unknown = sorted(set(names) - {stage.name for stage in stages})
    if unknown:
        raise SystemExit(f"no stage {', '.join(unknown)}; one of: {', '.join(stage.name for stage in stages)}")
    wanted = [stage for stage in stages if not names or stage.name in set(names)]
    return [_quick(stage) for stage in wanted if stage.quick] if is_quick else wanted


def _quick(stage: Stage) -> Stage:
    return replace(stage, steps=tuple(step for step in stage.steps if step.quick))


def words_for(*, device: str, card: str | None, seconds: float, out: Path, runs: Path, python: str) -> dict[str, str]:
    """Return what stands for the braces of a command.

    Args:
        card: the name that `hardware.gpu` takes for the card that is here, or None where the planner does not know it.
        seconds: after which the step is killed; what counts its own time is told to end a little earlier.
        out: folder of the step's results.
        runs: folder of the stage's run folders.
    """
    is_card = device == "cuda"
    where = f"-s hardware.device=cuda -s hardware.num_gpus=1 -s hardware.gpu={card or 'null'}"
    brief = "-s train.max_steps=4 -s eval.greedy=false -s data.num_heldout=0"
    rehearsed = "-s train.max_steps=1 -s train.num_prompts=1 -s eval.greedy=false -s data.num_heldout=0"
    return {
        "python": python,
        "device": device,
        "seconds": f"{max(1.0, seconds - _SECONDS_TO_WRITE):.0f}",
        "out": str(out),
        "runs": str(runs),
        "tiny": "" if is_card else "--tiny",
        "demo": f"-m leanrl train -p cpu-demo {where if is_card else rehearsed}",
        "brief": brief if is_card else "",
    }
