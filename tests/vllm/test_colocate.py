"""vLLM in the trainer's process: what it draws is what the trainer would have drawn, version after version."""

import json
import shutil

import pytest
import torch

from leanrl.errors import StoppedError
from leanrl.prompting.stopping import Stopping
from leanrl.rollout.selftest import choose, mean_difference
from leanrl.rollout.vllm.colocate import VllmColocate
from tests.vllm.policies import requests, sampling, small_arguments


def difference(trained, engine):
    """Return the mean difference (nats) between what the engine reports and what the trainer scores."""
    asked = requests()
    drawn = choose(asked, engine.generate(asked, sampling()))
    assert drawn
    assert all(len(one.logprobs) == len(one.token_ids) > 0 for one in drawn)
    return mean_difference(drawn, trained.scorer.score(drawn, temperature=0.7))


@pytest.mark.parametrize("handover", ["tensors", "files"])
def test_every_version_is_served_as_it_is(trained, handover):
    """fp32 on both sides: under 1e-5 nats a token, and each version far from the one before.

    No request shares a name, an id or a path with another, or would have vLLM load its adapter at every forward pass.
    """
    served = []
    engine = VllmColocate(small_arguments(trained.folder), handover=handover)
    try:
        for _ in range(4):
            trained.train()
            engine.sync(trained.policy)
            assert difference(trained, engine) < 1e-5
            assert len(engine._llm.llm_engine.list_loras()) == 1, "an old version is still there"
            served.append(engine._serving)
        for name in ("lora_name", "lora_int_id", "lora_path"):
            assert len({getattr(request, name) for request in served}) == 4
        assert not any(request.load_inplace for request in served)
        trained.train()
        assert difference(trained, engine) > 0.05
    finally:
        engine.close()
    assert torch.get_num_threads() >= 1


def test_a_prefix_cache_that_stays_stops_the_run(trained, monkeypatch):
    engine = VllmColocate(small_arguments(trained.folder))
    try:
        monkeypatch.setattr(engine._llm, "reset_prefix_cache", lambda: False)
        with pytest.raises(StoppedError, match="refused to drop its prefix cache"):
            engine.sync(trained.policy)
        with pytest.raises(ValueError, match="before sync"):
            engine.generate(requests(), sampling())
    finally:
        engine.close()


def test_completions_end_behind_every_stop_id_whatever_the_model_says(trained, tmp_path):
    """The model's own generation_config asks for 30 tokens at least and for an end that the run does not have."""
    folder = shutil.copytree(trained.folder, tmp_path / "model")
    own = {"eos_token_id": 200, "min_new_tokens": 30, "repetition_penalty": 5.0, "temperature": 0.01}
    (folder / "generation_config.json").write_text(json.dumps(own))
    stop_ids = tuple(range(3, 120))
    engine = VllmColocate(small_arguments(folder))
    try:
        engine.sync(trained.policy)
        groups = engine.generate(requests(), sampling(stop_token_ids=stop_ids, max_completion_tokens=32))
    finally:
        engine.close()
    completions = [one.token_ids for group in groups for one in group]
    assert all(not set(tokens[:-1]) & set(stop_ids) for tokens in completions)
    assert any(tokens[-1] in stop_ids and len(tokens) < 30 for tokens in completions)
    stopping = Stopping(stop_ids, 0)
    assert all(stopping.cut(tokens) == tokens for tokens in completions)
