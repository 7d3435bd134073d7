"""What a name that `leanrl compare` is given stands for: an evaluation's folder or file, or a published row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, DataError, Problem
from leanrl.eval.compare.reference import ReferenceRow, find_row
from leanrl.eval.scores.greedy_file import read_greedy_file
from leanrl.eval.scores.problem_scores import ProblemScores
from leanrl.eval.scores.score_file import EVALUATION_FILE, SCORES_FILE, read_json_object, read_score_file
from leanrl.hints import command

_MAX_NAMED = 5


@dataclass(frozen=True)
class Evaluated:
    """An evaluation of leanrl's: counts of every problem by benchmark, and evaluation.json; None where that is lost.

    `file` is what the counts were read from, without links.
    """

    label: str
    per_problem: Mapping[str, ProblemScores]
    asked: Mapping[str, Any] | None
    file: Path


Side = Evaluated | ReferenceRow


def find_sides(names: Sequence[str]) -> list[Side]:
    """Return what all names of a comparison stand for.

    Raises:
        ConfigError: as `find_side`; or for two names of one evaluation, whose difference would be 0 by construction.
        DataError: as `find_side`.
    """
    sides = list(map(find_side, names))
    first_names: dict[str, str] = {}
    problems = []
    for name, side in zip(names, sides, strict=True):
        identity = _identity(side)
        if identity in first_names:
            problems.append(Problem(name, f"is the same evaluation as {first_names[identity]} ({identity})"))
        else:
            first_names[identity] = name
    if problems:
        others = list(first_names.values())
        once = command("compare", *others)
        raise ConfigError(
            "an evaluation is compared with itself, and no difference can be found so.",
            hint=once if len(others) > 1 else f"name another one: `{once} OTHER`",
            problems=problems,
        )
    return sides


def find_side(name: str) -> Side:
    """Return what `name` stands for; a path that exists comes before a row of the same name.

    Raises:
        ConfigError: for a name that is neither, or a folder without a finished evaluation.
        DataError: for a file that cannot be read.
    """
    path = Path(name)
    if path.is_dir():
        return _evaluated(name, _score_file_in(path))
    if path.suffix == ".jsonl" and path.exists():
        return _greedy(name, path)
    if path.exists():
        return _evaluated(name, path)
    try:
        return find_row(name)
    except ConfigError as error:
        listed = "`leanrl compare --list` shows the published rows"
        raise ConfigError(
            f"{name} is no folder or file, and no published row.",
            hint=f"{error.hint} {listed}" if error.hint else f"name a folder that `leanrl eval` wrote; {listed}",
        ) from None


def grader_of(side: Side) -> str | None:
    """Return the grader whose verdicts are compared: the first, since a second one's stand beside; None if unknown."""
    grader = side.asked.get("grader") if isinstance(side, Evaluated) and side.asked else None
    return None if grader is None else str(grader).partition(",")[0]


def _identity(side: Side) -> str:
    return side.label if isinstance(side, ReferenceRow) else str(side.file)


def _greedy(name: str, path: Path) -> Evaluated:
    """Return a run's own greedy scores; only files of one run are known to have been asked alike."""
    asked = {"protocol": {"temperature": 0, "run": str(path.resolve().parent)}}
    return Evaluated(name, {"heldout": read_greedy_file(path)}, asked, path.resolve())


def _evaluated(name: str, path: Path) -> Evaluated:
    found = read_score_file(path)
    asked = read_json_object(found.evaluation) if found.evaluation.is_file() else None
    model = asked.get("model") if asked else None
    source = model.get("source") if isinstance(model, dict) else None
    return Evaluated(f"{name} ({source})" if source else name, found.per_problem, asked, path.resolve())


def _score_file_in(folder: Path) -> Path:
    path = folder / SCORES_FILE
    if path.is_file():
        return path
    if (folder / EVALUATION_FILE).is_file():
        raise DataError(
            f"{folder} has no {SCORES_FILE}: its evaluation is not finished.",
            hint="run its `leanrl eval` command again; it goes on where it was",
        )
    inside = sorted(file.parent for file in folder.glob(f"*/{SCORES_FILE}"))
    inside += sorted(file.parent for file in folder.glob(f"evals/*/{SCORES_FILE}"))
    if not inside:
        raise ConfigError(f"{folder} holds no evaluation: it has no {SCORES_FILE}.", hint=_way_to_scores(folder))
    named = ", ".join(map(str, inside[:_MAX_NAMED])) + (" and more" if len(inside) > _MAX_NAMED else "")
    raise ConfigError(f"{folder} holds several evaluations or none itself: {named}.", hint=f"name one: {inside[0]}")


def _way_to_scores(folder: Path) -> str:
    """Return what makes scores of a run or a model, or what a comparison takes in the place of another folder."""
    makes = f"`{command('eval', folder)}` makes one"
    before, after = folder / "greedy_before.jsonl", folder / "greedy_after.jsonl"
    if before.is_file() and after.is_file():
        return f"{makes}; `{command('compare', before, after)}` compares the run with its own start"
    if any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        return makes
    return "name a folder that `leanrl eval` wrote; results of other programs lack the counts of each problem"
