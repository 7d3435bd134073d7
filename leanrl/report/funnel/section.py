"""The section of a page on the dataset: how many rows each stage of its recipe kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from leanrl.report.quantities import count_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData
from leanrl.storage.run_folder import RunFolder, read_json_if_whole

_HEAD = ["part", "stage", "rows before", "rows after", "dropped", "published"]


def run_funnel(data: RunData) -> Markup:
    """Return the funnel of the dataset that a run trains on; nothing where leanrl has not built it."""
    manifest = {} if data.path is None else read_json_if_whole(RunFolder(data.path).dataset_manifest)
    return funnel_section(manifest) if isinstance(manifest.get("funnel"), list) else Markup()


def funnel_section(manifest: Mapping[str, Any]) -> Markup:
    """Return a bar for each stage, as long as the rows that it kept, and the counts as a table."""
    steps: Sequence[Mapping[str, Any]] = manifest["funnel"]
    widest = max((step["num_before"] for step in steps), default=0) or 1
    bars = [
        {
            "name": f"{step['part']}: {step['stage']}",
            "before": 100 * step["num_before"] / widest,
            "after": 100 * step["num_after"] / widest,
            "count": step["num_after"],
        }
        for step in steps
    ]
    return fill("funnel.html", title=_title(manifest), bars=bars, head=_HEAD, rows=list(map(_row, steps)))


def _title(manifest: Mapping[str, Any]) -> str:
    published = manifest.get("published_rows")
    beside = "" if published is None else f"; the published dataset has {count_text(published)}"
    return f"Recipe {manifest['recipe_name']}: {count_text(manifest['num_rows'])} rows{beside}."


def _row(step: Mapping[str, Any]) -> list[str]:
    before, after, published = step["num_before"], step["num_after"], step["published_rows"]
    counts = [count_text(before), count_text(after), count_text(before - after)]
    return [step["part"], step["stage"], *counts, "" if published is None else count_text(published)]
