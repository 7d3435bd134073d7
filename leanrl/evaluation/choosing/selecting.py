"""A choice of a checkpoint from its question to the report of the pick, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.eval.benchmarks.protocols import MOST_SAMPLES
from leanrl.evaluation.asked import Asked
from leanrl.evaluation.choosing.candidates import find_candidates, require_run
from leanrl.evaluation.choosing.problems import read_selection_set, require_other_name
from leanrl.evaluation.choosing.record import Choice, RoundResult, begin_selection, note_selection
from leanrl.evaluation.choosing.rounds import Candidate, choose, rounds_of
from leanrl.evaluation.drawing import Listener
from leanrl.evaluation.engines import choose_engine
from leanrl.evaluation.evaluate import Evaluated, evaluate, tell_of
from leanrl.evaluation.prepared import prepare, stream_of
from leanrl.evaluation.question import AskedBenchmark, read_benchmarks
from leanrl.evaluation.subject import Subject, find_subject
from leanrl.storage.output_folder import require_writable
from leanrl.storage.run_folder import step_of
from leanrl.storage.run_lock import hold

FIRST_SAMPLES = 2


@dataclass(frozen=True)
class Selecting:
    """A choice as it is asked for.

    Args:
        checkpoints: `all`, or steps such as 50,100.
        select_on: `heldout`, a benchmark, or a file of problems; none that is reported.
        first_samples: completions of each problem that every checkpoint gets; the rounds after it double them.
    """

    checkpoints: str
    select_on: str
    first_samples: int = FIRST_SAMPLES


@dataclass(frozen=True)
class Selected:
    """The choice with its folder, and the evaluation of the pick on the reported benchmarks."""

    folder: Path
    content: Mapping[str, Any]
    evaluated: Evaluated


def select(asked: Asked, selecting: Selecting, *, listener: Listener) -> Selected:
    """Choose a checkpoint of a run on problems that are not reported, then evaluate it once on those that are.

    A second call draws nothing, and one after a kill draws what is missing.

    Raises:
        LeanRLError: as `evaluate`; ConfigError if the question is no choice, or its folder holds another one.
    """
    _require_askable(asked, selecting)
    run, protocol, engine = require_run(asked.model), asked.chosen_protocol(), choose_engine(asked)
    folders = find_candidates(run, selecting.checkpoints, warn=listener.warn)
    subjects = {str(step_of(each)): find_subject(str(each), endpoint=None, warn=listener.warn) for each in folders}
    config = next(iter(subjects.values())).config
    reported = read_benchmarks(asked, protocol, next(iter(subjects.values())))
    rounds = rounds_of(len(folders), first_samples=selecting.first_samples, is_greedy=protocol.temperature == 0)
    chosen_on = read_selection_set(
        selecting.select_on,
        asked=asked,
        run=run,
        config=config,
        protocol=protocol,
        reported=reported,
        num_samples=rounds[-1].num_samples,
    )
    tell_of([chosen_on], listener)
    root = asked.out or run.path / "evals"
    folder = root / f"select-{chosen_on.name}-{asked.folder_suffix()}"
    require_writable(folder, what=f"the choice goes to {folder}", hint="--out DIR")
    listener.say(f"choice among {len(folders)} checkpoints: {folder}")
    candidates = [
        Candidate(step, prepare(subject, protocol, [chosen_on], engine), folder / f"step-{step}")
        for step, subject in subjects.items()
    ]
    saved = begin_selection(folder, _question(subjects, chosen_on, asked, rounds[0].num_samples))
    with hold(folder, doing="written"):

        def tell(done: Sequence[RoundResult]) -> None:
            note_selection(folder, saved, rounds=[each.as_json() for each in done])

        choice = choose(
            candidates,
            rounds,
            with_math_verify=asked.with_math_verify,
            open_stream=lambda each: stream_of(each, asked, listener),
            listener=listener,
            tell=tell,
        )
        saved = note_selection(
            folder, saved, rounds=[each.as_json() for each in choice.rounds], choice=choice.as_json()
        )
        pick = run.checkpoint(int(choice.step))
        evaluated = _report(choice, asked, pick=pick, root=root, chosen_on=chosen_on, listener=listener)
        saved = note_selection(folder, saved, reported=_noted(evaluated))
    return Selected(folder, saved, evaluated)


def _require_askable(asked: Asked, selecting: Selecting) -> None:
    if asked.endpoint is not None:
        raise ConfigError("--checkpoints chooses among the checkpoints of a run; an endpoint has none.")
    if not 1 <= selecting.first_samples <= MOST_SAMPLES:
        raise ConfigError(f"--select-samples is {selecting.first_samples}.", hint=f"--select-samples {FIRST_SAMPLES}")
    require_other_name(selecting.select_on, asked.benchmarks)


def _question(
    subjects: Mapping[str, Subject], chosen_on: AskedBenchmark, asked: Asked, first_samples: int
) -> dict[str, Any]:
    """Return what makes a choice this one and no other."""
    protocol = asked.chosen_protocol()
    return {
        "checkpoints": {step: subject.as_json()["fingerprint"] for step, subject in subjects.items()},
        "select_on": chosen_on.name,
        "sha256": chosen_on.loaded.sha256,
        "num_problems": len(chosen_on.rows),
        "first_samples": first_samples,
        "protocol": protocol.name,
        "max_completion_tokens": protocol.max_completion_tokens,
    }


def _report(
    choice: Choice, asked: Asked, *, pick: Path, root: Path, chosen_on: AskedBenchmark, listener: Listener
) -> Evaluated:
    """Evaluate the pick on the reported benchmarks."""
    listener.say(f"picked: step {choice.step} of {choice.num_tried}; it is evaluated on what is reported")
    out = None if asked.out is None else root / f"step-{choice.step}-{asked.folder_suffix()}"
    facts = {"selected_on": chosen_on.name, **choice.as_json()}
    return evaluate(replace(asked, model=str(pick), out=out), listener=listener, chosen_by=facts)


def _noted(evaluated: Evaluated) -> dict[str, Any]:
    """Return what the choice's own file holds of the pick's evaluation."""
    kept = ("accuracy", "interval_95", "num_problems", "num_samples")
    scores = evaluated.scores["benchmarks"]
    return {
        "folder": str(evaluated.folder),
        "chosen": evaluated.scores.get("chosen"),
        "benchmarks": {name: {key: score[key] for key in kept} for name, score in scores.items()},
    }
