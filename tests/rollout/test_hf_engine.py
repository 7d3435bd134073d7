"""The engine on transformers' generate: groups in order, cut at their end token, drawn without dropout."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from leanrl.rollout.hf_engine import HfEngine
from leanrl.rollout.protocol import GroupRequest, Sampling


@pytest.fixture(scope="module")
def loaded(tiny_model):
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture
def engine(loaded):
    model, tokenizer = loaded
    return HfEngine(lambda: model, pad_id=tokenizer.pad_token_id)


def cold(tokenizer, **changes):
    """So cold that the likeliest token is all that is left."""
    values = {"temperature": 1e-3, "max_completion_tokens": 6, "stop_token_ids": (tokenizer.eos_token_id,)}
    return Sampling(**values | changes)


def test_a_group_for_every_prompt_in_order_whatever_it_is_padded_with(engine, loaded):
    _, tokenizer = loaded
    prompts = [tokenizer(text)["input_ids"] for text in ("1+1=", "what is twelve and thirty-four? ", "5")]
    together = engine.generate(
        [GroupRequest(ids, number) for ids, number in zip(prompts, (2, 1, 3), strict=True)], cold(tokenizer)
    )
    assert [len(group) for group in together] == [2, 1, 3]
    alone = [engine.generate([GroupRequest(ids, 1)], cold(tokenizer))[0][0].token_ids for ids in prompts]
    assert [[one.token_ids for one in group] for group in together] == [
        [tokens] * number for tokens, number in zip(alone, (2, 1, 3), strict=True)
    ]
    assert all(one.logprobs is None for group in together for one in group)


def test_a_completion_ends_with_its_first_stop_token(engine, loaded):
    _, tokenizer = loaded
    request = [GroupRequest(tokenizer("1+1=")["input_ids"], 1)]
    whole = engine.generate(request, cold(tokenizer))[0][0].token_ids
    assert len(whole) == 6
    stop = whole[2]
    cut = engine.generate(request, cold(tokenizer, stop_token_ids=(stop,)))[0][0].token_ids
    assert cut == whole[: whole.index(stop) + 1]


@pytest.mark.parametrize("was_training", [True, False])
def test_the_models_mode_is_given_back(engine, loaded, was_training):
    model, tokenizer = loaded
    model.train(was_training)
    seen = []
    handle = model.register_forward_pre_hook(lambda module, _: seen.append(module.training))
    engine.generate([GroupRequest([5], 1)], cold(tokenizer))
    handle.remove()
    assert not any(seen)
    assert model.training is was_training


def test_the_head_gets_the_last_tokens_of_a_prompt_in_one_piece(engine, loaded):
    """Strided, they make torch copy a frozen head for each row on a CPU."""
    model, tokenizer = loaded
    head = model.get_output_embeddings()
    seen = []
    own = head.register_forward_hook(
        lambda _, inputs, __: seen.append((*inputs[0].shape[:2], inputs[0].is_contiguous()))
    )
    engine.generate([GroupRequest(tokenizer("1+1=")["input_ids"], 3)], cold(tokenizer, max_completion_tokens=2))
    own.remove()
    assert seen == [(3, 1, True)] * 2
    assert not head._forward_pre_hooks, "a hook was left behind"


def test_a_seeded_completion_depends_on_its_seed_alone(engine, loaded):
    """Beside others or alone, in any order, and whatever torch's own random numbers are; those stay as they were."""
    _, tokenizer = loaded
    warm = cold(tokenizer, temperature=5.0, stop_token_ids=())
    prompts = [tokenizer(text)["input_ids"] for text in ("1+1=", "what is twelve and thirty-four? ")]
    requests = [GroupRequest(ids, 1, seed=seed) for ids in prompts for seed in (1, 2)]
    state = torch.random.get_rng_state()
    together = [group[0].token_ids for group in engine.generate(requests, warm)]
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(9)
    backwards = [group[0].token_ids for group in engine.generate(requests[::-1], warm)][::-1]
    alone = [engine.generate([request], warm)[0][0].token_ids for request in requests]
    assert together == backwards == alone
    assert together[0] != together[1]


def test_seeds_are_drawn_from_the_distribution_of_the_temperature(engine, loaded):
    """The first tokens of 400 seeds, against the probabilities of the model: each within four standard errors."""
    model, tokenizer = loaded
    ids = tokenizer("1+1=")["input_ids"]
    once = cold(tokenizer, temperature=0.7, max_completion_tokens=1, stop_token_ids=())
    drawn = engine.generate([GroupRequest(ids, 1, seed=seed) for seed in range(400)], once)
    counts = torch.bincount(torch.tensor([group[0].token_ids[0] for group in drawn]), minlength=model.config.vocab_size)
    with torch.no_grad():
        expected = torch.softmax(model(torch.tensor([ids])).logits[0, -1] / 0.7, -1)
    errors = (expected * (1 - expected) / 400).sqrt()
    likely = expected > 0.01
    assert ((counts / 400 - expected)[likely].abs() < 4 * errors[likely]).all()


def test_greedy_with_and_without_a_seed_is_the_same(engine, loaded):
    _, tokenizer = loaded
    ids, greedy = tokenizer("1+1=")["input_ids"], cold(tokenizer, temperature=0.0)
    (plain,), (seeded,) = (engine.generate([GroupRequest(ids, 1, seed=seed)], greedy)[0] for seed in (None, 4))
    assert plain.token_ids == seeded.token_ids


@pytest.mark.parametrize(
    "requests", [[GroupRequest([5], 2, seed=1)], [GroupRequest([5], 1, seed=1), GroupRequest([5], 1)]]
)
def test_seeds_for_a_group_or_for_some_requests_are_refused(engine, loaded, requests):
    with pytest.raises(ValueError, match="every request has a seed"):
        engine.generate(requests, cold(loaded[1]))


def test_seeds_with_a_bent_distribution_are_refused(engine, loaded):
    with pytest.raises(ValueError, match="top_k, min_p or repetition_penalty"):
        engine.generate([GroupRequest([5], 1, seed=1)], cold(loaded[1], top_k=3))
