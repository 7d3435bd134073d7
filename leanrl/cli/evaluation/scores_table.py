"""The scores of an evaluation as a table on the terminal."""

from typing import TYPE_CHECKING

from leanrl.hints import command

if TYPE_CHECKING:
    from leanrl.evaluation.evaluate import Evaluated


def print_scores(done: "Evaluated") -> None:
    """Print one line for each benchmark, and the mean; all but the column of math-verify is by leanrl's grader."""
    scores = done.scores["benchmarks"]
    head = ("benchmark", "problems", "k", "avg@k", "95 % interval", "pass@k", "maj@k", "cut", "no box", "tokens")
    rows = [head, *(_row(name, score) for name, score in scores.items())]
    if any(score["math_verify_accuracy"] is not None for score in scores.values()):
        column = ["math-verify", *(_share(score["math_verify_accuracy"]) for score in scores.values())]
        rows = [(*row, cell) for row, cell in zip(rows, column, strict=True)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
    if len(scores) > 1:
        print(f"mean over {len(scores)} benchmarks: {done.scores['macro_average']:.1%}")
    print(f"{done.folder}: completions, question and scores; `{command('compare', 'BASE', done.folder)}` compares")


def _row(name: str, score: dict) -> tuple[str, ...]:  # type: ignore[type-arg]
    k = score["num_samples"]
    low, high = score["interval_95"]
    return (
        name,
        f"{score['num_problems']:,}",
        str(k),
        f"{score['accuracy']:.1%}",
        f"{low:.1%} to {high:.1%}",
        f"{score['pass_at'][str(k)]:.1%}",
        f"{score['majority']:.1%}",
        f"{score['truncated_share']:.1%}",
        f"{score['no_box_share']:.1%}",
        f"{score['mean_tokens']:,.0f}",
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
