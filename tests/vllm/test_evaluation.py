"""`leanrl eval` and a recipe's solver on vLLM: the greedy completions of transformers, adapters, and going on."""

import json
from pathlib import Path
from typing import Any

import pytest

from leanrl.curation.building.ledger import LedgerRecord, read_ledger
from leanrl.evaluation.asked import Asked
from leanrl.evaluation.evaluate import evaluate as run
from leanrl.evaluation.standing import PlainStandings
from tests.curation.building.recipes import built, write_recipe
from tests.vllm.policies import TrainedPolicy

ROWS = [{"id": f"p{number}", "problem": f"{number} + {number}", "answer": str(2 * number)} for number in range(6)]


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    file = tmp_path / "sums.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


def evaluate(model: Path, sums: Path, out: Path, **asked: Any) -> dict[tuple[str, int], str]:
    question = Asked(str(model), benchmarks=(str(sums),), max_tokens=12, out=out, **asked)
    run(question, listener=PlainStandings())
    lines = (out / "completions.jsonl").read_text().splitlines()
    return {(each["id"], each["sample"]): each["text"] for each in map(json.loads, lines)}


def test_greedy_completions_are_those_of_transformers(tiny_model: Path, sums: Path, tmp_path: Path):
    by_vllm = evaluate(tiny_model, sums, tmp_path / "vllm", protocol="greedy")
    by_hf = evaluate(tiny_model, sums, tmp_path / "hf", protocol="greedy", engine="hf")
    assert len(by_vllm) == len(ROWS)
    assert by_vllm == by_hf
    asked = json.loads((tmp_path / "vllm" / "evaluation.json").read_text())
    assert asked["engine"] == "vllm"
    assert 0 < asked["starts"][0]["busy_slots_share"] <= 1


def test_what_is_missing_is_drawn_alike(tiny_model: Path, sums: Path, tmp_path: Path):
    whole = evaluate(tiny_model, sums, tmp_path / "out", samples=3)
    completions = tmp_path / "out" / "completions.jsonl"
    completions.write_bytes(b"".join(completions.read_bytes().splitlines(keepends=True)[:7])[:-5])
    assert evaluate(tiny_model, sums, tmp_path / "out", samples=3) == whole


def test_an_adapter_is_served_on_its_base(trained: TrainedPolicy, tiny_model: Path, sums: Path, tmp_path: Path):
    adapter = tmp_path / "adapter"
    trained.train()
    trained.model.save_pretrained(adapter)
    adapted = evaluate(adapter, sums, tmp_path / "adapted", protocol="greedy")
    assert adapted == evaluate(adapter, sums, tmp_path / "by-hf", protocol="greedy", engine="hf")
    assert adapted != evaluate(tiny_model, sums, tmp_path / "base", protocol="greedy", engine="hf")


def solved(folder: Path, model: Path, engine: str) -> list[LedgerRecord]:
    stage = {"kind": "pass_rate", "model": "solver", "num_samples": 2, "max_rate": 0.5}
    solver = {"id": str(model), "engine": engine, "max_completion_tokens": 6, "temperature": 0.0}
    recipe = write_recipe(
        folder, ROWS[:3], {"not_solved": stage}, models={"solver": solver}, source={"kept_columns": []}
    )
    made = built(recipe, folder / "out")
    return [each for each in read_ledger(made.path / "_curation" / "ledger.parquet") if each.stage == "not_solved"]


def test_a_solver_on_vllm_gives_the_replies_of_transformers(tiny_model: Path, tmp_path: Path):
    """A random model solves nothing: every row stays, with two greedy replies in the ledger."""
    by_vllm = solved(tmp_path / "vllm", tiny_model, "vllm")
    assert [(each.row_id, each.kept, each.reason, len(set(each.seeds))) for each in by_vllm] == [
        (f"p{number}", True, "0 of 2 completions are right", 2) for number in range(3)
    ]
    assert all(each.texts[0] and each.texts[0] == each.texts[1] for each in by_vllm)
    assert [each.texts for each in by_vllm] == [each.texts for each in solved(tmp_path / "hf", tiny_model, "hf")]
