"""Which processes a configuration stands for."""

import shlex

import pytest

from leanrl.config.load import load_config
from leanrl.launch.cards import rollout_cards
from leanrl.launch.topology import ProcessSpec, processes


@pytest.fixture(autouse=True)
def no_choice_of_cards(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def server(cards):
    return ProcessSpec("rollout server", ["serve"], environment={"CUDA_VISIBLE_DEVICES": ",".join(cards)})


def of(preset, *overrides):
    return processes(load_config(preset, overrides).config, arguments=["-p", preset], server=server)


def test_a_cpu_run_is_one_process_that_sees_no_card():
    (trainer,) = of("cpu-demo")
    assert (trainer.role, trainer.node, trainer.environment) == ("trainer", 0, {})
    assert trainer.command == ["leanrl", "train", "-p", "cpu-demo"]


def test_one_card_is_one_process_that_sees_the_first_card():
    (trainer,) = of("single-gpu-lora")
    assert trainer.command == ["leanrl", "train", "-p", "single-gpu-lora"]
    assert trainer.environment == {"CUDA_VISIBLE_DEVICES": "0"}


def test_the_papers_run_is_three_ranks_and_a_server_on_the_fourth_card():
    """4 cards, 1 for rollouts: the server has card 3, and the first rank, which starts it, is told."""
    serving, launcher, *ranks = of("a40x4-full-exp2")
    assert serving == server(["3"])
    assert launcher.command == ["leanrl", "train", "-p", "a40x4-full-exp2"]
    assert [rank.role for rank in ranks] == ["training rank 0", "training rank 1", "training rank 2"]
    assert ranks[2].environment == {
        "RANK": "2",
        "LOCAL_RANK": "2",
        "WORLD_SIZE": "3",
        "LOCAL_WORLD_SIZE": "3",
        "MASTER_ADDR": "127.0.0.1",
        "LEANRL_LAUNCHED": "1",
        "CUDA_VISIBLE_DEVICES": "0,1,2",
        "LEANRL_ROLLOUT_CARDS": "3",
    }
    assert ranks[2].command == ["python", "-m", "leanrl", "train", "--resume", "RUN"]


def test_cards_are_counted_among_those_that_the_user_lets_be_seen(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    serving, _, *ranks = of("a40x4-full-exp2")
    assert serving == server(["7"])
    assert {rank.environment["CUDA_VISIBLE_DEVICES"] for rank in ranks} == {"4,5,6"}


def test_a_launched_rank_knows_the_rollout_card_that_it_does_not_see():
    environment = of("a40x4-full-exp2")[2].environment
    assert rollout_cards(load_config("a40x4-full-exp2").config, environment) == ["3"]


def test_a_users_server_is_no_process_of_the_run():
    launcher, *_ = of("a40x4-lora-exp2", "rollout.engine=vllm-server", "rollout.server_url=http://127.0.0.1:8000")
    assert launcher.role == "launcher"


def test_colocated_rollouts_need_no_server():
    launcher, *ranks = of("a40x4-full-exp2-colocate")
    assert (launcher.role, len(ranks)) == ("launcher", 4)
    assert {rank.environment["CUDA_VISIBLE_DEVICES"] for rank in ranks} == {"0,1,2,3"}


def test_ranks_on_a_cpu_see_no_card():
    _, *ranks = of("cpu-demo", "hardware.num_cpu_ranks=2", "train.micro_batch_completions=16")
    assert len(ranks) == 2
    assert not any("CUDA_VISIBLE_DEVICES" in rank.environment for rank in ranks)


def test_each_node_gets_its_command():
    """Two nodes of one card: torchrun on each, the same rendezvous, their own rank."""
    first, second = of("single-gpu-lora", "hardware.num_nodes=2")
    assert (first.node, second.node) == (0, 1)
    assert first.command[:5] == [
        "torchrun",
        "--nnodes=2",
        "--node-rank=0",
        "--nproc-per-node=1",
        "--rdzv-backend=c10d",
    ]
    assert second.command == [part.replace("--node-rank=0", "--node-rank=1") for part in first.command]
    assert "--rdzv-endpoint=HOST_OF_NODE_0:29500" in first.command


def test_a_command_survives_a_shell():
    spec = ProcessSpec("trainer", ["leanrl", "train", "-s", "name=two words"], environment={"A": "x y"})
    assert spec.shell() == "A='x y' leanrl train -s 'name=two words'"
    assert shlex.split(spec.shell()) == ["A=x y", "leanrl", "train", "-s", "name=two words"]
