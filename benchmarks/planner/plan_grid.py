"""Whether a plan, its fixes and `leanrl plan --fit` agree: cards x models x methods x completion lengths, 405 plans.

    python benchmarks/planner/plan_grid.py [--processes 2]

Every offered fix is applied and planned again, and so is what `--fit` finds. A contradiction is a fix or found settings
that do not fit, that `leanrl train` would refuse or that round the updates away, fixes where `--fit` finds nothing,
settings that fit and no fix, or a floor above the need. Prints the contradictions and writes
benchmarks/results/plan-grid-<date>.json; bytes do not depend on the machine.
"""

import argparse
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from leanrl.config.checks.idle import loses_updates
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.machine.environment import describe_machine
from leanrl.planner.plan import plan_run
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fit import Fit, fit_run
from leanrl.planner.search.fixes import Changes, is_refused, with_changes

RESULTS = Path(__file__).parents[1] / "results"
CARDS = ("rtx3060-12", "rtx4090", "a100-80")
MODELS = (
    "HuggingFaceTB/SmolLM2-135M-Instruct",
    "Qwen/Qwen2.5-0.5B-Instruct",
    "google/gemma-3-1b-it",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
    "Qwen/Qwen2.5-3B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
    "Qwen/Qwen3-4B",
    "Qwen/Qwen2.5-7B-Instruct",
    "mistralai/Mistral-7B-Instruct-v0.3",
)
METHODS = ("full", "lora", "qlora")
COMPLETION_TOKENS = (1024, 2048, 4096, 8192, 16_384)


@dataclass(frozen=True)
class Case:
    """One plan of the grid."""

    card: str
    model: str
    method: str
    completion_tokens: int

    def config(self) -> RunConfig:
        values = {
            "model.id": self.model,
            "hardware.gpu": self.card,
            "rollout.max_completion_tokens": self.completion_tokens,
            "rollout.max_model_tokens": "null",
        }
        return load_config(f"single-gpu-{self.method}", [f"{key}={value}" for key, value in values.items()]).config


GRID = tuple(Case(*values) for values in itertools.product(CARDS, MODELS, METHODS, COMPLETION_TOKENS))


def examine(case: Case) -> dict[str, Any]:
    """Return the verdict of a plan, what was offered and found, and every contradiction between them."""
    config = case.config()
    plan, found = plan_run(config), fit_run(config)
    return {
        **asdict(case),
        "verdict": plan.verdict,
        "fixes": [fix.line for fix in plan.offers],
        "nearest": None if plan.nearest is None else plan.nearest.run,
        "fit": found.flags if found.fits else None,
        "missing_bytes": found.missing_bytes,
        "contradictions": list(contradictions(config, plan, found)),
    }


def contradictions(config: RunConfig, plan: Plan, found: Fit) -> Iterator[str]:
    """Yield a sentence for each pair of answers that cannot both be right."""
    can_fit = plan.verdict == "fits" or bool(plan.offers)
    if can_fit != found.fits:
        yield f"the plan is {plan.verdict} with {len(plan.offers)} fixes, and --fit says fits: {found.fits}"
    if (plan.nearest is None) != can_fit:
        yield f"the plan is {plan.verdict} with {len(plan.offers)} fixes, and names as nearest: {plan.nearest}"
    for name, one in (("the plan", plan), ("--fit", found.plan)):
        for floor in one.floors:
            if floor.bytes > one.gpus[0].peak.bytes:
                yield f"{name} has a floor above its need: {floor}"
    for fix in plan.offers:
        yield from _broken_promise(config, fix.changes, fix.flags)
    if found.fits:
        yield from _broken_promise(config, found.changes, f"--fit: {found.flags}")


def _broken_promise(config: RunConfig, changes: Changes, flags: str) -> Iterator[str]:
    if is_refused(config, changes):
        yield f"{flags} would be refused"
        return
    changed = with_changes(config, changes)
    if loses_updates(changed) and not loses_updates(config):
        yield f"{flags} rounds the updates away"
    verdict = plan_run(changed).verdict
    if verdict != "fits":
        yield f"{flags} is {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.processes) as pool:
        rows = list(pool.map(examine, GRID, chunksize=15))
    contradicting = [row for row in rows if row["contradictions"]]
    summary = {
        "plans": len(rows),
        "verdicts": dict(Counter(row["verdict"] for row in rows)),
        "nothing_fits": sum(row["fit"] is None for row in rows),
        "contradictions": sum(len(row["contradictions"]) for row in contradicting),
    }
    print("\n".join(f"{row}" for row in contradicting))
    print(json.dumps(summary))
    about = {"command": "python benchmarks/planner/plan_grid.py", **describe_machine()}
    target = RESULTS / f"plan-grid-{date.today()}.json"
    target.write_text(json.dumps(about | {"summary": summary, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
