"""`leanrl data show`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from leanrl.cli.terminal.options import AsJson


def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A dataset that `leanrl data build` has made.")],
    examples: Annotated[int, typer.Option(metavar="N", min=0, help="Dropped rows to show of each stage.")] = 3,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="FILE.html", help="Write table and picture as a page.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how many rows each stage kept, why others were dropped, and examples of them."""
    from leanrl.curation.building.folder import DatasetFolder, read_manifest
    from leanrl.curation.funnel.dropped import dropped_examples
    from leanrl.curation.funnel.page import write_funnel_page
    from leanrl.curation.funnel.text import example_lines, funnel_lines

    manifest = read_manifest(folder)
    shown = dropped_examples(DatasetFolder(folder).ledger, num_examples=examples)
    if page is not None:
        write_funnel_page(page, manifest, shown)
    if as_json:
        stages = [{"part": part, "stage": stage, **each.to_json()} for (part, stage), each in shown.items()]
        print(json.dumps({"manifest": manifest, "dropped": stages}, indent=2, ensure_ascii=False))
        return
    print("\n".join([*funnel_lines(manifest), "", *example_lines(shown)]))
