"""training/backends.py without a GPU: what it refuses, what both backends are given, hf's side on a tiny model."""

import sys
from argparse import Namespace
from importlib.util import find_spec

import pytest

from benchmarks.models import random_model
from benchmarks.training import backends, backends_side
from benchmarks.training.backends import BACKENDS, CASES, SCALE, TINY_SCALE, with_ratios
from benchmarks.training.backends_side import config_of, describe
from benchmarks.training.train_step_case import Step, make_step
from leanrl.config.checks.check import find_contradictions
from leanrl.trainer.unsloth.trainer import require_padding_apart

NEEDS_BITSANDBYTES = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        (None, "unsloth is not installed here, and both backends are compared: docs/unsloth.md installs it."),
        ("2026.10.7", "torch sees no GPU here, and unsloth trains on nothing else."),
    ],
)
def test_without_a_gpu_or_unsloth_it_ends_in_one_line_with_exit_code_5(monkeypatch, capsys, version, missing):
    monkeypatch.setattr(sys, "argv", ["backends.py"])
    monkeypatch.setattr(backends, "installed_version", {"unsloth": version}.get)
    monkeypatch.setattr(backends, "run_json", lambda *_, **__: {})
    with pytest.raises(SystemExit) as end:
        backends.main()
    assert end.value.code == 5
    assert capsys.readouterr() == ("", missing + "\n")


def test_adapters_of_both_kinds_with_and_without_a_kl_on_both_steps():
    assert len({case.name for case in CASES}) == len(CASES) == 8
    assert {case.method for case in CASES} == {"lora", "qlora"}


@pytest.mark.parametrize("scale", [SCALE, TINY_SCALE])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_backends_are_given_one_run_that_neither_refuses(case, scale):
    hf, unsloth = (config_of(backend, case, scale, device="cuda", num_steps=3) for backend in BACKENDS)
    assert unsloth.model_copy(update={"backend": "hf"}) == hf
    assert [problem for problem in find_contradictions(unsloth) if problem.where.startswith("backend")] == []


def test_what_steps_took_is_told_without_the_first():
    """60 tokens in a median of (2 + 4) / 2 seconds; 9 bytes are the first step's, 8 of no phase of training."""
    phases = [{"load": 9, "forward_backward": 9}, {"rollout": 8, "reference": 3}, {"forward_backward": 5, "save": 8}]
    metrics = [
        {
            "loss": number,
            "grad_norm": 10 * number,
            "phase_peak_bytes": {name: {"allocated": taken} for name, taken in peaks.items()},
        }
        for number, peaks in enumerate(phases)
    ]
    assert describe(metrics, [50.0, 2.0, 4.0], Step(5, [20, 40], [0.0, 1.0]), source="a card") == {
        "seconds": [2.0, 4.0],
        "median_seconds": 3.0,
        "tokens_per_second": 20.0,
        "peak_bytes": 5,
        "source": "a card",
        "losses": [0, 1, 2],
        "grad_norms": [0, 10, 20],
    }


def test_ratios_are_unsloths_and_need_both():
    hf, unsloth = {"tokens_per_second": 100, "peak_bytes": 8}, {"tokens_per_second": 150, "peak_bytes": 6}
    assert with_ratios({"hf": hf, "unsloth": unsloth})["unsloth"] == unsloth | {"speed_ratio": 1.5, "peak_ratio": 0.75}
    failed = {"failed": "out of memory"}
    assert with_ratios({"hf": hf, "unsloth": failed}) == {"hf": hf, "unsloth": failed}


def test_the_random_model_pads_as_unsloth_takes_it():
    tokenizer = random_model._tokenizer_of_bytes()
    require_padding_apart(tokenizer, [tokenizer.eos_token_id], model="random")


def test_no_side_starts_after_the_budget(tmp_path):
    asked = Namespace(seconds=500.0)
    found = backends.measure("hf", CASES[0], asked, model=tmp_path, deadline=0.0)
    assert found == {"failed": "not started, the budget of 500 s ended"}


@pytest.mark.parametrize("method", ["lora", pytest.param("qlora", marks=NEEDS_BITSANDBYTES)])
def test_the_side_of_hf_takes_its_steps(tmp_path, method):
    """Two steps at a rate of next to nothing: the same loss, a KL in it, a peak and a speed."""
    case = next(case for case in CASES if case.method == method and case.kl_beta > 0 and case.rows == "mix")
    folder = backends.write_model(tmp_path / "model", tiny=True)
    found = backends_side.measure(
        "hf", case, TINY_SCALE, model_folder=str(folder), device="cpu", vram_gib=None, num_steps=2
    )
    assert found["losses"][0] == pytest.approx(found["losses"][1], rel=1e-4)
    assert found["losses"][0] != 0.0
    assert len(found["seconds"]) == 1
    assert found["tokens_per_second"] == pytest.approx(
        sum(make_step(case, TINY_SCALE).lengths) / found["seconds"][0], rel=0.01
    )
    assert found["peak_bytes"] > 100 * 2**20


def test_a_table_has_a_line_for_each_backend(capsys):
    measured = {
        "median_seconds": 2.0,
        "tokens_per_second": 10.0,
        "peak_bytes": 2**30,
        "losses": [0.5],
        "grad_norms": [1],
    }
    backends.print_table({"case": "any", "sides": {"hf": measured, "unsloth": {"failed": "out of memory"}}})
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == [
        "| hf | 2.00 s | 10 | 1.00 GiB | 0.500000 | 1.0000 |",
        "| unsloth | out of memory |  |  |  |  |",
    ]
