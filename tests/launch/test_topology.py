"""Which processes a configuration stands for."""

import shlex

from leanrl.config.load import load_config
from leanrl.launch.topology import ProcessSpec, processes


def of(preset, *overrides):
    return processes(load_config(preset, overrides).config, arguments=["-p", preset])


def after(command, flag):
    return command[command.index(flag) + 1]


def test_a_cpu_run_is_one_process_that_sees_no_card():
    (trainer,) = of("cpu-demo")
    assert (trainer.role, trainer.node, trainer.environment) == ("trainer", 0, {})
    assert trainer.command == ["leanrl", "train", "-p", "cpu-demo"]


def test_one_card_is_one_process_that_sees_the_first_card():
    (trainer,) = of("single-gpu-lora")
    assert trainer.command == ["leanrl", "train", "-p", "single-gpu-lora"]
    assert trainer.environment == {"CUDA_VISIBLE_DEVICES": "0"}


def test_the_papers_run_is_three_ranks_and_a_server_on_the_fourth_card():
    """4 cards, 1 for rollouts: the server has card 3; the preset names its context, 4608."""
    server, launcher, *ranks = of("a40x4-full-exp2")
    assert server.role == "rollout server"
    assert server.environment["CUDA_VISIBLE_DEVICES"] == "3"
    assert after(server.command, "--max-model-len") == "4608"
    assert after(server.command, "--host") == "127.0.0.1"
    assert after(server.command, "--gpu-memory-utilization") == "0.7"
    assert "--enable-lora" not in server.command
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
    }
    assert ranks[2].command == ["python", "-m", "leanrl", "train", "--resume", "RUN"]


def test_the_server_of_an_adapter_run_takes_adapters_of_its_rank():
    server, *_ = of(
        "a40x4-full-exp2", "model.tuning.method=lora", "hardware.parallel=ddp", "model.tuning.rank=16",
        "model.revision=abc", "rollout.gpu_memory_fraction=0.5",
    )  # fmt: skip
    assert "--enable-lora" in server.command
    assert after(server.command, "--max-lora-rank") == "16"
    assert after(server.command, "--revision") == "abc"
    assert after(server.command, "--gpu-memory-utilization") == "0.5"


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
