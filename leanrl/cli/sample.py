"""`leanrl sample`."""

from pathlib import Path
from typing import Annotated

import typer


def sample(
    model: Annotated[Path, typer.Argument(metavar="RUN|MODEL", help="A run folder, or a model's folder.")],
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="The problem to ask.")],
    temperature: Annotated[float, typer.Option(metavar="NUMBER", min=0.0, help="0 takes the likeliest token.")] = 0.0,
    max_tokens: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Cut the answer here [as in training].")
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="best|STEP", help="Which of the run's checkpoints [the newest whole one].")
    ] = None,
) -> None:
    """Ask a trained model one problem, with the prompt it was trained on."""
    from leanrl.trained import sample as ask

    print(ask(model, problem, temperature=temperature, max_completion_tokens=max_tokens, checkpoint=checkpoint))
