"""The scores of a checkpoint's evaluations, for its model card."""

from pathlib import Path
from typing import Any

from leanrl.eval.benchmarks.named import benchmark_names, find_benchmark
from leanrl.eval.exports.model_index import model_index
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.storage.run_folder import read_json_if_whole


def scores_for_card(title: str, run: Path, step: int) -> list[dict[str, Any]]:
    """Return the Hub's model-index of the evaluations of one checkpoint that lie in its run; others are not its scores.

    Args:
        title: name of the model.
        run: the run's folder.
        step: of the checkpoint that the model is made of.
    """
    folders = [EvaluationFolder(path) for path in sorted((run / "evals").glob(f"step-{step}-*"))]
    contents = [(read_json_if_whole(each.evaluation), read_json_if_whole(each.scores)) for each in folders]
    whole = [(asked, scores) for asked, scores in contents if asked and scores.get("benchmarks")]
    names = {name for _, scores in whole for name in scores["benchmarks"]} & set(benchmark_names())
    hub_ids = {name: find_benchmark(name).benchmark.hub_id for name in names}
    return model_index(title, whole, hub_ids=hub_ids)
