"""A stage of a recipe that asks a model of this machine through vLLM."""

from pathlib import Path

from leanrl.curation.building.ledger import LedgerRecord, read_ledger
from tests.curation.building.recipes import built, sums, write_recipe

STAGES = {"not_solved": {"kind": "pass_rate", "model": "solver", "num_samples": 2, "max_rate": 0.5}}


def asked(folder: Path, model: Path, engine: str) -> list[LedgerRecord]:
    solver = {"id": str(model), "engine": engine, "max_completion_tokens": 6, "temperature": 0.0}
    recipe = write_recipe(folder, sums(3), STAGES, models={"solver": solver})
    made = built(recipe, folder / "out")
    return [each for each in read_ledger(made.path / "_curation" / "ledger.parquet") if each.stage == "not_solved"]


def test_a_solver_on_vllm_gives_the_replies_of_transformers(tiny_model: Path, tmp_path: Path):
    """A random model solves nothing: every row stays, with two greedy replies in the ledger."""
    by_vllm = asked(tmp_path / "vllm", tiny_model, "vllm")
    assert [(each.row_id, each.kept, each.reason, len(set(each.seeds))) for each in by_vllm] == [
        (f"s{number}", True, "0 of 2 completions are right", 2) for number in range(3)
    ]
    assert all(each.texts[0] and each.texts[0] == each.texts[1] for each in by_vllm)
    assert [each.texts for each in by_vllm] == [each.texts for each in asked(tmp_path / "hf", tiny_model, "hf")]
