"""Keys of what is asked: sources, columns, gold answers, prompts."""

import json
from collections.abc import Callable
from typing import Any

import datasets

from leanrl.config.schema import RunConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, DataError
from leanrl.grading.pool import GraderPool
from leanrl.preparation import _usable
from leanrl.rewards.registry import resolve_rewards
from leanrl.types import GoldList, GradeRequest, ProblemSet, Row
from tests.felt.felt import Felt, Here, Probe, trainer_of
from tests.felt.updates import argument

_ROWS = [
    {"problem": "1 + 1", "other": "one and one", "answer": "2", "result": "two"},
    {"problem": "1 + 2", "other": "one and two", "answer": r"\boxed{3} #### 4", "result": "three"},
]
_ONE_OF_WORDS = [{"problem": "1 + 1", "answer": "2"}, {"problem": "of France?", "answer": "Paris"}]
_TWO_GOLDS = [{"problem": "1?", "answer": 1}, {"problem": "1?", "answer": 2}, {"problem": "4?", "answer": 4}]


def problem_file(*rows: dict[str, Any]) -> Callable[[Here], str]:
    """Return what writes the rows to a file, and gives its path."""

    def write(here: Here) -> str:
        file = here.folder / f"{len(list(here.folder.iterdir()))}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows or _ROWS))
        return str(file)

    return write


def of_problems(read: Callable[[ProblemSet], Any]) -> Probe:
    """Return what `read` finds in the problems of the run."""

    def probe(config: RunConfig, here: Here) -> Any:
        return read(load_problems(config.data, seed=config.train.seed))

    return probe


def number_of_problems(config: RunConfig, here: Here) -> int:
    """Return how many problems there are; none without a source."""
    try:
        return len(load_problems(config.data, seed=1).train)
    except ConfigError:
        return 0


def refused(config: RunConfig, here: Here) -> bool:
    """Return whether the problems of the run are refused."""
    try:
        load_problems(config.data, seed=1)
    except DataError:
        return True
    return False


def texts(problems: ProblemSet) -> list[str]:
    return [row.problem for row in problems.train]


def golds(problems: ProblemSet) -> list[Any]:
    return [row.gold for row in problems.train]


def first_prompt(problems: ProblemSet) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in problems.train[0].prompt]


def asked_of_the_hub(config: RunConfig, here: Here) -> dict[str, Any]:
    """Return what `datasets` is asked for."""
    asked: list[dict[str, Any]] = []

    def load(name: str, config: str | None, *, split: str, revision: str | None) -> datasets.Dataset:
        asked.append({"name": name, "config": config, "split": split, "revision": revision})
        return datasets.Dataset.from_list(_ROWS)

    here.patch.setattr("datasets.load_dataset", load)
    load_problems(config.data, seed=1)
    return asked[0]


def kept_golds(config: RunConfig, here: Here) -> int:
    """Return how many of two rows are kept; no answer can match the gold answer of the second."""
    rows = [Row("1", "1", "2", "1"), Row("2", "1", "\\frac{", "1")]
    rewards = resolve_rewards({"accuracy": 1.0}, {})
    tokenizer = trainer_of(config, here).processing_class
    with GraderPool(num_workers=1, seconds=60) as grader:
        return len(_usable(ProblemSet(train=rows), config, tokenizer, rewards, grader, num_rows=None).train)


def reason_for(box: str, *, gold: str, problem: str) -> Probe:
    """Return what the grader of the run says of a boxed answer."""

    def probe(config: RunConfig, here: Here) -> str:
        with GraderPool(num_workers=1, seconds=60, refused=config.grading.refused) as grader:
            (verdict,) = grader.grade([GradeRequest(rf"\boxed{{{box}}}", gold, problem=problem)])
        return verdict.reason

    return probe


_FILE = {"data.path": problem_file()}
_MADE = {"data.generator": "products", "data.num_made": 6}
_HUB = {"data.hub_id": "owner/sums"}


def _asked(**changed: str) -> dict[str, Any]:
    return {"name": "owner/sums", "config": None, "split": "train", "revision": None} | changed


FELT = [
    Felt("grading.finished", False, reason_for("3 + 4", gold="7", problem="Three and four?"), "correct"),
    Felt("grading.echo", False, reason_for("x^2+2x+1", gold="(x+1)^2", problem="Write $x^2+2x+1$ shorter."), "correct"),
    Felt("data.generator", "one_digit_sums", number_of_problems, 100),
    Felt("data.levels", [3], of_problems(texts), beside=_MADE, usual=[1]),
    Felt("data.num_made", 4, number_of_problems, 4, beside={"data.generator": "products"}, usual=6),
    Felt("data.path", problem_file({"problem": "5", "answer": "5"}), of_problems(texts), ["5"], usual=problem_file()),
    Felt("data.hub_id", "owner/more", asked_of_the_hub, _asked(name="owner/more"), usual="owner/sums"),
    Felt("data.hub_config", "main", asked_of_the_hub, _asked(config="main"), beside=_HUB),
    Felt("data.hub_revision", "v1", asked_of_the_hub, _asked(revision="v1"), beside=_HUB),
    Felt("data.split", "test", asked_of_the_hub, _asked(split="test"), beside=_HUB),
    Felt("data.problem_column", "other", of_problems(texts), ["one and one", "one and two"], beside=_FILE),
    Felt("data.answer_column", "result", of_problems(golds), ["two", "three"], beside=_FILE),
    Felt("data.gold_from", "hashes", of_problems(golds), ["4"], beside=_FILE),
    Felt(
        "data.accept",
        "all",
        of_problems(golds),
        [GoldList(("1", "2"), "all")],
        beside={"data.path": problem_file({"problem": "1", "answer": ["1", "2"]})},
    ),
    Felt(
        "data.system_prompt",
        "Be brief.",
        of_problems(first_prompt),
        [("system", "Be brief."), ("user", "1 + 1")],
        beside=_FILE,
    ),
    Felt("data.prompt_template", "<{problem}>", of_problems(first_prompt), [("user", "<1 + 1>")], beside=_FILE),
    Felt(
        "data.examples.problem",
        [{"problem": "2 + 3", "answer": "4"}],
        of_problems(first_prompt),
        [("user", "2 + 3"), ("assistant", "4"), ("user", "1 + 1")],
        beside=_FILE,
        usual=[{"problem": "2 + 2", "answer": "4"}],
    ),
    Felt(
        "data.examples.answer",
        [{"problem": "2 + 2", "answer": "5"}],
        of_problems(first_prompt),
        [("user", "2 + 2"), ("assistant", "5"), ("user", "1 + 1")],
        beside=_FILE,
        usual=[{"problem": "2 + 2", "answer": "4"}],
    ),
    Felt("data.num_heldout", 1, of_problems(lambda problems: len(problems.heldout)), 1, beside=_FILE),
    Felt("data.unparseable_gold", "keep", kept_golds, 2),
    Felt("data.max_word_golds", 0.0, refused, True, beside={"data.path": problem_file(*_ONE_OF_WORDS)}),
    Felt("data.duplicates", "drop_all", of_problems(golds), ["4"], beside={"data.path": problem_file(*_TWO_GOLDS)}),
    Felt("data.shuffle", False, argument("shuffle_dataset"), False),
]
