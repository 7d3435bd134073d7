"""Evaluations compared from Python, as `leanrl compare` does it, and how the result shows itself in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.api.evaluation import Evaluation
from leanrl.errors import ConfigError
from leanrl.eval.compare.contrasts import Contrast, contrasts_of
from leanrl.eval.compare.files import contrasts_as_json
from leanrl.eval.compare.sentences import lines_after_table, lines_before_table, lines_of, lines_of_several, rows_of
from leanrl.eval.compare.sides import find_sides
from leanrl.report.rendering import fill


@dataclass(frozen=True, repr=False)
class Compared:
    """What evaluations show against their base; print it for the text of `leanrl compare`."""

    contrasts: Sequence[Contrast]

    @property
    def found(self) -> dict[str, Any]:
        """The numbers, as `leanrl compare --json` prints them: accuracies and differences are shares, not points."""
        return contrasts_as_json(self.contrasts)

    def __str__(self) -> str:
        return "\n".join(lines_of(self.contrasts))

    def __repr__(self) -> str:
        others = ", ".join(contrast.other.label for contrast in self.contrasts)
        return f"<Compared {self.contrasts[0].base.label} with {others}>"

    def _repr_html_(self) -> str:
        parts = [
            (list(lines_before_table(one)), rows_of(one.comparison), list(lines_after_table(one)))
            for one in self.contrasts
        ]
        return str(fill("notebook/comparison.html", parts=parts, together=list(lines_of_several(self.contrasts))))


def compare(base: Evaluation | Path | str, *others: Evaluation | Path | str, force: bool = False) -> Compared:
    """Compare evaluations with the first of them: paired differences with intervals, corrected for all tests.

    Args:
        base: an evaluation, its folder or scores.json, greedy_*.jsonl of a run, or a published row (`sober:open-rs3`).
        others: at least one more.
        force: compare although prompts, sampling or problems differ; it is marked.

    Raises:
        ConfigError: if there is nothing to compare, an evaluation is named twice, or the evaluations did not ask the
            same in the same way.
    """
    if not others:
        raise ConfigError(
            f"a comparison takes a base and at least one other evaluation; given: {_named(base)} alone.",
            hint="leanrl.compare(base, other)",
        )
    first, *rest = find_sides([_named(one) for one in (base, *others)])
    return Compared(contrasts_of(first, rest, force=force))


def _named(evaluation: Evaluation | Path | str) -> str:
    return str(evaluation.folder if isinstance(evaluation, Evaluation) else evaluation)
