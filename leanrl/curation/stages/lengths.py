"""Rows by the tokens of their problem."""

from collections.abc import Sequence

from leanrl.config.sections.field_types import NonNegativeInt, PositiveInt
from leanrl.config.sections.section import Section, key
from leanrl.curation.stages.stage import CuratedRow, Finding, Judged, Tools, dropped
from leanrl.errors import Problem


class PromptTokens(Section):
    tokenizer: str = key("", "Hub id or folder of a model")
    min_tokens: NonNegativeInt = key(0, "fewest tokens of a problem")
    max_tokens: PositiveInt = key(512, "most tokens of a problem, without a chat template")


def contradictions(parameters: PromptTokens) -> Sequence[Problem]:
    """Return what makes the stage keep nothing."""
    found = []
    if not parameters.tokenizer:
        found.append(Problem("tokenizer", "names no tokenizer", "the model that will be trained"))
    if parameters.min_tokens > parameters.max_tokens:
        what = f"min_tokens {parameters.min_tokens} is above max_tokens {parameters.max_tokens}: no row can stay"
        found.append(Problem("min_tokens, max_tokens", what))
    return found


def judge_lengths(parameters: PromptTokens, rows: Sequence[CuratedRow], tools: Tools) -> Judged:
    """Drop rows whose problem has too few or too many tokens.

    Raises:
        MissingError: if the tokenizer cannot be fetched.
    """
    from leanrl.evaluation.subject import find_subject

    found = find_subject(parameters.tokenizer, endpoint=None, warn=tools.say).found
    assert found is not None, "only an endpoint has no files"
    tokenizer = found.load_tokenizer()
    lengths = [len(tokenizer(row.problem, add_special_tokens=False)["input_ids"]) for row in rows]
    return Judged([_finding(row, length, parameters) for row, length in zip(rows, lengths, strict=True)])


def _finding(row: CuratedRow, num_tokens: int, parameters: PromptTokens) -> Finding:
    if parameters.min_tokens <= num_tokens <= parameters.max_tokens:
        return Finding(row)
    return dropped(f"{num_tokens} tokens, outside {parameters.min_tokens} to {parameters.max_tokens}")
