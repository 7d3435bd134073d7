"""`leanrl eval RUN --checkpoints all --select-on heldout`: a checkpoint chosen, then reported once."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leanrl.evaluation.asked import Asked
    from leanrl.evaluation.choosing.selecting import Selected


def choose_checkpoint(
    asked: "Asked", checkpoints: str | None, select_on: str | None, *, first_samples: int | None, as_json: bool
) -> None:
    """Choose among checkpoints on problems that are not reported, and print the scores of the pick.

    Raises:
        ConfigError: if one of the two options is missing, or as `select`.
    """
    from leanrl.cli.evaluation.scores_table import print_scores
    from leanrl.errors import ConfigError
    from leanrl.evaluation.choosing.selecting import FIRST_SAMPLES, Selecting, select
    from leanrl.evaluation.standing import listening

    if checkpoints is None or select_on is None:
        there, lacking = (
            ("--checkpoints", "--select-on heldout") if select_on is None else ("--select-on", "--checkpoints all")
        )
        raise ConfigError(
            f"{there} needs {lacking.split()[0]}: a choice is among several, on problems not reported.", hint=lacking
        )
    with listening() as listener:
        done = select(
            asked,
            Selecting(checkpoints, select_on, FIRST_SAMPLES if first_samples is None else first_samples),
            listener=listener,
        )
    if as_json:
        found = {"folder": str(done.evaluated.folder), "selection": {"folder": str(done.folder), **done.content}}
        print(json.dumps({**found, **done.evaluated.scores}, indent=2))
        return
    for line in choice_lines(done):
        print(line)
    print_scores(done.evaluated)


def choice_lines(done: "Selected") -> Iterator[str]:
    """Yield what was chosen among how many, and what the best of as many equal ones would look like."""
    choice, question = done.content["choice"], done.content["question"]
    tried, luck = choice["num_tried"], choice["best_of_equal_by_luck"]
    low, high = choice["interval_95"]
    place = f"{question['select_on']}, {question['num_problems']:,} problems"
    yield f"step {choice['step']} is picked of {tried} on {place}: {choice['accuracy']:.1%} ({low:.1%} to {high:.1%})"
    yield (
        f"by luck the best of {tried} equal ones shows {luck['mean']:.1%} ({luck['low']:.1%} to {luck['high']:.1%}) in "
        f"the first round where each has {luck['equal_score']:.1%}; here it was {choice['best_of_first_round']:.1%}"
    )
    yield from _had_it_been_chosen_here(done.evaluated.scores, tried)


def _had_it_been_chosen_here(scores: Mapping[str, Any], tried: int) -> Iterator[str]:
    for name, luck in scores["chosen"]["best_of_equal_if_chosen_here"].items():
        if luck is not None and tried > 1:
            yield (
                f"{name}: the best of {tried} equal ones, had it been chosen here, would show {luck['mean']:.1%} "
                f"({luck['low']:.1%} to {luck['high']:.1%})"
            )
