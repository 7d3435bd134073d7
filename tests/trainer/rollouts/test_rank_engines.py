"""Two gloo ranks and their rollout engines: whose completions come back to whom, and who hears of an error."""

import json

import psutil
import pytest

from leanrl.launch.ranks import RanksFailedError, run_ranks
from leanrl.launch.topology import ProcessSpec
from tests.two_ranks import run_two_ranks

OWN_GROUPS = {0: [[[10], [10]], [[11]], [[12], [12]]], 1: [[[20], [20], [20]], [[21]]]}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    out = tmp_path_factory.mktemp("ranks")
    run_two_ranks("tests.trainer.rollouts.rank_engines", str(out))
    return [json.loads((out / f"rank-{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("kind", ["shared", "own"])
def test_groups_stay_with_the_rank_that_asked(seen, rank, kind):
    assert seen[rank][kind]["groups"] == OWN_GROUPS[rank]


@pytest.mark.parametrize("kind", ["shared", "own"])
def test_a_rank_gets_the_scores_of_its_own_texts(seen, kind):
    assert seen[0][kind]["scores"] == [[[2.0, 3.0]], [[-2.0, -3.0]]]
    assert seen[1][kind]["scores"] == [[[12.0, 13.0]], [[-12.0, -13.0]]]


def test_the_first_ranks_engine_is_asked_once_for_all_prompts(seen):
    assert seen[0]["shared"]["calls"] == [5, 5, 5, "closed"]
    assert seen[1]["shared"]["calls"] == []


def test_weights_are_put_together_by_all_ranks_and_sent_by_the_first(seen):
    """1 of rank 0 and 2 of rank 1."""
    assert seen[0]["shared"]["weights"] == {"a": [3.0], "b": [3.0]}
    assert [one["shared"]["version"] for one in seen] == [3, None]


@pytest.mark.parametrize("rank", [0, 1])
def test_an_engine_that_was_lost_gets_the_weights_again_in_the_middle_of_a_step(seen, rank):
    assert seen[rank]["shared"]["after a restart"] == OWN_GROUPS[rank]


@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_of_one_rank_is_every_ranks(seen, rank):
    assert seen[rank]["shared"]["stopped"] == ["StoppedError", "the server is lost", "resume"]
    assert seen[rank]["shared"]["not opened"] == ["ConfigError", "the port is taken", None]
    assert seen[rank]["own"]["stopped"] == ["StoppedError", "the cache stays", None]


def test_a_bug_of_the_first_rank_is_code_1_of_all(tmp_path, capfd):
    """1 and not 6: nobody can promise a checkpoint. The other rank notices that its partner is gone."""
    specs = [
        ProcessSpec(
            f"rank {rank}",
            ["python", "-m", "tests.trainer.rollouts.broken_engine", str(tmp_path)],
            environment={"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"},
        )
        for rank in (0, 1)
    ]
    with pytest.raises(RanksFailedError) as caught:
        run_ranks(specs, logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == (0, 1)
    assert "RuntimeError: a bug with 5 prompts" in capfd.readouterr().err
    assert "a bug with" not in (tmp_path / "logs" / "rank-1.log").read_text()
    commands = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    assert [command for command in commands if str(tmp_path) in command] == []
