"""`leanrl merge`."""

from pathlib import Path
from typing import Annotated

import typer


def merge(
    source: Annotated[Path, typer.Argument(metavar="RUN|CHECKPOINT", help="A run folder or one of its checkpoints.")],
    out: Annotated[Path, typer.Option(help="Folder to create.")],
    dtype: Annotated[str, typer.Option(help="bfloat16, float16 or float32.")] = "bfloat16",
    push: Annotated[str | None, typer.Option(metavar="REPO", help="Then push to this Hub repository.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Make the pushed repository public.")] = False,
) -> None:
    """Fold a LoRA adapter into its base, verify the result, and write the model."""
    from leanrl.pipeline import merge as fold

    report = fold(source, out, dtype=dtype, push=push, private=not public)
    print(report.text())
