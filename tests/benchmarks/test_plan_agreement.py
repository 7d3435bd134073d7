"""The agreement of the closed form with the simulation: what is drawn, what stands in its file, and a sample anew."""

import json
from collections import Counter

import pytest

from benchmarks.planner.agreement_cases import Case, draw_cases
from benchmarks.planner.plan_agreement import (
    HOLDOUT_SEED,
    NUM_CASES,
    SEED,
    compared,
    simulate,
    simulated_cases,
    simulation_code,
    statements,
    summary,
    within_limits,
)
from benchmarks.results_file import RESULTS
from leanrl.planner.models.known_models import find_shape

COMMITTED = sorted(RESULTS.glob("plan-agreement-2*.json"))[-1]
ROWS = json.loads(COMMITTED.read_text(encoding="utf-8"))["rows"]


def case_of(row):
    targets = row["case"]["targets"]
    return Case(**row["case"] | {"targets": None if targets is None else tuple(targets)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def drawn(folder):
    return draw_cases(NUM_CASES, seed=SEED, folder=folder)


def test_a_seed_draws_the_same_cases_and_another_seed_others(drawn, folder):
    keys = [case.key for case in drawn]
    assert [case.key for case in draw_cases(20, seed=SEED, folder=folder)] == keys[:20]
    assert not set(keys) & {case.key for case in draw_cases(20, seed=HOLDOUT_SEED, folder=folder)}
    assert len(set(keys)) == NUM_CASES


def test_half_of_the_cases_have_one_micro_batch(drawn):
    assert Counter(case.num_micro_batches == 1 for case in drawn) == {True: NUM_CASES // 2, False: NUM_CASES // 2}


def test_the_draw_covers_what_decides_bytes(drawn, folder):
    """At least ten cases of each: methods, optimizers, numbers, activations, tiles, layouts, ways to share a model."""
    counts = Counter(case.method for case in drawn) + Counter(case.optimizer for case in drawn)
    counts += Counter(case.dtype for case in drawn) + Counter(case.activations for case in drawn)
    counts += Counter(case.pack_rows for case in drawn) + Counter(case.adapter_dtype for case in drawn)
    counts += Counter(case.config(folder).shares_weights for case in drawn)
    counts += Counter("replicas" for case in drawn if case.num_ranks > 1 and not case.config(folder).shares_weights)
    counts += Counter("tiles" for case in drawn if case.tile_tokens) + Counter("KL" for case in drawn if case.kl_beta)
    assert min(counts.values()) >= 10, counts
    assert len({find_shape(case.config(folder).model.id).family for case in drawn}) >= 18


def test_every_committed_case_is_within_the_limits_today(folder):
    """The plan is made anew, against the bytes of the committed simulation; what misses is listed in the file."""
    listed = json.loads(COMMITTED.read_text(encoding="utf-8"))["summary"]["missed"]
    rows = [compared(case_of(row), row, folder) for row in ROWS]
    missed = [row["name"] for row in rows if "error" in row and not within_limits(row["error"])]
    assert [name for name in missed if not any(name in line for line in listed)] == []
    assert [row["name"] for row in rows if "failed" in row] == []


def test_committed_cases_are_those_of_the_seed(drawn):
    assert {row["key"] for row in ROWS} <= {case.key for case in drawn}


@pytest.mark.parametrize(
    "key",
    [
        "ad1e4584f32b8124",  # TinyLlama-1.1B, full, FSDP2 on two ranks, one micro-batch
        # StableLM-2-1.6B, full, one micro-batch of padded rows
        pytest.param("dc380fb909ea6c10", marks=pytest.mark.long),
        "fd6568e191f591ec",  # StableLM-2-1.6B, LoRA with dropout, tiles
        pytest.param("48a5775fb1e4bfc5", marks=pytest.mark.long),  # SmolLM3-3B, QLoRA
    ],
)
def test_a_sample_is_simulated_anew(key, folder):
    """The committed bytes, and the plan within the limits of them."""
    (row,) = (row for row in ROWS if row["key"] == key)
    case = case_of(row)
    anew = compared(case, simulate(case, folder=folder)[1], folder)
    assert within_limits(anew["error"])
    for name, parts in row["simulated"].items():
        assert sum(anew["simulated"][name].values()) == pytest.approx(sum(parts.values()), rel=0.005), name


def test_a_case_of_the_same_code_is_not_simulated_again(drawn, folder, monkeypatch):
    """Of another code it is; with no process nothing is simulated."""
    monkeypatch.setattr("benchmarks.planner.plan_agreement.simulation_code", lambda: "this code")
    same, other, new = drawn[:3]
    known = {same.key: {"code": "this code"}, other.key: {"code": "another"}}
    assert list(simulated_cases([same, other, new], known, folder=folder, processes=0)) == [(same, known[same.key])]


def test_the_code_of_a_simulation_is_its_statements(tmp_path):
    assert simulation_code() == simulation_code()
    commented = statements('"""One."""\n\ndef f():\n    """Two."""\n    return 1  # three\n')
    assert commented == statements("def f():\n    return 1\n")
    assert commented != statements("def f():\n    return 2\n")


def test_the_summary_lists_what_misses_a_limit():
    def row(error):
        return {"name": f"case {error}", "error": error, "case": {"rows": 2, "completions": 2}}

    found = summary(
        [row(-0.021), row(-0.019), row(0.049), row(0.051), {"name": "x", "failed": "y", "case": row(0)["case"]}]
    )
    assert found["missed"] == ["-2.10% case -0.021", "+5.10% case 0.051"]
    assert (found["lowest_error"], found["highest_error"]) == (-0.021, 0.051)
    assert found["not_simulated"] == ["x"]
    assert found["median_absolute_error"] == 0.035
