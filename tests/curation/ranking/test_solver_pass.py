"""A built dataset ordered by its solver's replies: two parts that share ids, and rows that another part dropped."""

import json
import re
from pathlib import Path

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.curation.ranking.files import write_ranked
from leanrl.curation.ranking.solver_pass import rank_built, rank_folder
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, DataError
from tests.curation.building.recipes import built, sums, write_recipe
from tests.evaluation.test_endpoint import Reply, completion, server

NUM_ROWS, NUM_SAMPLES = 4, 4


def one_more_each(number: int, body: dict) -> Reply:
    """Row n is solved by n of its 4 completions, whatever their order."""
    asked = int(re.search(r"What is (\d+)", body["messages"][-1]["content"])[1])
    solved = one_more_each.counts[asked] = one_more_each.counts.get(asked, 0) + 1
    return completion(rf"\boxed{{{3 * asked if solved <= asked else -1}}}")


def dataset(folder: Path, **stages: dict) -> Path:
    """Build rows of which the part `few` keeps those solved at most twice, and `often` those that it drops."""
    few = {"solved": {"kind": "pass_rate", "model": "solver", "num_samples": NUM_SAMPLES, "max_rate": 0.5}}
    one_more_each.counts = {}
    with server(one_more_each) as (address, _):
        source = {"s": {"path": str(folder / "rows.jsonl"), "licence": "MIT"}}
        parts = {
            "few": {"sources": source, "stages": stages or few},
            **({} if stages else {"often": {"dropped_by": {"part": "few", "stage": "solved"}}}),
            "unasked": {"sources": source, "stages": {}},
        }
        models = {} if stages else {"solver": {"id": "tiny", "endpoint": address}}
        recipe = write_recipe(folder, sums(NUM_ROWS), {}, parts=parts, mix=[{"part": each} for each in parts],
                              **({"models": models} if models else {}))  # fmt: skip
        return built(recipe, folder / "out").path


def test_rows_are_ordered_by_the_replies_and_train(tmp_path: Path):
    """Rates 0, 1/4, 1/2 and, of the dropped row, 3/4; the part that asked nobody comes last."""
    problems = rank_folder(dataset(tmp_path), "easy")
    assert [(row.id, seen.pass_rate) for row, seen in zip(problems.rows, problems.seen, strict=True) if seen] == [
        ("often/s3", 0.75), ("few/s2", 0.5), ("few/s1", 0.25), ("few/s0", 0.0),
    ]  # fmt: skip
    assert problems.num_asked == NUM_ROWS
    assert [row.columns["part"] for row in problems.rows[NUM_ROWS:]] == ["unasked"] * NUM_ROWS
    assert {(seen.num_visits, seen.num_completions) for seen in problems.seen if seen} == {(1, NUM_SAMPLES)}
    write_ranked(problems, tmp_path / "ranked.jsonl")
    first = json.loads((tmp_path / "ranked.jsonl").read_text().splitlines()[0])
    assert (first["answer"], first["leanrl_pass_rate"], first["leanrl_num_visits"]) == ("9", 0.75, 1)
    again = load_problems(DataConfig(path=str(tmp_path / "ranked.jsonl")), seed=0, kept_columns=None).train
    assert [row.id for row in again] == [row.id for row in problems.rows]


def test_a_dataset_that_asked_no_solver_has_no_order(tmp_path: Path):
    with pytest.raises(ConfigError, match="no stage `kind: pass_rate`"):
        rank_built(dataset(tmp_path, exact_duplicates={}), "easy")


def test_a_build_that_was_not_finished(tmp_path: Path):
    out = dataset(tmp_path)
    (out / "manifest.json").unlink()
    with pytest.raises(DataError, match="not finished"):
        rank_folder(out, "easy")
