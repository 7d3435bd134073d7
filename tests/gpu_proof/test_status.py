"""docs/status.md marks what it says of a GPU: measured, contract-tested, read or unknown."""

import re

from tests.gpu_proof.conftest import ROOT

# Words by which a row speaks of what a GPU does, and not of a plan for one.
OF_A_GPU = re.compile(
    r"\bon an? (?:GPU|card)\b|\bnot run on GPUs|\bno GPU\b|\bneeds an? (?:GPU|card)\b|\b(?:two|several) GPUs\b"
    r"|\bNCCL\b|\bCUDA (?:context|graph|kernel)|\bvarlen kernel",
    re.IGNORECASE,
)
MARK = re.compile(r"\bGPU: (?:measured \(`([^`]+)`\)|contract-tested|read|unknown)(?= \||;|,|\.)")


def rows():
    lines = (ROOT / "docs" / "status.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("|") and not line.startswith("|-")]


def test_a_row_that_speaks_of_a_gpu_has_one_mark():
    of_a_gpu = [row for row in rows() if OF_A_GPU.search(row) or "GPU: " in row]
    assert len(of_a_gpu) > 30
    assert [row[:100] for row in of_a_gpu if len(MARK.findall(row)) != 1] == []


def test_what_is_called_measured_has_a_results_file_of_a_card():
    files = [file for row in rows() for file in MARK.findall(row) if file]
    assert [file for file in files if not (ROOT / file).is_file()] == []
