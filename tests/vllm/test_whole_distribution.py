"""Sampling that cuts the distribution or bends it: real vLLM reports log-probabilities of the whole one."""

import pytest
import torch

from leanrl.rollout.selftest import choose, mean_difference
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.command import server_environment
from leanrl.rollout.server.engine import VllmServer
from leanrl.rollout.server.place import free_port
from leanrl.rollout.server.process import ServerProcess
from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.rollout.vllm.engine_arguments import server_flags
from tests.vllm.policies import requests, sampling, small_arguments

SIZES = {"max_prompt_tokens": 128, "max_completion_tokens": 32}
CUTS = [{"top_p": 0.8}, {"top_k": 5}, {"min_p": 0.1}, {"repetition_penalty": 1.5}, {"top_p": 0.9, "top_k": 20}]


def arguments(folder, **rollout):
    return small_arguments(folder, rollout=SIZES | rollout)


def difference(trained, engine, sampled):
    asked = requests(num_completions=4)
    drawn = choose(asked, engine.generate(asked, sampled))
    return mean_difference(drawn, trained.scorer.score(drawn, temperature=sampled.temperature))


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_a_colocated_engine(trained, temperature):
    """One engine for all cuts; of the cut distribution the numbers would be tenths of a nat away."""
    trained.train()
    engine = VllmColocate(arguments(trained.folder, top_p=0.9, temperature=temperature))
    try:
        engine.sync(trained.policy)
        for cut in CUTS:
            assert difference(trained, engine, sampling(temperature=temperature, **cut)) < 1e-5, cut
        trained.train()
        engine.sync(trained.policy)
        assert difference(trained, engine, sampling(temperature=temperature, top_p=0.8)) < 1e-5
    finally:
        engine.close()


def test_numbers_of_the_cut_distribution_are_another_thing(trained):
    """What was asked of vLLM before: the mass that is left makes each token likelier."""
    trained.train()
    engine = VllmColocate(arguments(trained.folder))
    try:
        engine.sync(trained.policy)
        assert difference(trained, engine, sampling(top_p=0.8, top_k=5)) > 0.05
    finally:
        engine.close()


def test_a_server(trained, tmp_path):
    told = arguments(trained.folder, top_k=5, temperature=0.7) | {"served_model_name": "base"}
    process = ServerProcess(
        server_flags(told),
        port=free_port(),
        log=tmp_path / "server.log",
        environment=server_environment([]),
        start_seconds=180.0,
    )
    process.start()
    client = ServerClient(process.url, deadline_seconds=30.0)
    engine = VllmServer(client, process=process, base="base", dtype=torch.float32, logprobs_mode=told["logprobs_mode"])
    try:
        trained.train()
        engine.sync(trained.policy)
        for cut in CUTS:
            assert difference(trained, engine, sampling(temperature=0.7, **cut)) < 1e-5, cut
    finally:
        engine.close()
