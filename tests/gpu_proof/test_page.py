"""docs/gpu.md says what the results files say."""

from page import ROOT, gpu_page, read_results
from stages import Stage, read_stages

STAGES = [Stage("vllm", "that it generates", gib=1, packages=(), package_folders=(), steps=())]


def test_the_page_is_that_of_the_results():
    assert (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8") == gpu_page(read_stages(), read_results())


def test_without_a_card_nothing_is_called_proved():
    assert "**No card has run it: nothing of leanrl is proved on a GPU.**" in gpu_page(STAGES, [])


def test_a_card_that_ran_is_named_with_each_verdict():
    row = {"name": "vllm", "verdict": "failed", "why": "sync: exit code 1, not 0"}
    steps = [{"name": "sync", "verdict": "failed", "why": "exit code 1, not 0"}]
    results = {
        "file": "h100-2026-01-02-gpu-proof.json",
        "date": "2026-01-02",
        "commit": "abc",
        "is_rehearsal": False,
        "card": {"name": "NVIDIA H100"},
        "machine": {"versions": {"torch": "2.11.0"}},
        "stages": [row | {"steps": steps}],
    }
    page = gpu_page(STAGES, [results])
    assert "| NVIDIA H100 | 2026-01-02 | 2.11.0 | abc |" in page
    assert "| vllm | that it generates | failed (sync failed: exit code 1, not 0) |" in page
    assert "No card has run it" not in page
