"""The sleep of a colocated vLLM: its keys and values are gone meanwhile, and nothing else has changed afterwards."""

import pytest

from leanrl.rollout.vllm_colocate import VllmColocate
from leanrl.rollout.vllm_sleep import cache_storages
from tests.vllm.policies import requests, sampling, small_arguments


def greedy(engine):
    """Return the likeliest tokens of all prompts, and their log-probabilities."""
    groups = engine.generate(requests(num_completions=1), sampling(temperature=0.0))
    token_ids = [token for (one,) in groups for token in one.token_ids]
    return token_ids, [logprob for (one,) in groups for logprob in one.logprobs]


def same(answer):
    token_ids, logprobs = answer
    return token_ids, pytest.approx(logprobs, abs=1e-5)


@pytest.fixture(params=["kv", 1])
def engine(request, trained):
    engine = VllmColocate(small_arguments(trained.folder), sleep_level=request.param)
    trained.train()
    engine.sync(trained.policy)
    yield engine
    engine.close()


def test_keys_and_values_are_gone_while_asleep_and_answers_are_the_same_after_waking(engine):
    sizes = [storage.nbytes() for storage in cache_storages(engine._llm)]
    before = greedy(engine)
    for _ in range(3):
        engine.sleep()
        assert [storage.nbytes() for storage in cache_storages(engine._llm)] == [0] * len(sizes)
        engine.wake()
        assert [storage.nbytes() for storage in cache_storages(engine._llm)] == sizes
        assert greedy(engine) == same(before)
    assert sum(sizes) > 0


def test_a_policy_that_comes_while_awake_is_served_after_the_next_sleep(engine, trained):
    first = greedy(engine)
    trained.train()
    engine.sync(trained.policy)
    second = greedy(engine)
    engine.sleep()
    engine.wake()
    assert greedy(engine) == same(second)
    assert first != same(second)


def test_a_sleeping_engine_refuses_to_generate(engine):
    engine.sleep()
    engine.sleep()
    with pytest.raises(ValueError, match="before wake"):
        engine.generate(requests(), sampling())
    engine.wake()
    engine.wake()
    assert engine.generate(requests(), sampling())


def test_level_0_gives_nothing_back(trained):
    engine = VllmColocate(small_arguments(trained.folder), sleep_level=0)
    try:
        engine.sleep()
        assert sum(storage.nbytes() for storage in cache_storages(engine._llm)) > 0
    finally:
        engine.close()
