"""Keys of where a run is, what it costs, what is measured around it and what leaves the machine."""

from types import SimpleNamespace
from typing import Any

import torch

from leanrl.config.schema import RunConfig
from leanrl.launch.topology import is_launched, training_ranks
from leanrl.loop import _greedy
from leanrl.planner.plan import plan_run
from leanrl.planner.prediction import Plan
from leanrl.planner.text.time_text import lengths_line
from leanrl.planner.workload import workload_of
from leanrl.processes import processes
from leanrl.storage.run_folder import read_jsonl
from leanrl.trainer.rollouts.greedy import complete_greedily
from leanrl.trainer.trl_args import grpo_arguments
from tests.felt.felt import Felt, Here, Probe, trainer_of
from tests.felt.rollouts import SHAPE
from tests.felt.updates import FULL, argument
from tests.trainer.checkpoints.test_hub import FakeHub
from tests.trainer.small_trainer import Notes


def of_plan(read: Any) -> Probe:
    """Return what `read` finds in the plan."""
    return lambda config, here: read(plan_run(config, shape=SHAPE, host_bytes=2**35))


def usable_bytes(plan: Plan) -> int:
    return plan.gpus[0].usable_bytes


def mean_tokens(plan: Plan) -> float:
    """Return the mean length of completions that the plan's time rests on."""
    return plan.lengths.distribution.mean(plan.workload.completion_tokens)


def cut_share(plan: Plan) -> float:
    return plan.lengths.distribution.cut_share(plan.workload.completion_tokens)


def rank_environment(config: RunConfig, here: Here) -> list[str]:
    return [process.environment["RANK"] for process in training_ranks(config, run="RUN")]


def nodes(config: RunConfig, here: Here) -> list[int]:
    return [process.node for process in processes(config, arguments=[])]


def sharding(config: RunConfig, here: Here) -> tuple[str, bool]:
    """Return what the plan counts, and whether the trainer is told to shard."""
    return workload_of(config, SHAPE).sharding, "fsdp" in grpo_arguments(config, output_dir=here.folder)


def greedy_scores(config: RunConfig, here: Here) -> dict[str, Any]:
    score = SimpleNamespace(answers=[], num_correct=1, num_eval=2, accuracy=0.5)
    here.patch.setattr("leanrl.eval.greedy.greedy_score", lambda *_, **__: score)
    return _greedy(config, [], trainer_of(config, here), None, "greedy_before", Notes())


def evaluation_batches(config: RunConfig, here: Here) -> list[int]:
    """Return the sizes of the batches in which five held-out prompts are asked."""
    trainer, sizes = trainer_of(config, here), []

    def generate(*, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        sizes.append(len(input_ids))
        return torch.cat([input_ids, input_ids[:, :1]], dim=1)

    trainer.model.generate = generate
    list(complete_greedily(trainer, ["1+1="] * 5))
    return sizes


def saved_samples(config: RunConfig, here: Here) -> dict[str, int]:
    """Return the files of completions after three steps, with how many each holds."""
    trainer = trainer_of(config, here)
    trainer.train()
    folder = trainer.run.completions
    return {file.stem: len(list(read_jsonl(file))) for file in sorted(folder.glob("*"))} if folder.is_dir() else {}


def created_repositories(config: RunConfig, here: Here) -> list[tuple[str, bool]]:
    hub = FakeHub()
    here.patch.setattr("leanrl.trainer.build.HfApi", lambda: hub)
    trainer_of(config, here)
    return hub.created


_CARD = {"hardware.gpu": "a40", "hardware.num_gpus": 1, "hardware.device": "auto"}
_TWO_CARDS = {**_CARD, **FULL, "hardware.num_gpus": 2}
_THREE_STEPS = {"train.max_steps": 3, "checkpoints.every_steps": 3}

_LONG_ROWS = {**_CARD, "rollout.max_completion_tokens": 1000}
_LENGTHS = {**_LONG_ROWS, "rollout.lengths.mean_tokens": 300.0}

FELT = [
    Felt("name", "monday", argument("run_name"), "monday"),
    Felt("backend", "unsloth", lambda config, here: is_launched(config), True),
    Felt("hardware.gpu", "rtx4090", of_plan(lambda plan: plan.card.name), "rtx4090", beside=_CARD, usual="a40"),
    Felt("hardware.vram_gib", 11.0, of_plan(usable_bytes), 11 * 2**30, beside=_CARD),
    Felt(
        "hardware.bandwidth_gb_per_second",
        5.0,
        of_plan(lambda plan: plan.card.bandwidth_bytes_per_second),
        5.0e9,
        beside=_CARD,
    ),
    Felt("hardware.bandwidth_gb_per_second", 5.0, of_plan(lambda plan: plan.step_seconds), beside=_CARD),
    Felt("hardware.bf16_tflops", 5.0, of_plan(lambda plan: plan.card.bf16_flops), 5.0e12, beside=_CARD),
    Felt("hardware.bf16_tflops", 5.0, of_plan(lambda plan: plan.step_seconds), beside=_CARD),
    Felt("hardware.usd_per_hour", 8.0, of_plan(lambda plan: plan.card.price.usd_per_hour), 8.0, beside=_CARD),
    Felt("rollout.lengths.mean_tokens", 300.0, of_plan(mean_tokens), 300.0, beside=_LONG_ROWS),
    Felt("rollout.lengths.cv", 0.2, of_plan(lambda plan: plan.step_seconds), beside=_LENGTHS),
    Felt("rollout.lengths.cut_share", 0.2, of_plan(cut_share), 0.2, beside=_LENGTHS),
    Felt("rollout.lengths.limit_tokens", 400, of_plan(lambda plan: plan.step_seconds), beside=_LENGTHS),
    Felt("rollout.lengths.source", "a guess", of_plan(lambda plan: "(a guess)" in lengths_line(plan)), True, _LENGTHS),
    Felt("hardware.num_gpus", 2, of_plan(lambda plan: len(plan.gpus)), 2, beside=_CARD, usual=1),
    Felt("hardware.num_nodes", 2, nodes, [0, 1], beside=_TWO_CARDS),
    Felt("hardware.num_cpu_ranks", 2, rank_environment, ["0", "1"]),
    Felt("hardware.device", "cpu", of_plan(lambda plan: plan.device), "cpu", beside=_CARD, usual="auto"),
    Felt("hardware.parallel", "ddp", sharding, ("ddp", False), beside=_TWO_CARDS),
    Felt("eval.greedy", True, greedy_scores, {"greedy_before": 0.5, "num_eval": 2}),
    Felt("eval.batch_size", 2, evaluation_batches, [2, 2, 1]),
    Felt("log.completions_every_steps", 2, saved_samples, {"step-000001": 8, "step-000002": 8}, beside=_THREE_STEPS),
    Felt("log.num_completions", 3, saved_samples, {"step-000001": 3}, beside=_THREE_STEPS),
    Felt("hub.push_to", "me/sums", created_repositories, [("me/sums", True)]),
    Felt("hub.private", False, created_repositories, [("me/sums", False)], beside={"hub.push_to": "me/sums"}),
]
