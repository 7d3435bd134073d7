"""The stream on transformers: what a row draws depends on nothing beside it, and rows give their places on."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, MistralConfig, MistralForCausalLM, PreTrainedModel

from leanrl.prompting.stopping import Stopping, stopping_of
from leanrl.rollout.hf_engine import HfEngine
from leanrl.rollout.protocol import GroupRequest, Sampling
from leanrl.rollout.streams.hf import HfStream
from leanrl.rollout.streams.prompts import PromptReader
from leanrl.rollout.streams.stream import StreamAnswer, StreamRequest, StreamSampling

LIMIT = 24
PROMPTS = [f"What is {number}" + " plus 1" * (number % 4) for number in range(10)]


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path):
    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)


@pytest.fixture(scope="module")
def windowed(tokenizer) -> PreTrainedModel:
    """A random model whose layers see eight tokens back: their caches cannot be joined."""
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=8,
        initializer_range=0.1,
    )
    return MistralForCausalLM(config)


def stopping_often(model, tokenizer) -> Stopping:
    """Return a stopping with every twelfth token as an end token: a random model draws the usual one rarely."""
    usual = stopping_of(tokenizer, model)
    return Stopping((*usual.stop_ids, *range(5, len(tokenizer), 12)), usual.pad_id)


def stream_of(model, tokenizer, *, num_slots: int, temperature: float, context_tokens: int = 512) -> HfStream:
    reader = PromptReader(tokenizer, template_kwargs={}, max_completion_tokens=LIMIT, context_tokens=context_tokens)
    sampling = StreamSampling(temperature, 0.95, LIMIT)
    stopping = stopping_often(model, tokenizer)
    return HfStream(model, tokenizer, reader=reader, stopping=stopping, sampling=sampling, num_slots=num_slots)


def drawn(stream: HfStream, *, seed: int = 0) -> dict[int, StreamAnswer]:
    requests = iter([StreamRequest(number, prompt, seed + number) for number, prompt in enumerate(PROMPTS)])
    return {answer.key: answer for answer in stream.draw(lambda: next(requests, None))}


def texts(answers: dict[int, StreamAnswer]) -> dict[int, tuple[str, int, bool]]:
    return {key: (answer.text, answer.num_tokens, answer.is_truncated) for key, answer in answers.items()}


@pytest.mark.parametrize("kind", ["model", "windowed"])
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_completion_is_the_same_in_every_company(request, tokenizer, kind: str, temperature: float):
    """One slot, three and ten: rows join batches of other widths, and each draws what it draws alone."""
    of_kind = request.getfixturevalue(kind)
    alone, three, all_at_once = (
        texts(drawn(stream_of(of_kind, tokenizer, num_slots=slots, temperature=temperature))) for slots in (1, 3, 10)
    )
    assert sorted(alone) == list(range(10))
    assert len({num_tokens for _, num_tokens, _ in alone.values()}) > 2  # rows end at different times
    assert alone == three == all_at_once


def test_greedy_completions_are_those_of_generate(model, tokenizer):
    stopping = stopping_often(model, tokenizer)
    engine = HfEngine(lambda: model, pad_id=stopping.pad_id)
    sampling = Sampling(0.0, LIMIT, stopping.stop_ids)
    groups = engine.generate([GroupRequest(tokenizer(prompt)["input_ids"], 1) for prompt in PROMPTS], sampling)
    lengths = [len(group[0].token_ids) for group in groups]
    answers = drawn(stream_of(model, tokenizer, num_slots=4, temperature=0.0))
    assert [answers[number].num_tokens for number in range(10)] == lengths


def test_another_seed_draws_another_completion(model, tokenizer):
    first, other = (texts(drawn(stream_of(model, tokenizer, num_slots=4, temperature=1.0), seed=s)) for s in (0, 99))
    assert first != other


def test_slots_are_busy_where_completions_have_many_lengths(model, tokenizer):
    """Three slots and ten completions: a slot that is free takes the next one at once, so that only the end idles."""
    stream = stream_of(model, tokenizer, num_slots=3, temperature=1.5)
    answers = drawn(stream)
    work = sum(answer.num_tokens for answer in answers.values())
    assert stream.meter.busy == work
    assert stream.meter.share > 0.7


def test_a_completion_ends_where_the_context_ends(model, tokenizer):
    longest = max(len(tokenizer(prompt)["input_ids"]) for prompt in PROMPTS)
    answers = drawn(stream_of(model, tokenizer, num_slots=4, temperature=0.0, context_tokens=longest + 5))
    cut = answers[PROMPTS.index(max(PROMPTS, key=lambda prompt: len(tokenizer(prompt)["input_ids"])))]
    assert (cut.num_tokens, cut.is_truncated) == (5, True)


def test_an_end_token_ends_a_row_and_counts(model, tokenizer):
    """Every token but one is an end token, so that each row has one token and is not cut."""
    stream = stream_of(model, tokenizer, num_slots=4, temperature=1.0)
    stream._stopping = Stopping(tuple(range(len(tokenizer))), 0)
    assert {(answer.num_tokens, answer.is_truncated) for answer in drawn(stream).values()} == {(1, False)}
