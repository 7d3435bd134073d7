"""A benchmark: where its problems lie, how they are asked, and what they should be."""

from collections.abc import Sequence
from typing import Literal

from leanrl.config.sections.data import DataConfig, WorkedExample
from leanrl.config.sections.field_types import PositiveInt
from leanrl.config.sections.section import Section, key

AnswerKind = Literal["number", "latex", "letter"]


class Choices(Section):
    """The columns of a multiple-choice problem, whose options get letters in an order fixed by the problem's text."""

    correct_column: str = key("", "column with the right option")
    wrong_columns: list[str] = key([], "columns with the other options, one each")


class Benchmark(Section):
    """One benchmark file; `hub_revision` and `sha256` are null until `leanrl eval --pin` has seen the data."""

    about: str = key("", "what is asked, in a line")
    licence: str = key("", "licence of the problems")
    path: str | None = key(None, "a file or folder of problems, in the place of the Hub")
    hub_id: str | None = key(None, "dataset on the Hub")
    hub_config: str | None = key(None, "configuration of a dataset that has several")
    hub_revision: str | None = key(None, "commit of the dataset; null takes its newest")
    split: str = key("test", "split of the dataset")
    file_names: list[str] = key([], "names without ending that --data-dir may have beside the benchmark's own")
    problem_column: str = key("problem", "column with the problem's text")
    answer_column: str = key("answer", "column with the gold answer, or a list of several")
    gold_from: Literal["auto", "answer", "boxed", "hashes"] = key("auto", "where the gold stands, as data.gold_from")
    accept: Literal["any", "all"] = key("any", "of several gold answers, any is right, or all are asked for")
    answer_kind: AnswerKind = key("latex", "what gold answers are; --grader math-verify reads them as such")
    tolerance_column: str | None = key(None, "column with the largest absolute error of a number that is still right")
    choices: Choices | None = key(None, "columns of a multiple-choice problem")
    prompt_template: str | None = key(None, "user message in the place of the protocol's; {problem} is replaced")
    num_problems: PositiveInt | None = key(None, "how many problems there are")
    sha256: str | None = key(None, "hash of problems and gold answers; null is unverified")

    def data(
        self,
        *,
        path: str | None,
        prompt_template: str,
        system_prompt: str | None,
        examples: Sequence[WorkedExample] = (),
    ) -> DataConfig:
        """Return how the data room reads the problems from `path`, or from the Hub for None, and asks them."""
        source = {"path": path} if path is not None else {"hub_id": self.hub_id, "hub_config": self.hub_config}
        return DataConfig(
            **source,
            hub_revision=self.hub_revision,
            split=self.split,
            problem_column=self.problem_column,
            answer_column=self.answer_column,
            gold_from=self.gold_from,
            accept=self.accept,
            max_word_golds=1.0 if self.answer_kind == "letter" else 0.5,
            prompt_template=self.prompt_template or prompt_template,
            system_prompt=system_prompt,
            examples=list(examples),
            unparseable_gold="keep",
            duplicates="error",
            shuffle=False,
        )
