"""Data and protocols that pass between rooms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal, Protocol

GradeMode = Literal["strict", "lenient", "as_run", "published", "published_letter"]
Reason = Literal[
    "correct", "wrong", "unfinished", "echo", "no_box", "unparseable_answer", "unparseable_gold",
    "timeout", "memory", "died",
]  # fmt: skip
Form = Literal["unfinished", "echo"]
FORMS: tuple[Form, ...] = ("unfinished", "echo")  # what the strict mode does not pay though it is equal
Message = dict[str, str]
Language = Literal[
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl", "no",
    "pl", "pt", "ro", "ru", "sr", "sv", "th", "tr", "uk", "vi", "zh",
]  # fmt: skip


@dataclass(frozen=True)
class GoldList:
    """Several gold answers of one problem: any of them is right, or all of them are asked for."""

    answers: tuple[str, ...]
    accept: Literal["any", "all"] = "any"

    def __str__(self) -> str:
        return (" or " if self.accept == "any" else " and ").join(self.answers)


class PromptForm(Protocol):
    """Puts a problem into its prompt: many rows share one, so that none of them holds its problem twice."""

    def build(self, problem: str) -> list[Message]:
        """Return the conversation that asks a problem."""
        ...


@dataclass(frozen=True, slots=True)  # a dataset has 200,000 of them
class Row:
    """One problem, ready to be asked.

    `asked_by` is a conversation for a chat template, plain text for a model that is prompted without one, or the form
    that makes a conversation of the problem. `columns` are the fields of the source, where a reward asks for them.
    """

    id: str
    problem: str
    gold: str | GoldList
    asked_by: list[Message] | str | PromptForm
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prompt(self) -> list[Message] | str:
        """The conversation or the text that asks the problem."""
        return self.asked_by if isinstance(self.asked_by, list | str) else self.asked_by.build(self.problem)


@dataclass(frozen=True, slots=True)
class DroppedRow:
    """A row that cannot be used, and why; `where` is the file and line, or the row's number."""

    where: str
    reason: str


@dataclass(frozen=True)
class ProblemSet:
    """What the data room hands on: rows to train on, rows held out, rows dropped with their reasons.

    `lines` say to the user how the source was read, `notes` what of it may be wrong.
    """

    train: list[Row]
    heldout: list[Row] = field(default_factory=list)
    dropped: list[DroppedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def num_rows(self) -> dict[str, int]:
        """How many there are of each, by the names of summary.json."""
        return {
            "num_train_rows": len(self.train),
            "num_heldout_rows": len(self.heldout),
            "num_dropped_rows": len(self.dropped),
        }


@dataclass(frozen=True)
class GradeRequest:
    """One completion to judge against a problem's gold answer, or its several.

    With the text of the `problem`, an answer that only copies a formula of it is found.
    """

    completion: str
    gold: str | GoldList
    mode: GradeMode = "strict"
    problem: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What the grader found. Only reason `correct` is correct; a failure of the grader never is."""

    reason: Reason
    seconds: float

    @property
    def correct(self) -> bool:
        return self.reason == "correct"


class Grader(Protocol):
    """Judges answers; owns whatever processes it needs until it is closed."""

    def grade(self, requests: Sequence[GradeRequest]) -> list[Verdict]:
        """Return one verdict per request, in order; never raise for what a completion contains."""
        ...

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        ...


@dataclass(frozen=True)
class Sample:
    """One completion as a reward sees it.

    `verdict` is present where the reward declared a grade mode. `num_tokens` counts the end token, which `token_ids`
    hold too. `opened_tag` is the thinking tag that the prompt left open, so that the text begins inside its part.
    `prompt` and `columns` are those of the row.
    """

    problem: str
    gold: str | GoldList
    text: str
    num_tokens: int
    max_completion_tokens: int
    is_truncated: bool
    verdict: Verdict | None = None
    token_ids: Sequence[int] = ()
    opened_tag: str = ""
    prompt: list[Message] | str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """One finished group of one prompt: a reward, a verdict and a length for each of its G completions.

    `step` counts finished optimizer steps when it was drawn, `epoch` finished passes over the data. A reward is NaN
    where the completion was skipped.
    """

    step: int
    epoch: int
    rewards_G: tuple[float, ...]
    correct_G: tuple[bool, ...]
    lengths_G: tuple[int, ...]
    truncated_G: tuple[bool, ...]

    @property
    def num_correct(self) -> int:
        return sum(self.correct_G)

    @property
    def is_decided(self) -> bool:
        """Whether all or none of the completions are correct: the group has no signal."""
        return self.num_correct in (0, len(self.correct_G))


class Ledger(Protocol):
    """Every visit of every prompt of a run, by a stable prompt id (see `prompt_id`); the same on all ranks."""

    def visits(self, prompt_id: str) -> Sequence[Visit]:
        """Return the visits of a prompt, oldest first; none for one that was never asked."""
        ...


def prompt_id(row: Row) -> str:
    """Return what a ledger knows a problem by: a hash of its text and its gold, whatever its place in a file."""
    return blake2b(f"{row.problem}\0{row.gold}".encode(errors="surrogatepass"), digest_size=8).hexdigest()


class NoVisits:
    """A ledger of a run that has asked nothing yet."""

    def visits(self, prompt_id: str) -> Sequence[Visit]:
        return ()


@dataclass(frozen=True)
class GroupFacts:
    """What a group reward may ask for beside the samples, by these names as keyword-only parameters.

    `ledger` holds the visits before the step. `state` is the reward's own: plain JSON that lies in every checkpoint and
    that the reward changes in place. All ranks score all groups in the same order, so that it is equal on them.
    """

    prompt_id: str = ""
    ledger: Ledger = field(default_factory=NoVisits)
    state: dict[str, Any] = field(default_factory=dict)


RewardFunction = Callable[..., Any]  # what it returns is checked when it is called
RewardOptions = Mapping[str, Any]


class Listener(Protocol):
    """Hears what a run has to say while it works."""

    def say(self, text: str) -> None:
        """Take one line of talk."""
        ...

    def warn(self, text: str) -> None:
        """Take a warning: something a user should look at."""
        ...

    def step(self, metrics: Mapping[str, Any], *, max_steps: int) -> None:
        """Take the metrics of a finished step (one object of metrics.jsonl)."""
        ...
