"""`leanrl report`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leanrl.cli.terminal.idle_flags import refuse_idle_flags
from leanrl.cli.terminal.options import AsJson

if TYPE_CHECKING:
    from leanrl.storage.run_folder import RunFolder


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="One run folder, or several to compare.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write [RUN/report].")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show a run on 127.0.0.1 while it trains.")] = False,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port of --serve; 0 is a free one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a page with the curves of a run, or of several runs side by side; or serve it while the run trains."""
    from leanrl.errors import ConfigError
    from leanrl.evaluation.pages.write import write_run_report
    from leanrl.report.page import require_no_other_page
    from leanrl.storage.output_folder import require_writable
    from leanrl.storage.run_folder import open_run_folder

    if serve:
        refuse_idle_flags("--serve writes no file", {"--out": out, "--json": as_json}, hint="leave them out")
    else:
        refuse_idle_flags("nothing is served", {"--port": port}, hint="--serve, or leave it out")
    folders = [open_run_folder(path) for path in runs]
    if out is not None:
        require_no_other_page(out)
    if serve:
        _serve(folders, port=port)
        return
    if out is not None or len(folders) == 1:
        place = out or folders[0].report
        require_writable(place, what=f"the report goes to {place}", hint="name a folder of yours with `--out DIR`")
    if len(folders) == 1:
        _print(write_run_report(folders[0], out=out), folders, as_json=as_json)
        return
    if out is None:
        raise ConfigError("a comparison of several runs needs a folder of its own.", hint="--out DIR")
    from leanrl.report.comparison import write_comparison

    _print(write_comparison(folders, out), folders, as_json=as_json)


def _serve(folders: "list[RunFolder]", *, port: int) -> None:
    """Serve the page of one run until Ctrl-C, and print its address."""
    from leanrl.errors import ConfigError
    from leanrl.evaluation.pages.write import live_page
    from leanrl.hints import command
    from leanrl.report.live import serve

    if len(folders) > 1:
        raise ConfigError("--serve shows one run.", hint=command("report", folders[0].path, "--serve"))
    (run,) = folders
    serve(
        run,
        live_page,
        port=port,
        folder=run.report,
        opened=lambda address: print(f"{address} (Ctrl-C ends it)", flush=True),
    )


def _print(page: Path, folders: "list[RunFolder]", *, as_json: bool) -> None:
    """Print the page's path, as JSON with what each run measured against its plan."""
    if not as_json:
        print(page)
        return
    from leanrl.report.plan.section import plan_check
    from leanrl.report.run_data import read_run

    found = [{"run": str(folder.path), "against_plan": plan_check(read_run(folder))} for folder in folders]
    print(json.dumps({"page": str(page), "runs": found}, indent=2))
