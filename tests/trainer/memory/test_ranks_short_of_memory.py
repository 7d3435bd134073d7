"""Memory that runs out on one of two gloo ranks under DDP: both redo the step, or both stop, together."""

import pytest
import torch

from leanrl.storage.run_folder import RunFolder, read_json
from tests.two_ranks import run_two_ranks


@pytest.fixture(scope="module")
def found(tiny_model, tmp_path_factory):
    """Return what both ranks found, by case, and the folder that holds their runs."""
    out = tmp_path_factory.mktemp("ranks")
    run_two_ranks("tests.trainer.memory.two_ranks_short_of_memory", str(tiny_model), str(out))
    return lambda case: [torch.load(out / f"{case}-{rank}.pt") for rank in (0, 1)], out


@pytest.mark.parametrize("method", ["lora", "full"])
def test_both_ranks_redo_a_step_that_one_could_not_hold(found, method):
    """From step 2 on the second rank holds less: gradients, losses and completions are those of a card that holds it.

    Both passes run out: the reference's scores and the gradients. The first rank never fails, and cuts as the second.
    """
    ranks, out = found
    for rank, (whole, short) in enumerate(zip(ranks(f"{method}-whole"), ranks(f"{method}-short"), strict=True)):
        assert len(short["gradients"]) == len(whole["gradients"]) == 3
        for one, other in zip(short["gradients"], whole["gradients"], strict=True):
            assert one.keys() == other.keys()
            total = torch.cat([gradient.flatten() for gradient in other.values()])
            difference = torch.cat([(one[name] - other[name]).flatten() for name in other])
            assert total.norm() > 0.001
            assert difference.norm() < 1e-5 * total.norm()
        assert short["num_storages"] == whole["num_storages"] == [1, 1, 1]  # still those of DDP's bucket
        assert bool(short["num_failures"]) == (rank == 1)
    first, second = ranks(f"{method}-short")
    assert first["budget"] == second["budget"]
    max_tokens, num_shortages = first["budget"]
    assert num_shortages == second["num_failures"]
    assert [step["out_of_memory"] for step in first["metrics"]] == [0, num_shortages, num_shortages]
    plain = ranks(f"{method}-whole")[0]["metrics"]
    for name in ("loss", "kl"):
        assert [step[name] for step in first["metrics"]] == pytest.approx([step[name] for step in plain], abs=1e-6)
    assert [step["num_tokens"] for step in first["metrics"]] == [step["num_tokens"] for step in plain]
    assert f"-s train.max_tokens_per_micro_batch={max_tokens}" in "".join(first["warned"])
    (checkpoint,) = RunFolder(out / f"{method}-short-0").complete_checkpoints()
    saved = read_json(checkpoint / "token_budget.json")
    assert (saved["max_tokens"], saved["num_shortages"]) == first["budget"]


def test_both_ranks_give_the_same_layers_back(found):
    """The second rank lacks memory for any kept layer: two are given back, then the budget is halved, on both."""
    ranks, _ = found
    kept = ranks("kept")
    assert [rank["kept_layers"] for rank in kept] == [0, 0]
    assert kept[0]["budget"] == kept[1]["budget"]
    assert kept[0]["budget"][1] == kept[1]["num_failures"] >= 3
    assert kept[0]["num_failures"] == 0
    assert "-s train.kept_layers=0" in "".join(kept[0]["warned"])


def test_both_ranks_stop_where_one_completion_does_not_fit_on_one(found):
    """They save together: the checkpoint of the first step is there although none was due."""
    ranks, out = found
    for rank in ranks("nothing-fits"):
        assert "memory ran out in step 2 with 1 completion of" in rank["stopped"]
        assert [step["step"] for step in ranks("nothing-fits")[0]["metrics"]] == [1]
    (checkpoint,) = RunFolder(out / "nothing-fits-0").complete_checkpoints()
    assert checkpoint.name == "step-000001"
