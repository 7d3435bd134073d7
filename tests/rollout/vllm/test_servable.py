"""Adapters and lengths that vLLM cannot serve, refused with the reason."""

import pytest
from peft import LoraConfig
from transformers import LlamaConfig

from leanrl.errors import ConfigError
from leanrl.rollout.vllm.servable import lora_buffer_rank, require_servable

MODEL = LlamaConfig(max_position_embeddings=512)


def refusal(max_model_tokens=512, **adapter):
    with pytest.raises(ConfigError) as caught:
        require_servable(LoraConfig(**adapter), MODEL, max_model_tokens=max_model_tokens)
    return caught.value


@pytest.mark.parametrize(("rank", "buffers"), [(1, 1), (2, 8), (8, 8), (9, 16), (33, 64), (257, 320), (512, 512)])
def test_buffers_are_made_for_the_next_rank_there_is(rank, buffers):
    assert lora_buffer_rank(rank) == buffers


def test_a_rank_above_the_largest_has_no_buffers():
    with pytest.raises(ValueError, match="513"):
        lora_buffer_rank(513)


def test_a_plain_adapter_is_served():
    require_servable(LoraConfig(r=64, target_modules=["q_proj", "down_proj"]), MODEL, max_model_tokens=512)
    require_servable(None, MODEL, max_model_tokens=512)


@pytest.mark.parametrize(
    ("adapter", "where", "reason"),
    [
        ({"use_dora": True}, "use_dora", "magnitudes"),
        ({"modules_to_save": ["embed_tokens"]}, "modules_to_save", "embed_tokens are trained whole"),
        ({"bias": "lora_only"}, "bias", "bias=lora_only trains biases"),
        ({"target_modules": ["q_proj", "lm_head"]}, "model.tuning.targets", "lm_head would get an adapter"),
        ({"r": 513}, "model.tuning.rank", "rank 513"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern", "scales all modules alike"),
    ],
    ids=["dora", "modules to save", "bias", "head", "rank", "rank pattern"],
)
def test_what_vllm_cannot_serve_is_refused_with_the_reason(adapter, where, reason):
    problems = refusal(**adapter).problems
    assert len(problems) == 1
    assert where in problems[0].where
    assert reason in problems[0].what
    assert problems[0].hint


def test_all_reasons_come_at_once():
    error = refusal(max_model_tokens=513, use_dora=True, bias="all")
    assert [problem.what.split(",")[0] for problem in error.problems] == [
        "513 tokens are asked for",
        "vLLM ignores DoRA's magnitudes",
        "bias=all trains biases",
    ]
