"""A finished run merged in every way that its method knows, and each merged model asked what the run was asked.

    python benchmarks/merged_score.py RUN

The run has to have held problems out (`data.num_heldout`, `eval.greedy`). Prints a table and writes
benchmarks/results/merged-<method>-<date>.json with command, commit, machine, the run's own summary and every score.
"""

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.data.load import load_problems
from leanrl.environment import describe_machine, quiet_libraries
from leanrl.eval.greedy import greedy_score
from leanrl.grading.pool import GraderPool
from leanrl.models.quiet import quiet_transformers
from leanrl.pipeline import merge
from leanrl.rollout.hf import complete
from leanrl.run_folder import RunFolder, read_json

RESULTS = Path(__file__).parent / "results"
SUMMARY = ("greedy_before", "greedy_after", "num_eval", "steps", "seconds", "cpu_seconds")


def ways_of(method: str) -> list[dict]:
    """Return what `leanrl merge` can be asked for after this method."""
    bases = ["original", "dequantised"] if method == "qlora" else ["original"]
    return [{"base": base, "dtype": dtype} for base in bases for dtype in ("bfloat16", "float32")]


def score_of(folder: Path, config: RunConfig, grader: GraderPool) -> float:
    """Return the share of the run's held-out problems that the merged model answers right, greedily."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = load_problems(config.data, seed=config.train.seed, rows=None).heldout

    def ask(prompts):
        length, size = config.rollout.max_completion_tokens, config.eval.batch_size
        return complete(model, tokenizer, prompts, max_completion_tokens=length, temperature=0, batch_size=size)

    return greedy_score(rows, complete=ask, grader=grader).accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = RunFolder(parser.parse_args().run)
    quiet_libraries()
    quiet_transformers()
    config, summary = load_config(run.config).config, read_json(run.summary)
    method = config.model.tuning.method
    print(f"{method}: {summary['greedy_before']:.1%} before, {summary['greedy_after']:.1%} after training")
    merged = []
    with tempfile.TemporaryDirectory() as folder, GraderPool() as grader:
        for way in ways_of(method):
            out = Path(folder) / "-".join(way.values())
            report = merge(run.path, out, **way)
            score = score_of(out, config, grader)
            distances = {kind: vars(distance) for kind, distance in report.from_trained.items()}
            merged.append({**way, "greedy": score, "verification": vars(report.verification), "distances": distances})
            print(f"{way['base']:>12} {way['dtype']:>9}: {score:.1%}   {report.verification.text()}")
    answer = {
        "command": f"python benchmarks/merged_score.py {run.path.name}",
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "trained_at_commit": read_json(run.env)["commit"],
        "run": {name: summary[name] for name in SUMMARY},
        "merged": merged,
    }
    path = RESULTS / f"merged-{method}-{answer['date']}.json"
    path.write_text(json.dumps(answer, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
