"""The engine's mask of sliding windows: the scores of transformers' own, in one square for all rows and layers."""

import copy

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from leanrl.engine.attention import windows
from leanrl.engine.attention.packed import attend_to_packed_rows
from leanrl.engine.attention.windows import window_mask
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.models.structure.attention import usable_attention
from tests.engine.head.test_scoring import SIZES
from tests.engine.tiny_families import FAMILIES, config_of, model_of

# A window of 4 tokens; of families that mix, in one of two layers.
MIXED = [
    {"model_type": "qwen2", "use_sliding_window": True, "max_window_layers": 1},
    {"model_type": "qwen3", "use_sliding_window": True, "max_window_layers": 1},
    {
        "model_type": "gemma4_text",
        "layer_types": ["sliding_attention", "full_attention"],
        "vocab_size_per_layer_input": 64,
        "hidden_size_per_layer_input": 8,
    },
    *(
        {"model_type": family, "layer_types": ["sliding_attention", "full_attention"]}
        for family in windows._BY_KIND
        if family not in ("qwen2", "qwen3", "gemma4_text")
    ),
]
WHOLE = [{"model_type": family} for family in windows._ONE_FOR_ALL]
# torch multiplies the experts of these in no wider dtype.
FP32_ALONE = ("afmoe", "cohere2_moe", "exaone_moe", "laguna", "mellum", "mixtral", "phimoe")
IDS = torch.arange(3, 12)[None].expand(2, -1)


def _model(values, *, attention="sdpa", window=4):
    torch.manual_seed(0)
    config = AutoConfig.for_model(**(SIZES | values), sliding_window=window, initializer_range=0.3)
    dtype = torch.float32 if values["model_type"] in FP32_ALONE else torch.float64
    return AutoModelForCausalLM.from_config(config, attn_implementation=attention, dtype=dtype)


def _score(model, ids):
    attach_logprob_head(model)
    positions = torch.arange(ids.shape[1] - 1)[None].expand(len(ids), -1)
    return model(input_ids=ids, positions_B_T=positions, target_ids_B_T=ids[:, 1:])[0]


def _runs_on_sdpa(family):
    return usable_attention(config_of(family), "sdpa").name == "sdpa"


@pytest.mark.parametrize("num_tokens", [4, 9])
@pytest.mark.parametrize("values", MIXED + WHOLE, ids=lambda values: values["model_type"])
def test_scores_and_gradients_are_those_of_the_models_own_masks(values, num_tokens):
    plain = _model(values)
    ours, ids = copy.deepcopy(plain), IDS[:, :num_tokens]
    expected = torch.log_softmax(plain(ids).logits[:, :-1], dim=-1).gather(-1, ids[:, 1:, None]).squeeze(-1)
    scored = _score(ours, ids)
    closeness = {"atol": 1e-12} if scored.dtype == torch.float64 else {"atol": 1e-5, "rtol": 1e-4}
    assert torch.allclose(scored, expected, **closeness)
    expected.sum().backward()
    scored.sum().backward()
    for (name, mine), theirs in zip(ours.named_parameters(), plain.parameters(), strict=True):
        if theirs.grad is None:  # the bias of a router is no parameter that learns
            assert mine.grad is None, name
        else:
            assert torch.allclose(mine.grad, theirs.grad, **closeness), name


@pytest.mark.parametrize("values", MIXED + WHOLE, ids=lambda values: values["model_type"])
def test_one_square_serves_all_rows_and_layers(values, attention_masks):
    _score(_model(values), IDS)
    made = [mask for mask, _ in attention_masks if mask is not None]
    assert len(attention_masks) == 2
    assert len(made) == (1 if values in MIXED else 2)
    assert {mask.data_ptr() for mask in made} == {made[0].data_ptr()}
    assert made[0].shape == (1, 1, 9, 9)
    assert made[0].is_floating_point()
    attention_masks.clear()
    _score(_model(values), IDS[:, :3])
    assert attention_masks == [(None, True)] * 2, "rows shorter than the window keep the flash kernel"


# Their own masks: chunks, a window beside a recurrence, embeddings of their own, and positions (alibi).
MAKE_THEIR_OWN = ("llama4_text", "recurrent_gemma", "gemma3n_text", "falcon")


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in MAKE_THEIR_OWN])
def test_no_family_hands_torch_a_boolean_mask_for_each_row(family, attention_masks):
    """torch would make an additive one of it in every layer, for every row; the simulation counts one square."""
    if not _runs_on_sdpa(family):
        return
    _score(model_of(family, attention="sdpa"), torch.arange(3, 23)[None].expand(2, -1))
    assert not any(mask is not None and mask.dtype == torch.bool for mask, _ in attention_masks)


def test_the_mask_by_hand():
    """A window of 2: a token sees itself and the one before."""
    mask = window_mask(_model({"model_type": "mistral"}, window=2), torch.zeros(1, 4, dtype=torch.long))
    seen = [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    assert (mask[0, 0] == 0).int().tolist() == seen
    assert torch.isneginf(mask[0, 0]).int().tolist() == [[1 - cell for cell in row] for row in seen]


def test_under_autocast_it_has_the_dtype_of_the_queries():
    model = _model({"model_type": "mistral"}).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert window_mask(model, IDS).dtype == torch.bfloat16
        assert torch.isfinite(_score(model, IDS)).all()
    assert window_mask(model, IDS).dtype == torch.float32


def test_attention_with_windows_of_its_own_and_families_without_get_none():
    assert window_mask(_model({"model_type": "mistral"}, attention="eager"), IDS) is None
    packed = _model({"model_type": "mistral"})
    attend_to_packed_rows(packed)
    assert window_mask(packed, IDS) is None
    assert window_mask(_model({"model_type": "mistral"}, window=None), IDS) is None
    assert window_mask(_model({"model_type": "llama"}), IDS) is None
    assert window_mask(_model({"model_type": "qwen2", "use_sliding_window": False}), IDS) is None
