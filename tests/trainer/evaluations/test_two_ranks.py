"""Evaluations on two ranks: the questions are shared, every rank knows the result, and training never notices."""

import pytest
import torch

from leanrl.storage.evaluations import read_evaluations
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.evaluations.asking import _batches
from leanrl.trainer.ranks.among_ranks import Ranks
from tests.trainer.evaluations.evaluated_run import open_run
from tests.trainer.evaluations.two_ranks import METHODS, SETTINGS, ranked_config
from tests.two_ranks import run_two_ranks


@pytest.mark.parametrize(("num_questions", "most"), [(12, 4), (13, 2), (1, 8), (5, 1), (7, 100)])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_ranks_share_questions_in_equally_many_batches(num_questions, most, count):
    """A rank without a question of its own would leave the others waiting, so it asks one again."""
    by_rank = [list(_batches(num_questions, ranks=Ranks(index, count, list), most=most)) for index in range(count)]
    assert len({len(batches) for batches in by_rank}) == 1
    assert all(0 < len(batch) <= most for batches in by_rank for batch in batches)
    asked = [position for batches in by_rank for batch in batches for position in batch]
    assert set(asked) == set(range(num_questions))
    assert len(asked) - num_questions < count


@pytest.fixture(scope="module")
def on_two_ranks(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated_ranks")
    run_two_ranks("tests.trainer.evaluations.two_ranks", str(tiny_model), str(folder))
    return folder


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_two_ranks_evaluate_as_one_and_train_as_without(on_two_ranks, tiny_model, tmp_path, method):
    """At step 0 the weights are those of one process, so the counts of each problem are, too."""
    evaluated, never = (
        [torch.load(on_two_ranks / f"{method}-{name}-{rank}.pt") for rank in (0, 1)] for name in ("evaluated", "never")
    )
    recorded = read_evaluations(RunFolder(on_two_ranks / f"{method}-evaluated"))
    assert [one["step"] for one in recorded] == [0, 2, 3]
    alone, *_ = open_run(ranked_config(tiny_model, method, num_ranks=1, **SETTINGS), tmp_path / "alone")
    assert recorded[0]["problems"] == alone.evaluations.measure(0)["problems"]
    for one, other in zip(evaluated, never, strict=True):
        assert [one["done"][each["step"]]["problems"] for each in recorded] == [each["problems"] for each in recorded]
        assert all(torch.equal(value, other["weights"][name]) for name, value in one["weights"].items())
