"""Train on problems and a reward of your own, from Python.

    python examples/train_in_python.py

A model of 135M parameters learns to add two digits. The preset cpu-demo says how; the problems and one of the
rewards come from this file.
"""

import argparse
import re
from pathlib import Path

from leanrl.config.load import load_config
from leanrl.pipeline import merge, plan, train
from leanrl.types import Sample


def sums() -> list[dict[str, str]]:
    """Return problems as rows: a column with the question, a column with the gold answer."""
    pairs = [(a, b) for a in range(1, 10) for b in range(a, 10)]
    return [{"problem": f"{a} + {b}", "answer": str(a + b)} for a, b in pairs]


def closeness(sample: Sample) -> float:
    """Return 1 for the right number at the end, less the further off it is, and 0 without a number.

    A reward is a plain function of one completion. This one also pays for near misses, where `accuracy` pays
    nothing, so that the first steps have something to learn from.
    """
    numbers = re.findall(r"\d+", sample.text)
    return 1 / (1 + abs(int(numbers[-1]) - int(sample.gold))) if numbers else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="HuggingFaceTB/SmolLM2-135M-Instruct", help="Hub id or folder")
    parser.add_argument("--steps", type=int, default=18)
    parser.add_argument("--run-dir", type=Path, default=Path("runs/train-in-python"))
    arguments = parser.parse_args()

    config = load_config(
        "cpu-demo",
        [
            f"model.id={arguments.model}",
            f"train.max_steps={arguments.steps}",
            r"data.system_prompt=Put the sum in \boxed{}.",
            "rewards.closeness=0.5",  # beside the preset's one_box and accuracy
        ],
    ).config
    print(f"plan: {plan(config).verdict}")

    summary = train(
        config,
        rows=sums(),
        rewards={"closeness": closeness},
        run_dir=arguments.run_dir,
    )
    print(f"held-out sums: {summary['greedy_before']:.0%} right before, {summary['greedy_after']:.0%} after")

    report = merge(arguments.run_dir, arguments.run_dir / "merged")
    print(report.text())


if __name__ == "__main__":
    main()
