"""docs/status/*.yaml mark what they say of a GPU: measured, contract-tested, read or unknown."""

import re

from leanrl.config.files.yaml_text import parse_yaml
from tests.gpu_proof.conftest import ROOT

# Words by which a row speaks of what a GPU does, and not of a plan for one.
OF_A_GPU = re.compile(
    r"\bon an? (?:GPU|card)\b|\bnot run on GPUs|\bno GPU\b|\bneeds an? (?:GPU|card)\b|\b(?:two|several) GPUs\b"
    r"|\bNCCL\b|\bCUDA (?:context|graph|kernel)|\bvarlen kernel",
    re.IGNORECASE,
)
MARKS = ("measured", "contract-tested", "read", "unknown")


def rows():
    files = sorted((ROOT / "docs" / "status").glob("*.yaml"))
    return [row for file in files for row in parse_yaml(file.read_text(encoding="utf-8"))["promises"]]


def text_of(row):
    return " ".join([row.get("holds", ""), row.get("missing", ""), *row.get("proof", [])])


def test_a_row_that_speaks_of_a_gpu_has_one_mark():
    of_a_gpu = [row for row in rows() if OF_A_GPU.search(text_of(row)) or "gpu" in row]
    assert len(of_a_gpu) > 30
    assert [text_of(row)[:100] for row in of_a_gpu if row.get("gpu") not in MARKS] == []


def test_a_mark_stands_in_no_text():
    written = re.compile(rf"GPU: (?:{'|'.join(MARKS)})")
    assert [text_of(row)[:100] for row in rows() if written.search(text_of(row))] == []


def test_what_is_called_measured_has_a_results_file_of_a_card():
    measured = [row for row in rows() if row.get("gpu") == "measured"]
    files = [[proof for proof in row["proof"] if proof.startswith("benchmarks/results/")] for row in measured]
    assert all(files)
    assert [file for of_row in files for file in of_row if not (ROOT / file).is_file()] == []
