"""benchmarks/training/backends.py: both sides take the same step, unsloth's with its patch forced."""

import pytest


def test_both_sides_of_the_benchmark_take_the_same_steps(tiny_model, tmp_path, run_child):
    unsloth, hf = (
        run_child("tests.unsloth.backend_steps", backend, tiny_model, tmp_path / backend)
        for backend in ("unsloth", "hf")
    )
    assert (unsloth["source"], hf["source"]) == ("UnslothTrainer", "LeanGRPOTrainer")
    assert unsloth["losses"] == pytest.approx(hf["losses"], rel=1e-3)
    assert unsloth["grad_norms"] == pytest.approx(hf["grad_norms"], rel=1e-3)
    for side in (unsloth, hf):
        assert len(side["seconds"]) == 1
        assert side["peak_bytes"] > 0
