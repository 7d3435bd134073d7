"""The trainer on two gloo ranks under DDP: gradients lie in its buckets, and are those of one process."""

import pytest
import torch

from tests.trainer.ranks.two_ranks import train
from tests.two_ranks import run_two_ranks


@pytest.fixture(scope="module")
def on_two_ranks(tiny_model, tmp_path_factory):
    """The folder where two ranks have written what each of their runs found."""
    folder = tmp_path_factory.mktemp("two_ranks")
    run_two_ranks("tests.trainer.ranks.two_ranks", str(tiny_model), str(folder))
    return folder


@pytest.mark.parametrize("method", ["lora", "full"])
def test_gradients_are_views_of_buckets_and_equal_one_process(on_two_ranks, tiny_model, tmp_path, method):
    """Sixteen completions a step, of four prompts or of two on each rank, in micro-batches of three rows."""
    alone = _alone(tiny_model, tmp_path, method, 1)
    assert alone["num_storages"][0] == len(alone["steps"][0]) > 10
    for rank in (0, 1):
        found = torch.load(on_two_ranks / f"{method}-1-False-2-{rank}.pt")
        assert found["num_storages"] == [1, 1]  # one bucket holds all of them
        _assert_equal(found["steps"], alone["steps"])


def test_updates_on_parts_of_a_rollout_are_those_of_one_process(on_two_ranks, tiny_model, tmp_path):
    """Two rollouts of two updates each; a part has half of each rank's prompts, and one process is given the same."""
    alone = _alone(tiny_model, tmp_path, "full", 2)
    assert len(alone["steps"]) == 4
    for rank in (0, 1):
        _assert_equal(torch.load(on_two_ranks / f"full-2-False-2-{rank}.pt")["steps"], alone["steps"])


@pytest.mark.parametrize(("method", "num_steps"), [("lora", 2), ("dropout", 4)])
def test_ranks_that_keep_unequally_many_rows_train_as_one_process(
    on_two_ranks, tiny_model, tmp_path, method, num_steps
):
    """The second rank keeps none of its groups in the first rollout, and one of two in the second.

    With dropout in the adapter the policy is scored once more in reused steps; all ranks meet after each scoring.
    """
    alone = _alone(tiny_model, tmp_path, method, 1, drops=True)
    assert len(alone["steps"]) == num_steps
    for rank in (0, 1):
        _assert_equal(torch.load(on_two_ranks / f"{method}-1-True-2-{rank}.pt")["steps"], alone["steps"])


def _alone(folder, out, method, num_parts, *, drops=False):
    train(folder, out, method, num_parts, drops)
    return torch.load(out / f"{method}-{num_parts}-{drops}-1-0.pt")


def _assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        total = torch.cat([gradient.flatten() for gradient in other.values()])
        difference = torch.cat([(one[name] - other[name]).flatten() for name in other])
        assert total.norm() > 0.01
        assert difference.norm() < 1e-5 * total.norm()
