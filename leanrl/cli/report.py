"""`leanrl report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="One run folder, or several to compare.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write [RUN/report].")] = None,
) -> None:
    """Write a page with the curves of a run, or of several runs side by side."""
    from leanrl.errors import ConfigError
    from leanrl.output_folder import require_writable
    from leanrl.report.page import write_report
    from leanrl.run_folder import open_run_folder

    folders = [open_run_folder(path) for path in runs]
    if out is not None or len(folders) == 1:
        place = out or folders[0].report
        require_writable(place, what=f"the report goes to {place}", hint="name a folder of yours with `--out DIR`")
    if len(folders) == 1:
        print(write_report(folders[0], out=out))
        return
    if out is None:
        raise ConfigError("a comparison of several runs needs a folder of its own.", hint="--out DIR")
    from leanrl.report.comparison import write_comparison

    print(write_comparison(folders, out))
