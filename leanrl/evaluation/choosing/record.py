"""selection.json: the checkpoints of a choice, its problems, its rounds, and what luck alone would give."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.eval.compare.selection import BestByLuck, Standing, luck_of
from leanrl.eval.scores.intervals import score_interval
from leanrl.eval.scores.problem_scores import ProblemScores, shares_of
from leanrl.hints import quoted
from leanrl.storage.run_folder import read_json, write_json

SELECTION_FILE = "selection.json"
FORMAT = 1


@dataclass(frozen=True)
class RoundResult:
    """One round: the completions of each problem so far, and the candidates, the best first."""

    num_samples: int
    standings: Sequence[Standing]

    def as_json(self) -> dict[str, Any]:
        return {"num_samples": self.num_samples, "standings": [_standing(one) for one in self.standings]}


@dataclass(frozen=True)
class Choice:
    """The checkpoint that was picked, by its step, with its counts on the selection set, and what luck would give.

    `luck` is that of the first round, in which all candidates took part with as many samples; `best_of_first_round` is
    what was found there.
    """

    step: str
    num_tried: int
    scores: ProblemScores
    luck: BestByLuck
    best_of_first_round: float
    rounds: Sequence[RoundResult]

    def as_json(self) -> dict[str, Any]:
        shares = shares_of(self.scores)
        interval = score_interval(shares)
        return {
            "num_tried": self.num_tried,
            "step": int(self.step),
            "accuracy": float(shares.mean()),
            "interval_95": [interval.low, interval.high],
            "best_of_first_round": self.best_of_first_round,
            "best_of_equal_by_luck": asdict(self.luck),
        }


def make_choice(first: Mapping[str, ProblemScores], last: ProblemScores, rounds: Sequence[RoundResult]) -> Choice:
    """Return the choice that the last round leaves.

    Args:
        first: counts of all candidates in the first round.
        last: counts of the picked one in the last round.
    """
    best_first = rounds[0].standings[0].accuracy
    return Choice(rounds[-1].standings[0].name, len(first), last, luck_of(first), best_first, rounds)


def begin_selection(folder: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """Note what a choice is made among and on, or check that the folder was asked the same; return selection.json.

    Raises:
        ConfigError: if it holds another choice, with each value that differs.
    """
    path = folder / SELECTION_FILE
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        saved = {"format": FORMAT, "question": dict(question), "rounds": [], "choice": None, "reported": None}
        write_json(path, saved)
        return saved
    saved = read_json(path)
    before = saved.get("question") or {}
    differing = [
        f"{name} is {question.get(name)!r:.120}, and was {before.get(name)!r:.120}"
        for name in sorted({*question, *before})
        if question.get(name) != before.get(name)
    ]
    if saved.get("format") != FORMAT or differing:
        what = differing or [f"its format is {saved.get('format')!r}"]
        raise ConfigError(
            "\n".join([f"{folder} holds another choice:", *(f"  - {one}" for one in what)]),
            hint=f"ask as before, or keep both: `--out {quoted(f'{folder.parent}-2')}`; "
            "a second choice is a second try on what is reported",
        )
    return saved


def note_selection(folder: Path, saved: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """Write facts into selection.json; return its content."""
    noted = {**saved, **facts}
    write_json(folder / SELECTION_FILE, noted)
    return noted


def _standing(one: Standing) -> dict[str, Any]:
    behind = one.behind_leader
    return {
        "step": int(one.name),
        "accuracy": one.accuracy,
        "behind_leader": None if behind is None else behind.value,
        "behind_leader_interval_95": None if behind is None else [behind.interval.low, behind.interval.high],
        "is_kept": one.is_kept,
    }
