"""The funnel as a page: one self-contained HTML file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leanrl.curation.funnel.dropped import DroppedByStage
from leanrl.report.funnel.section import funnel_section
from leanrl.report.rendering import document, fill
from leanrl.storage.output_folder import require_new_file
from leanrl.storage.run_folder import write_bytes


def write_funnel_page(path: Path, manifest: Mapping[str, Any], shown: Mapping[tuple[str, str], DroppedByStage]) -> None:
    """Write the page.

    Raises:
        ConfigError: if the file exists, or cannot be written.
    """
    require_new_file(path, option="--html")
    stages = [
        {
            "title": f"{part}: {stage} dropped {found.num_dropped:,}",
            "reasons": [[f"{count:,}", reason] for reason, count in found.reasons.most_common(8)],
            "examples": [[each["id"], each["reason"], each["problem"]] for each in found.examples],
        }
        for (part, stage), found in shown.items()
    ]
    body = fill(
        "curated.html",
        name=manifest["recipe_name"],
        about=manifest["about"],
        funnel=funnel_section(manifest),
        stages=stages,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, document(f"{manifest['recipe_name']} · leanrl", body).encode())
