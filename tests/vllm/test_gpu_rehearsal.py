"""The vLLM stage of `scripts/gpu_proof` at toy size: its commands, its benchmarks and what reads their results."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ONLY_ON_A_CARD = {"shared base", "sleep of weights"}


def test_all_steps_but_those_of_a_card_pass(tmp_path):
    proof = [sys.executable, ROOT / "scripts" / "gpu" / "proof.py"]
    done = subprocess.run([*proof, "--rehearse", "--stages", "vllm", "--out", tmp_path], capture_output=True, text=True)
    (file,) = tmp_path.glob("rehearsal-*-gpu-proof.json")
    (stage,) = json.loads(file.read_text())["stages"]
    verdicts = {step["name"]: (step["verdict"], step["why"]) for step in stage["steps"]}
    assert {name for name, (verdict, _) in verdicts.items() if verdict == "skipped"} == ONLY_ON_A_CARD
    assert {verdict for name, (verdict, _) in verdicts.items() if name not in ONLY_ON_A_CARD} == {"passed"}, verdicts
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("go: rehearsed on a CPU")
