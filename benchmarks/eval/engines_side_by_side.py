"""One question asked of one model through several engines: the scores of each, with their intervals.

    leanrl eval MODEL --benchmarks gsm8k,svamp --data-dir DATA --engine hf --out hf
    leanrl eval MODEL --benchmarks gsm8k,svamp --data-dir DATA --engine vllm --out vllm
    python benchmarks/eval/engines_side_by_side.py hf vllm [--commit HASH]

Writes benchmarks/results/eval-engines-<date>.json. Completions stay where they are.
"""

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.results_file import RESULTS, write_results_file
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.machine.environment import checkout_commit

_LEFT_OUT = ("per_problem",)


def side_by_side(folders: list[Path], *, commit: str | None) -> dict[str, Any]:
    """Return the question and the scores of each evaluation; folders of the machine are left out."""
    return {"commit": commit, "evaluations": [_facts(EvaluationFolder(folder)) for folder in folders]}


def _facts(folder: EvaluationFolder) -> dict[str, Any]:
    asked = json.loads(folder.evaluation.read_text(encoding="utf-8"))
    scores = json.loads(folder.scores.read_text(encoding="utf-8"))
    kept = ("model", "protocol", "benchmarks", "grader", "engine", "dtype", "machine", "versions", "command", "starts")
    return {
        **{name: asked.get(name) for name in kept},
        "scores": {
            name: {key: value for key, value in score.items() if key not in _LEFT_OUT}
            for name, score in scores["benchmarks"].items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--commit", default=checkout_commit())
    arguments = parser.parse_args()
    content = side_by_side(arguments.folders, commit=arguments.commit)
    for each in content["evaluations"]:
        for name, score in each["scores"].items():
            low, high = score["interval_95"]
            print(f"{each['engine']:8} {name:10} {score['accuracy']:.1%} ({low:.1%} to {high:.1%})")
    write_results_file(RESULTS / f"eval-engines-{date.today().isoformat()}.json", content)


if __name__ == "__main__":
    main()
