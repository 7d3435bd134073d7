"""Where problems come from, which columns hold them, and how they are asked."""

from typing import Literal

from leanrl.config.sections.field_types import Fraction, NonNegativeInt, PositiveInt
from leanrl.config.sections.section import Section, key


class WorkedExample(Section):
    problem: str = key("", "an example's problem, asked through the prompt template")
    answer: str = key("", "the assistant's answer to it")


class DataConfig(Section):
    generator: (
        Literal[
            "one_digit_sums",
            "sums",
            "products",
            "gcd",
            "linear_equations",
            "base_conversion",
            "satisfiability",
            "json_objects",
            "python",
        ]
        | None
    ) = key(
        None,
        "problems made from `train.seed`: all one_digit_sums, or another kind in `data.levels`; python: rows handed to "
        "leanrl.pipeline.train",
    )
    levels: list[PositiveInt] = key([1], "levels of made problems, in turn; a higher one is harder")
    num_made: PositiveInt = key(1000, "made problems, those held out among them (one_digit_sums makes all that exist)")
    path: str | None = key(
        None, "a file of problems: .jsonl, .json, .csv, .tsv or .parquet, or these as .gz; or a folder of such files"
    )
    hub_id: str | None = key(None, "dataset on the Hub, or the folder of one")
    hub_config: str | None = key(None, "configuration of a dataset that has several, such as main of GSM8K")
    hub_revision: str | None = key(None, "branch, tag or commit of the dataset")
    split: str = key("train", "split of the Hub dataset, or of a folder whose files name splits")
    problem_column: str = key(
        "problem",
        "column with the problem's text, or a conversation that ends with the user's question; a dot leads into a map; "
        "where there is no column `problem`, one of a usual name is taken",
    )
    answer_column: str = key(
        "answer",
        "column with the gold answer, or with a list of several; a dot leads into a map; where there is no column "
        "`answer`, one of a usual name is taken",
    )
    gold_from: Literal["auto", "answer", "boxed", "hashes"] = key(
        "auto",
        "where the gold answer stands in its column; answer: all of the text; boxed: in its last box; hashes: behind "
        "####; auto: in the last box, in <answer> tags, behind ####, announced at the end (The answer is 42), before a "
        "note in brackets, else all of the text",
    )
    max_word_golds: Fraction = key(
        0.5, "largest fraction of gold answers that are words or prose; more are taken for a wrong column, and refused"
    )
    accept: Literal["any", "all"] = key("any", "of several gold answers, any is right, or all are asked for")
    system_prompt: str | None = key(None, "system message; null sends none")
    examples: list[WorkedExample] = key([], "problems with their answers, shown as earlier turns of the conversation")
    prompt_template: str = key("{problem}", "user message; {problem} is replaced by the problem")
    num_heldout: NonNegativeInt = key(
        0, "problems kept out of training and asked before and after (one_digit_sums: unordered pairs)"
    )
    unparseable_gold: Literal["drop", "keep"] = key(
        "drop", "rows whose gold answer no answer can be compared with, or is prose: drop and list them, or keep them"
    )
    duplicates: Literal["keep_first", "drop_all", "error"] = key(
        "keep_first",
        "rows that share an id, and rows that ask one problem with different gold answers: train on the first, on "
        "none, or refuse them",
    )
    shuffle: bool = key(True, "draw prompts in a random order fixed by `train.seed`")
