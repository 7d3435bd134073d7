"""The sleep of a colocated vLLM: its KV cache is gone meanwhile, and nothing else has changed afterwards."""

from collections import deque

import pytest

from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.rollout.vllm.sleep import CacheRelease, cache_storages
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


@pytest.mark.parametrize("num_scheduled_ahead", [0, 1])
def test_what_a_card_releases_may_be_released_right_after_generation(trained, monkeypatch, num_scheduled_ahead):
    """vLLM's own engine, scheduler and checks; a CPU has no pool, so the executor's last call is recorded."""
    engine = VllmColocate(small_arguments(trained.folder), sleep_level="kv")
    try:
        engine.sync(trained.policy)
        released = []
        core = engine._llm.llm_engine.engine_core.engine_core
        monkeypatch.setattr(core.model_executor, "discard", released.append)
        monkeypatch.setattr(core.model_executor, "wake_up", lambda tags: None)
        if num_scheduled_ahead:
            schedule_ahead(core)
        release = CacheRelease(engine._llm)
        for _ in range(2):
            assert greedy(engine)
            release.fall_asleep()
            assert engine._llm.llm_engine.engine_core.engine_core.is_scheduler_paused()
            release.wake_up()
        assert released == [("kv_cache",)] * 2
    finally:
        engine.close()


def schedule_ahead(core):
    """Let the engine keep a batch in flight, as a card's does."""
    core.batch_queue_size = 2
    core.batch_queue = deque(maxlen=2)
    core.step_fn = core.step_with_batch_queue
