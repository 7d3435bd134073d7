"""Keys of how completions are made: by transformers' generate, and by vLLM's engines and servers."""

from typing import Any

import torch

from leanrl.config.schema import RunConfig
from leanrl.launch.cards import rollout_cards
from leanrl.planner.memory.base_sharing import shares_base
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import workload_of
from leanrl.preparation import _usable
from leanrl.processes import processes
from leanrl.rollout.server.base import open_usable_server
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.command import server_arguments
from leanrl.rollout.vllm.engine_arguments import engine_arguments
from leanrl.trainer.rollouts.engines import sampling_of
from leanrl.types import ProblemSet, Row
from tests.felt.felt import Felt, Here, Probe, trainer_of
from tests.felt.updates import argument

SHAPE = ModelShape(
    family="qwen2", num_layers=28, hidden=1536, intermediate=8960, num_heads=12, num_kv_heads=2, head_dim=128,
    vocab=151936, tied=False,
)  # fmt: skip


def generated_with(name: str) -> Probe:
    """Return what shows a field of the GenerationConfig with which a rollout calls transformers' generate."""

    def probe(config: RunConfig, here: Here) -> Any:
        trainer, seen = trainer_of(config, here), []
        stop_id = trainer.stopping.stop_ids[0]

        def generate(*, input_ids: torch.Tensor, generation_config: Any, **_: Any) -> torch.Tensor:
            seen.append(generation_config)
            return torch.cat([input_ids, torch.full_like(input_ids[:, :1], stop_id)], dim=1)

        trainer.model.generate = generate
        trainer.draw([[5, 6]] * config.train.num_completions)
        return getattr(seen[0], name)

    return probe


def sent_with(name: str) -> Probe:
    """Return what shows a field of a request to a vLLM server."""

    def probe(config: RunConfig, here: Here) -> Any:
        client, sent = ServerClient("http://127.0.0.1:1", deadline_seconds=1), []
        here.patch.setattr(client, "_call", lambda method, path, body: sent.append(body) or {"choices": []})
        sampling = sampling_of(config, max_completion_tokens=config.rollout.max_completion_tokens, stop_token_ids=(3,))
        client.complete("base", [[5]], sampling, 1)
        return sent[0][name]

    return probe


def told(name: str) -> Probe:
    """Return what shows an argument of a vLLM engine on the CPU."""

    def probe(config: RunConfig, here: Here) -> Any:
        arguments = engine_arguments(config, model="m", shape=SHAPE, adapter_rank=4, usable_bytes=None, seed=1)
        return server_arguments(config, arguments).get(name)

    return probe


def planned(name: str) -> Probe:
    """Return what shows a number of the workload that the plan counts."""
    return lambda config, here: getattr(workload_of(config, SHAPE), name)


def roles(config: RunConfig, here: Here) -> list[str]:
    return [process.role for process in processes(config, arguments=[])]


def port(config: RunConfig, here: Here) -> str:
    command = processes(config, arguments=[])[0].command
    return command[command.index("--port") + 1] if "--port" in command else command[command.index("--uds") + 1]


def deadline(config: RunConfig, here: Here) -> float:
    here.patch.setattr("leanrl.rollout.server.base.require_usable_server", lambda *_, **__: "base")
    client, _ = open_usable_server(config, None)
    return client._deadline_seconds


def tested_every(config: RunConfig, here: Here) -> int:
    return trainer_of(config, here).rollout._test_every_steps


def short_enough(config: RunConfig, here: Here) -> int:
    """Return how many of two prompts of 4 and 5 tokens are kept."""
    rows = [Row(text, text, "2", text) for text in ("1+1=", "1+10=")]
    tokenizer = trainer_of(config, here).processing_class
    return len(_usable(ProblemSet(train=rows), config, tokenizer, [], None, num_rows=None).train)


_SERVER = {"rollout.engine": "vllm-server"}
_COLOCATED = {"rollout.engine": "vllm-colocate"}
_SEPARATE = {**_COLOCATED, "rollout.share_base": False}
_SAMPLING = [
    ("temperature", "temperature", 0.5),
    ("top_p", "top_p", 0.25),
    ("top_k", "top_k", 7),
    ("min_p", "min_p", 0.125),
    ("repetition_penalty", "repetition_penalty", 1.5),
]

FELT = [
    *(Felt(f"rollout.{key}", value, generated_with(name), value) for key, name, value in _SAMPLING),
    *(Felt(f"rollout.{key}", value, sent_with(name), value) for key, name, value in _SAMPLING),
    Felt("rollout.temperature", 0.5, argument("temperature"), 0.5),
    Felt("rollout.max_completion_tokens", 5, generated_with("max_new_tokens"), 5),
    Felt("rollout.max_completion_tokens", 5, sent_with("max_tokens"), 5),
    Felt("rollout.max_prompt_tokens", 4, short_enough, 1),
    Felt("rollout.engine", "vllm-server", roles, ["rollout server", "trainer"]),
    Felt("rollout.num_gpus", 1, lambda config, here: rollout_cards(config, {}), ["3"], beside={"hardware.num_gpus": 4}),
    Felt(
        "rollout.base", "nf4", told("quantization"), "bitsandbytes", beside={**_SERVER, "model.tuning.method": "qlora"}
    ),
    Felt("rollout.max_model_tokens", 777, told("max_model_len"), 777, beside=_SERVER),
    Felt("rollout.gpu_memory_fraction", 0.25, planned("engine_memory_fraction"), 0.25, beside=_COLOCATED),
    Felt(
        "rollout.weight_transport",
        "nccl",
        told("weight_transfer_config"),
        {"backend": "nccl"},
        beside={**_SERVER, "model.tuning.method": "full"},
    ),
    Felt("rollout.selftest_every_steps", 9, tested_every, 9),
    Felt("rollout.server_url", "http://127.0.0.1:9", roles, ["trainer"], beside=_SERVER),
    Felt("rollout.server_port", 4321, port, "4321", beside=_SERVER),
    Felt("rollout.server_deadline_seconds", 60, deadline, 60, beside={**_SERVER, "rollout.server_url": "http://h:1"}),
    Felt("rollout.sleep_level", 0, planned("residency"), "awake", beside=_SEPARATE),
    Felt("rollout.share_base", False, lambda config, here: shares_base(config, SHAPE), False, beside=_COLOCATED),
]
