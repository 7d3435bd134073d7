"""The process that `leanrl train` starts for unsloth: what it imports when, with which environment, what it checks."""

import subprocess
import sys
from collections import defaultdict

from tests.unsloth.conftest import child_environment

# Every Python of the run loads this first, and writes down when it first looks for one of these packages.
RECORDER = """
import os, sys
WATCHED = {"unsloth", "torch", "transformers", "trl", "peft"}
NAMES = ("UNSLOTH_DISABLE_STATISTICS", "UNSLOTH_VLLM_STANDBY", "PYTORCH_ALLOC_CONF", "UNSLOTH_COMPILE_LOCATION")
class Recorder:
    def find_spec(self, name, path=None, target=None):
        if name in WATCHED:
            WATCHED.remove(name)
            said = [f"{one}={os.environ.get(one)}" for one in NAMES] if name == "unsloth" else []
            with open(os.environ["RECORD"], "a") as record:
                record.write(" ".join([str(os.getpid()), name, *said]) + "\\n")
sys.meta_path.insert(0, Recorder())
"""
UNSLOTH_RUN = [
    *("backend=unsloth", "hardware.num_gpus=1", "hardware.device=auto"),
    *("model.wheel=null", "model.dtype=bfloat16", "model.compute_dtype=bfloat16"),
]


def train(tiny_model, folder):
    (folder / "sitecustomize.py").write_text(RECORDER)
    overrides = [f"model.id={tiny_model}", *UNSLOTH_RUN]
    command = ["leanrl", "train", "-p", "cpu-demo", "--run-dir", "run", *(f"-s{one}" for one in overrides)]
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=child_environment(folder) | {"RECORD": str(folder / "record")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_unsloth_comes_first_in_its_process_and_a_patch_that_it_left_out_ends_the_run(tiny_model, tmp_path):
    """Without a GPU unsloth's import goes on and leaves TRL alone, as it does where a version does not fit."""
    done = train(tiny_model, tmp_path)
    orders, environments = defaultdict(list), []
    for line in (tmp_path / "record").read_text().splitlines():
        pid, name, *said = line.split()
        orders[pid].append(name)
        environments += [dict(one.split("=", 1) for one in said)] if said else []
    (order,) = [order for order in orders.values() if "unsloth" in order]
    assert order[0] == "unsloth"
    assert {"torch", "transformers", "trl", "peft"} <= set(order)
    assert environments == [
        {
            "UNSLOTH_DISABLE_STATISTICS": "1",
            "UNSLOTH_VLLM_STANDBY": "0",
            "PYTORCH_ALLOC_CONF": "expandable_segments:True",
            "UNSLOTH_COMPILE_LOCATION": str(tmp_path / "run" / "unsloth_cache"),
        }
    ]
    assert done.returncode == 5
    assert "unsloth has left trl.GRPOConfig, trl.GRPOTrainer, " in done.stderr
    assert done.stderr.count("AGPL-3.0") == 1
    assert done.stdout == ""  # unsloth's own greetings go elsewhere
    assert not (tmp_path / "unsloth_compiled_cache").exists()
    assert not (tmp_path / "run").exists()
