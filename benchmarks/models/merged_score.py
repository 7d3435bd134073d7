"""The models that a finished run can be merged to, and how each answers what the run was asked.

The run has to have held problems out (`data.num_heldout`, `eval.greedy`). `demo.py --method` trains such runs.
"""

import tempfile
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.data.load import load_problems
from leanrl.eval.greedy import greedy_score
from leanrl.grading.pool import GraderPool
from leanrl.machine.environment import quiet_libraries
from leanrl.models.quiet import quiet_transformers
from leanrl.pipeline import merge
from leanrl.prompting.stopping import stopping_of
from leanrl.rollout.hf import complete
from leanrl.storage.run_folder import RunFolder


def merged_scores(run: RunFolder) -> list[dict]:
    """Merge a run in every way, and return each way with the merged model's greedy score and its verification."""
    quiet_libraries()
    quiet_transformers()
    config, merged = load_config(run.config).config, []
    with tempfile.TemporaryDirectory() as folder, GraderPool() as grader:
        for way in ways_of(config.model.tuning.method):
            out = Path(folder) / "-".join(way.values())
            report = merge(run.path, out, **way)
            score = score_of(out, config, grader)
            distances = {kind: vars(distance) for kind, distance in report.from_trained.items()}
            merged.append({**way, "greedy": score, "verification": vars(report.verification), "distances": distances})
    return merged


def ways_of(method: str) -> list[dict]:
    """Return what `leanrl merge` can be asked for after this method."""
    bases = ["original", "dequantised"] if method == "qlora" else ["original"]
    return [{"base": base, "dtype": dtype} for base in bases for dtype in ("bfloat16", "float32")]


def score_of(folder: Path, config: RunConfig, grader: GraderPool) -> float:
    """Return the fraction of the run's held-out problems that the merged model answers right, greedily."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = load_problems(config.data, seed=config.train.seed, rows=None).heldout

    def ask(prompts):
        length, size = config.rollout.max_completion_tokens, config.eval.batch_size
        return complete(
            model,
            tokenizer,
            prompts,
            stopping=stopping_of(tokenizer, model),
            template_kwargs=config.model.chat_template_kwargs,
            max_completion_tokens=length,
            temperature=0,
            batch_size=size,
        )

    return greedy_score(rows, complete=ask, grader=grader).accuracy
