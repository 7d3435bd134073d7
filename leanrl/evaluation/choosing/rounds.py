"""Successive halving of checkpoints: each round draws what its candidates lack, and the better half stays."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leanrl.eval.compare.selection import Round, halving_rounds, standings
from leanrl.eval.drawing.schedule import Draw
from leanrl.eval.scores.problem_scores import ProblemScores
from leanrl.eval.store.answers import AnswerRecord
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.evaluation.choosing.record import Choice, RoundResult, make_choice
from leanrl.evaluation.drawing import Listener
from leanrl.evaluation.prepared import OpenStream, Prepared, begin, draw_missing
from leanrl.storage.output_folder import require_writable
from leanrl.storage.run_lock import hold


@dataclass(frozen=True)
class Candidate:
    """A checkpoint with its prompts, and the folder that keeps its completions of the selection set."""

    step: str
    prepared: Prepared
    folder: Path


def rounds_of(num_candidates: int, *, first_samples: int, is_greedy: bool) -> list[Round]:
    """Return the rounds; likeliest tokens are the same in every sample, so that one round says all."""
    return [Round(num_candidates, 1)] if is_greedy else halving_rounds(num_candidates, num_samples=first_samples)


def choose(
    candidates: Sequence[Candidate],
    rounds: Sequence[Round],
    *,
    with_math_verify: bool,
    open_stream: OpenStream,
    listener: Listener,
    tell: Callable[[Sequence[RoundResult]], None],
) -> Choice:
    """Return the candidate that is left after all rounds; what an earlier start drew is not drawn again.

    Args:
        rounds: how many candidates and samples a problem each round has.
        tell: hears of all rounds so far after each.
    """
    alive = {each.step: each for each in candidates}
    found: list[RoundResult] = []
    first: Mapping[str, ProblemScores] = {}
    scores: dict[str, ProblemScores] = {}
    for number, each in enumerate(rounds):
        scores = {
            step: _counts_after(
                candidate,
                each.num_samples,
                with_math_verify=with_math_verify,
                open_stream=open_stream,
                listener=listener,
            )
            for step, candidate in alive.items()
        }
        first = first or scores
        num_kept = rounds[number + 1].num_candidates if number + 1 < len(rounds) else 1
        result = RoundResult(each.num_samples, standings(scores, num_kept=num_kept))
        found.append(result)
        tell(found)
        listener.say(_round_line(number + 1, result))
        alive = {step: each for step, each in alive.items() if step in _kept(result)}
        if len(alive) == 1:
            break
    return make_choice(first, scores[found[-1].standings[0].name], found)


def _counts_after(
    candidate: Candidate, num_samples: int, *, with_math_verify: bool, open_stream: OpenStream, listener: Listener
) -> ProblemScores:
    """Draw what a candidate lacks of the first samples of each problem; return how many of them are right."""
    folder, prepared = EvaluationFolder(candidate.folder), candidate.prepared
    require_writable(folder.path, what=f"the choice goes to {folder.path.parent}", hint="--out DIR")
    saved = begin(folder, prepared, with_math_verify=with_math_verify)
    wanted = [draw for draw in prepared.draws() if draw.sample < num_samples]
    with hold(folder.path, doing="written"):
        listener.say(f"checkpoint of step {candidate.step}, {num_samples} completions a problem")
        draw_missing(
            folder,
            saved,
            prepared,
            wanted,
            with_math_verify=with_math_verify,
            open_stream=open_stream,
            listener=listener,
        )
        return _counts(folder.answers(), wanted)


def _counts(answers: Iterable[AnswerRecord], wanted: Sequence[Draw]) -> ProblemScores:
    asked = set(wanted)
    counts: dict[str, tuple[int, int]] = {}
    for record in answers:
        if Draw(record.benchmark, record.id, record.sample) in asked:
            correct, samples = counts.get(record.id, (0, 0))
            counts[record.id] = (correct + record.is_correct, samples + 1)
    return counts


def _kept(result: RoundResult) -> set[str]:
    return {one.name for one in result.standings if one.is_kept}


def _round_line(number: int, result: RoundResult) -> str:
    """Return a round in a sentence: who leads, and who stays."""
    leader = result.standings[0]
    kept = ", ".join(sorted(_kept(result), key=int))
    return (
        f"round {number}: {len(result.standings)} checkpoints with {result.num_samples} completions a problem; "
        f"step {leader.name} leads with {leader.accuracy:.1%}; left: {kept}"
    )
