"""Kept completions of an evaluation graded by math-verify: verdicts beside those of leanrl, which stay as they are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, DataError
from leanrl.eval.drawing.schedule import Draw
from leanrl.eval.store.answers import AnswerRecord
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.evaluation.benchmark_data import LoadedBenchmark
from leanrl.evaluation.evaluate import Evaluated
from leanrl.evaluation.question import BOTH_GRADERS
from leanrl.evaluation.recording import DrawnText, SecondGrader, judged_by_math_verify
from leanrl.evaluation.regrading.problems import problems_of
from leanrl.evaluation.scoring import write_scores
from leanrl.grading.pool import GraderPool
from leanrl.grading.scorers.gold import is_scored
from leanrl.hints import command
from leanrl.machine.environment import describe_machine
from leanrl.machine.typed_command import typed_command
from leanrl.storage.home import expanded
from leanrl.storage.run_lock import hold
from leanrl.types import Row

_AT_ONCE = 256


def is_evaluation(name: str) -> bool:
    """Return whether a name is that of an evaluation's folder."""
    return EvaluationFolder(expanded(name)).evaluation.is_file()


def regrade(
    name: str,
    grader: str,
    *,
    benchmarks: Sequence[str] = (),
    data_dir: Path | None = None,
    say: Callable[[str], None],
) -> Evaluated:
    """Grade an evaluation that is there by the grader that is asked for, as `grade_by_math_verify`.

    Raises:
        ConfigError: also if the grader is leanrl's own, whose verdicts are there.
    """
    if grader == "leanrl":
        raise ConfigError(
            f"{name} is no model but an evaluation, which leanrl has graded.",
            hint=f"{command('eval', name, '--grader', 'math-verify')} stores other verdicts beside; "
            f"{command('compare', 'BASE', name)} compares it",
        )
    return grade_by_math_verify(expanded(name), benchmarks=benchmarks, data_dir=data_dir, say=say)


def grade_by_math_verify(
    path: Path, *, benchmarks: Sequence[str] = (), data_dir: Path | None = None, say: Callable[[str], None]
) -> Evaluated:
    """Grade what an evaluation has drawn and math-verify has not judged, and score it; a kill loses no verdict.

    Args:
        benchmarks: files of benchmarks that do not come with leanrl.

    Raises:
        ConfigError: if another process writes the folder, or as `problems_of`.
        DataError: if no benchmark of it is whole, or its completions are not of its problems.
        MissingError: if a benchmark cannot be had.
    """
    folder = EvaluationFolder(path)
    saved = folder.begun()
    loaded = problems_of(path, saved, benchmarks, data_dir=data_dir)
    rows = {name: {row.id: row for row in each.rows} for name, each in loaded.items()}
    with hold(path, doing="written"):
        answers = folder.answers()
        missing = [answer for answer in answers if answer.math_verify is None]
        _require_whole(folder, saved, answers)
        _require_known(folder, missing, rows)
        if not missing:
            say(f"math-verify has graded all {len(answers):,} completions: nothing is graded")
        else:
            say(f"math-verify grades {len(missing):,} of {len(answers):,} completions; no model is asked")
            with GraderPool() as grader:
                _grade(folder, missing, rows, lambda batch: judged_by_math_verify(grader, _lettered(loaded), batch))
            saved = folder.note(saved, grader=BOTH_GRADERS, graded_by_math_verify=_circumstances())
        return Evaluated(path, write_scores(folder, saved, _ids(saved, loaded, answers)), num_drawn=0)


def _grade(
    folder: EvaluationFolder,
    missing: Sequence[AnswerRecord],
    rows: Mapping[str, Mapping[str, Row]],
    judge: SecondGrader,
) -> None:
    with folder.adding_verdicts() as appender:
        for start in range(0, len(missing), _AT_ONCE):
            batch = missing[start : start + _AT_ONCE]
            drawn = [_drawn(answer, rows[answer.benchmark][answer.id]) for answer in batch]
            for answer, text, is_right in zip(batch, drawn, judge(drawn), strict=True):
                # A scorer of its own judges such an answer, whichever grader is asked.
                appender.append(answer, answer.is_correct if is_scored(text.row.gold) else is_right)


def _drawn(answer: AnswerRecord, row: Row) -> DrawnText:
    """Return a completion to be graded; math-verify reads it without the thinking tag that its prompt left open."""
    draw = Draw(answer.benchmark, answer.id, answer.sample)
    return DrawnText(
        draw,
        row,
        answer.seed,
        answer.text,
        answer.num_tokens,
        is_truncated=answer.is_truncated,
        seconds=answer.seconds,
    )


def _lettered(loaded: Mapping[str, LoadedBenchmark]) -> set[str]:
    return {name for name, each in loaded.items() if each.benchmark.answer_kind == "letter"}


def _require_whole(folder: EvaluationFolder, saved: Mapping[str, Any], answers: Sequence[AnswerRecord]) -> None:
    if not any(_is_whole(saved, name, answers) for name in saved["benchmarks"]):
        raise DataError(
            f"{folder.path} has no whole benchmark: its evaluation is not finished.",
            hint="run its `leanrl eval` command again; it goes on where it was",
        )


def _is_whole(saved: Mapping[str, Any], name: str, answers: Iterable[AnswerRecord]) -> bool:
    asked = saved["benchmarks"][name]
    num_there = sum(answer.benchmark == name for answer in answers)
    return bool(num_there == asked["num_problems"] * asked["num_samples"])


def _require_known(
    folder: EvaluationFolder, answers: Iterable[AnswerRecord], rows: Mapping[str, Mapping[str, Row]]
) -> None:
    strange = [answer for answer in answers if answer.id not in rows.get(answer.benchmark, {})]
    if strange:
        first = strange[0]
        raise DataError(
            f"{folder.completions} has {len(strange):,} completions of problems that the data lacks; the first is "
            f"{first.id!r} of {first.benchmark}.",
            hint="bring back the data of the evaluation: --data-dir DIR, or --benchmarks FILE",
        )


def _ids(
    saved: Mapping[str, Any], loaded: Mapping[str, LoadedBenchmark], answers: Sequence[AnswerRecord]
) -> dict[str, list[str]]:
    """Return the problems of the benchmarks that are whole, in the order in which they were asked."""
    return {
        name: [row.id for row in each.rows[: saved["benchmarks"][name]["num_problems"]]]
        for name, each in loaded.items()
        if _is_whole(saved, name, answers)
    }


def _circumstances() -> dict[str, Any]:
    return {
        "versions": describe_machine()["versions"],
        "command": typed_command() or "leanrl.evaluate",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
