"""Full parameters that two gloo ranks share (FSDP2) and train with unequally many rows: gradients of one process."""

import pytest
import torch

from leanrl.seams.plugins.greso import Greso
from tests.trainer.ranks.two_ranks_sharded import CASES, METRICS, train
from tests.two_ranks import run_two_ranks

# With the first average, and what else an update may hold; the other averages take two ranks of their own.
SHORT = ("prompt_token_mean", "kl_and_reuse", "zero_advantages")
LONG = tuple(name for name in CASES if name not in SHORT)


@pytest.fixture(scope="module")
def out(tiny_model, tmp_path_factory):
    """The folder where two ranks have written what each of their runs found."""
    return _on_two_ranks(tiny_model, tmp_path_factory, *SHORT, "state")


@pytest.fixture(scope="module")
def out_of_long(tiny_model, tmp_path_factory):
    return _on_two_ranks(tiny_model, tmp_path_factory, *LONG)


def _on_two_ranks(model, tmp_path_factory, *names):
    folder = tmp_path_factory.mktemp("sharded")
    run_two_ranks("tests.trainer.ranks.two_ranks_sharded", str(model), str(folder), *names)
    return folder


@pytest.mark.parametrize("name", SHORT)
def test_ranks_with_unequally_many_rows_train_as_one_process(out, tiny_model, name):
    """Gradients and metrics of each step, with a shared reference, reused rollouts, and rows without advantage.

    The second rank has no row in the first rollout; in "zero_advantages" none of its rows goes through the model.
    """
    _assert_as_one_process(out, tiny_model, name)


@pytest.mark.long
@pytest.mark.parametrize("name", LONG)
def test_every_average_counts_the_rows_of_all_ranks(out_of_long, tiny_model, name):
    _assert_as_one_process(out_of_long, tiny_model, name)


def _assert_as_one_process(out, tiny_model, name):
    train(tiny_model, out, name)
    alone, shared = torch.load(out / f"{name}-1-0.pt"), [torch.load(out / f"{name}-2-{rank}.pt") for rank in (0, 1)]
    for found in shared:
        _assert_equal(found["gradients"], alone["gradients"])
    for one, other in zip(shared[0]["metrics"], alone["metrics"], strict=True):
        expected = {key: other[key] for key in METRICS if other[key] is not None}
        assert {key: one[key] for key in METRICS if one[key] is not None} == pytest.approx(expected, rel=1e-4, abs=1e-6)
    if name == "zero_advantages":
        assert all(line["skipped_token_share"] > 0.5 for line in alone["metrics"])


def test_a_resumed_run_has_the_state_of_its_plugins_on_every_rank(out):
    """Two steps after a checkpoint in the second epoch are those of a run that never stopped, to the bit."""
    first, second = (torch.load(out / f"state-{rank}.pt", weights_only=False) for rank in (0, 1))
    assert first["whole"]["plugins"] == second["whole"]["plugins"]
    assert first["whole"]["plugins"]["choose_prompts"] != Greso().state_dict()
    assert first["whole"]["entropy_coef"] == pytest.approx(0.006)
    assert first["again"]["lines"] == first["whole"]["lines"][4:]
    for found in (first, second):
        whole, again = found["whole"], found["again"]
        for name in ("plugins", "entropy_coef", "prompts", "ledger"):
            assert again[name] == whole[name], name
        for name, weight in whole["weights"].items():
            assert torch.equal(again["weights"][name], weight), name


def _assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        total = torch.cat([gradient.flatten() for gradient in other.values()])
        difference = torch.cat([(one[name] - other[name]).flatten() for name in other])
        assert total.norm() > 0.01
        assert difference.norm() < 1e-5 * total.norm()
