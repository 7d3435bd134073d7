"""Two of the recorded runs; `python scripts/record_trajectories.py` takes all of them."""

import json

import pytest

from tests.trajectories.runs import GOLDEN, arithmetic, trajectory

# Vector instructions of another width add in another order.
_ELSEWHERE = {"rel": 1e-4, "abs": 1e-6}


@pytest.mark.parametrize("name", ["lora-1", pytest.param("full-kl-2", marks=pytest.mark.long)])
def test_a_run_goes_as_it_was_recorded(tiny_model, tmp_path, name):
    """Metrics and final weights, to the bit where the same arithmetic computes."""
    golden = json.loads(GOLDEN.read_text())
    run, recorded = trajectory(name, model=tiny_model, folder=tmp_path), golden["runs"][name]
    if arithmetic() == golden["arithmetic"]:
        assert run == recorded
        return
    assert len(run["steps"]) == len(recorded["steps"])
    for step, expected in zip(run["steps"], recorded["steps"], strict=True):
        assert step == pytest.approx(expected, **_ELSEWHERE)
    for key, expected in recorded["weights"].items():
        assert run["weights"][key]["norm"] == pytest.approx(expected["norm"], **_ELSEWHERE)
