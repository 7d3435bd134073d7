"""examples/train_in_python.py, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_in_python.py"


def test_two_steps_end_in_a_summary_and_a_merged_model(tiny_model, tmp_path):
    run = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--model", str(tiny_model), "--steps", "2", "--run-dir", str(run)],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("plan: fits\nheld-out sums: ")
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["status"], summary["steps"]) == ("finished", 2)
    assert summary["num_train_rows"] + summary["num_heldout_rows"] == 45  # 9 + 8 + ... + 1 pairs
    assert json.loads((run / "config.json").read_text())["data"]["generator"] == "python"
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps[0]["rewards"].keys() == {"one_box", "accuracy", "closeness"}
    names = {path.name for path in (run / "merged").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    assert f"model: {run / 'merged'}" in done.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"8 + 4 = \boxed{12}", 1.0),
        (r"8 + 4 = \boxed{10}", 1 / 3),  # 2 off: 1 / (1 + 2)
        ("no idea", 0.0),
    ],
)
def test_the_reward_of_the_example(text, expected):
    from examples.train_in_python import closeness
    from leanrl.types import Sample

    sample = Sample(problem="8 + 4", gold="12", text=text, num_tokens=9, max_completion_tokens=20, is_truncated=False)
    assert closeness(sample) == pytest.approx(expected)
