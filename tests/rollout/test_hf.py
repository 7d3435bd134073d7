"""Completions of transformers' generate, against a loop written by hand."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from leanrl.prompting.rendering import prompt_ids
from leanrl.prompting.stopping import stopping_of
from leanrl.rollout.hf import complete

PROMPTS = ["1+1=", "what is twelve and thirty-four? ", "5", [{"role": "user", "content": "2+2="}]]


@pytest.fixture(scope="module")
def loaded(tiny_model):
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32), AutoTokenizer.from_pretrained(
        tiny_model
    )


def likeliest(model, tokenizer, prompt, *, max_completion_tokens):
    """Always take the likeliest next token, one prompt at a time and without padding or a cache."""
    ids, completion = prompt_ids(tokenizer, prompt, {}), []
    model.eval()
    with torch.no_grad():
        while len(completion) < max_completion_tokens:
            logits = model(torch.tensor([ids + completion]), use_cache=False).logits
            completion.append(int(logits[0, -1].argmax()))
            if completion[-1] == tokenizer.eos_token_id:
                break
    return tokenizer.decode(completion, skip_special_tokens=True)


def completed(loaded, prompts, **choices):
    model, tokenizer = loaded
    values = {"template_kwargs": {}, "max_completion_tokens": 12, "temperature": 0, "batch_size": 1} | choices
    return complete(model, tokenizer, prompts, stopping=stopping_of(tokenizer, model), **values)


def greedily(loaded, prompts, **choices):
    return list(completed(loaded, prompts, **choices))


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_greedy_is_the_likeliest_token_whatever_the_batch(loaded, batch_size):
    """Prompts of 4, 32, 1 and more tokens share a batch, so all but one are padded."""
    assert len({len(prompt_ids(loaded[1], prompt, {})) for prompt in PROMPTS}) == 4
    by_hand = [likeliest(*loaded, prompt, max_completion_tokens=12) for prompt in PROMPTS]
    assert len(set(by_hand)) > 1
    assert greedily(loaded, PROMPTS, batch_size=batch_size) == by_hand


def test_sampling_gives_one_completion_per_prompt_and_follows_the_seed(loaded):
    def sampled(seed, temperature=1.0):
        torch.manual_seed(seed)
        return list(completed(loaded, PROMPTS * 2, max_completion_tokens=10, temperature=temperature, batch_size=3))

    first = sampled(1)
    assert len(first) == 8
    assert first == sampled(1)
    assert first != sampled(2)
    # So cold that the likeliest token is all that is left.
    assert sampled(3, temperature=1e-3) == greedily(loaded, PROMPTS * 2, batch_size=3, max_completion_tokens=10)


@pytest.mark.parametrize("was_training", [True, False])
def test_the_models_mode_is_given_back_when_the_reader_stops_early_or_fails(loaded, was_training):
    model, _ = loaded
    model.train(was_training)
    completions = completed(loaded, PROMPTS, max_completion_tokens=4)
    next(completions)
    assert not model.training
    completions.close()
    assert model.training is was_training
    with pytest.raises(ValueError, match="max_new_tokens"):
        list(completed(loaded, PROMPTS, max_completion_tokens=0))
    assert model.training is was_training


def test_no_prompt_no_completion(loaded):
    assert greedily(loaded, [], batch_size=4) == []


def test_plain_text_and_messages_become_tokens(loaded):
    _, tokenizer = loaded
    assert tokenizer.decode(prompt_ids(tokenizer, "1+1=", {})) == "1+1="
    assert tokenizer.decode(prompt_ids(tokenizer, [{"role": "user", "content": "1+1="}], {})) == (
        "<|im_start|>user\n1+1=<|im_end|>\n<|im_start|>assistant\n"
    )
