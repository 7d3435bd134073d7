"""The funnel of DeepScaleR through every stage that needs no model, with seconds and memory.

    python benchmarks/curation.py DEEPSCALER.jsonl --data-dir BENCHMARKS

The rows have a column `quintile`, the difficulty that another project has published. Prints the funnel and writes
benchmarks/results/<machine>-<date>-deepscaler-funnel.json with the counts, and how often each stage gave which reason.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.own_process import peak_bytes
from benchmarks.results_file import RESULTS, results_path, write_results_file
from leanrl.curation.building.build import Places, build
from leanrl.curation.building.folder import DatasetFolder, sha256_of
from leanrl.curation.funnel.dropped import dropped_examples
from leanrl.curation.funnel.text import funnel_lines
from leanrl.curation.recipes.files import load_recipe
from leanrl.evaluation.standing import PlainStandings
from leanrl.machine.environment import describe_machine

_RECIPE = Path(__file__).parent / "data" / "deepscaler_funnel.yaml"
_SOURCE = "parts.deepscaler.sources.deepscaler.path"
_MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    started = time.monotonic()
    try:
        recipe = load_recipe(str(_RECIPE), [f"{_SOURCE}={given.file}"])
        built = build(recipe, folder / "out", places=Places(benchmarks=given.data_dir), listener=PlainStandings())
        seconds = time.monotonic() - started
        dropped = dropped_examples(DatasetFolder(built.path).ledger, num_examples=0)
    finally:
        shutil.rmtree(folder)
    path = results_path(RESULTS, "deepscaler-funnel", gpu={}, vram_gib=None, tiny=False)
    content = {
        "command": f"python benchmarks/{Path(__file__).name} {given.file.name} --data-dir DIR",
        "machine": describe_machine(),
        "file_sha256": sha256_of(given.file),
        "seconds": round(seconds, 1),
        "peak_mib": round(peak_bytes() / _MIB),
        "num_rows": built.manifest["num_rows"],
        "funnel": built.manifest["funnel"],
        "reasons": {stage: dict(found.reasons.most_common(8)) for (_, stage), found in dropped.items()},
        "versions": built.manifest["versions"],
    }
    write_results_file(path, content)
    print("\n".join(funnel_lines(built.manifest)))
    print(path)


if __name__ == "__main__":
    main()
