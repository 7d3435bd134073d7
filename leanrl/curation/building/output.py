"""The files of a finished dataset: Parquet, dataset card and manifest, equal byte for byte for equal inputs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leanrl.curation.building.mixing import as_table
from leanrl.curation.stages.stage import CuratedRow

_ROWS_OF_GROUP = 4096


def write_rows(path: Path, rows: Sequence[CuratedRow]) -> None:
    """Write the rows as Parquet that `datasets` and `data.path` read.

    Statistics would say the first and last text of each column, and copy a long one five times.
    """
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist(as_table(rows))
    pyarrow.parquet.write_table(table, path, compression="zstd", row_group_size=_ROWS_OF_GROUP, write_statistics=False)


def dataset_card(manifest: Mapping[str, Any]) -> str:
    """Return the card of a dataset, whose head tells the Hub and `datasets` where the rows are."""
    licences = sorted({source["licence"] or "not known" for source in manifest["sources"]})
    lines = [
        "---",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/train-*.parquet",
        "---",
        "",
        f"# {manifest['recipe_name']}",
        "",
        manifest["about"],
        "",
        f"{manifest['num_rows']:,} rows, built by leanrl {manifest['versions']['leanrl']}, seed {manifest['seed']}.",
        f"Licences of the sources: {', '.join(licences)}.",
        "",
        "| part | stage | rows before | rows after | published |",
        "|---|---|---:|---:|---:|",
        *(
            f"| {step['part']} | {step['stage']} | {step['num_before']:,} | {step['num_after']:,} | "
            f"{'' if step['published_rows'] is None else format(step['published_rows'], ',')} |"
            for step in manifest["funnel"]
        ),
        "",
        "Sources:",
        "",
        *(f"- {_source_line(source)}" for source in manifest["sources"]),
        "",
        "`manifest.json` has the recipe with every parameter, and the hashes. `_curation/ledger.parquet` says of each",
        "row what each stage did with it and why: `leanrl data show DIR`.",
        "",
    ]
    return "\n".join(lines)


def _source_line(source: Mapping[str, Any]) -> str:
    origin = source["origin"]
    revision = f", revision {source['revision']}" if source["revision"] else ""
    unverified = ", revision not verified" if origin["kind"] == "hub_id" and not source["revision"] else ""
    return (
        f"{source['name']} ({source['part']}): {origin['kind']} `{origin['value']}`{revision}{unverified}, "
        f"{source['num_rows']:,} rows, sha256 `{source['sha256'][:16]}`, licence {source['licence'] or 'not known'}"
    )


def canonical_json(value: Any) -> str:
    """Return JSON whose text depends on the value alone."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
