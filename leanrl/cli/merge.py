"""`leanrl merge`."""

from pathlib import Path
from typing import Annotated

import typer

from leanrl.cli.terminal.idle_flags import refuse_idle_flags
from leanrl.errors import ConfigError
from leanrl.machine.environment import quiet_libraries
from leanrl.storage.chosen_checkpoint import chosen_checkpoint
from leanrl.storage.home import require_folder


def merge(
    source: Annotated[Path, typer.Argument(metavar="RUN|CHECKPOINT", help="A run folder or one of its checkpoints.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder to create.")] = None,
    inspect: Annotated[
        bool, typer.Option("--inspect", help="Only say what the checkpoint is; exit code 2 if it is broken.")
    ] = False,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="best|STEP", help="Which of the run's checkpoints [the newest whole one].")
    ] = None,
    dtype: Annotated[str, typer.Option(metavar="DTYPE", help="bfloat16, float16 or float32.")] = "bfloat16",
    base: Annotated[
        str,
        typer.Option(
            metavar="original|dequantised",
            help="QLoRA: fold into the original 16-bit weights, or into the dequantised ones.",
        ),
    ] = "original",
    adapter: Annotated[str | None, typer.Option(metavar="NAME", help="Which of several adapters.")] = None,
    gguf: Annotated[str | None, typer.Option(metavar="TYPE", help="Also make a GGUF file: F16, BF16 or Q8_0.")] = None,
    push: Annotated[str | None, typer.Option(metavar="REPO", help="Then push to this Hub repository.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Make the pushed repository public.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write over a repository that holds another model.")] = False,
) -> None:
    """Fold a LoRA adapter into its base, verify the result, and write the model."""
    if inspect:
        others = {"--out": out, "--adapter": adapter, "--gguf": gguf, "--push": push, "--public": public, "--yes": yes}
        refuse_idle_flags("--inspect writes nothing", others, hint="leave them out, or leave --inspect out")
        require_folder(source)
        source = source if checkpoint is None else chosen_checkpoint(source, checkpoint)
        quiet_libraries()
        from leanrl.models.merging.inspection import inspect_checkpoints

        found = inspect_checkpoints(source)
        print("\n".join(one.text() for one in found))
        if any(one.damage for one in found):
            raise typer.Exit(ConfigError.exit_code)
        return
    if out is None:
        raise ConfigError("--out names no folder for the merged model.", hint="--out DIR, or --inspect")
    if push is None:
        refuse_idle_flags("nothing is pushed", {"--public": public, "--yes": yes}, hint="--push REPO")
    from leanrl.trained import merge as fold

    report = fold(
        source,
        out,
        checkpoint=checkpoint,
        dtype=dtype,
        base=base,
        adapter=adapter,
        gguf=gguf,
        push=push,
        private=not public,
        replace=yes,
    )
    print(report.text())
