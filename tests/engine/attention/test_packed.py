"""Packed rows against padded ones, on families with and without windows; the GPU's kernel by its contract.

No kernel of it runs on a CPU. What it is asked is held against its documented meaning, and its shapes and gradients
against torch's own fake tensors of a card.
"""

import inspect

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention.varlen import varlen_attn
from transformers import AutoModelForCausalLM

from leanrl.engine.attention import packed as packed_attention
from leanrl.engine.attention.packed import RowBounds, attend_by_varlen, attend_row_by_row, attend_to_packed_rows
from leanrl.engine.layers.tiles import tile_modules
from leanrl.engine.rows import PACKED, PADDED, StepRow
from tests.engine.layers.test_tiles import assert_close, gradients, model_of

LENGTHS = (1, 11, 4)


def test_the_rows_of_a_pack():
    """Prompts [5 6], [7] and [8], completions [9], none and [10 11]; T is 2, so the last row's slots are 4 and 5."""
    batch = PACKED.lay_out([StepRow([5, 6], [9]), StepRow([7], []), StepRow([8], [10, 11])], pad_id=0, device="cpu")
    assert batch.input_ids_B_S.tolist() == [[5, 6, 9, 7, 8, 10, 11]]
    assert batch.packing.position_ids_1_S.tolist() == [[0, 1, 2, 0, 0, 1, 2]]
    assert batch.packing.row_bounds.lengths == (3, 1, 3)
    assert batch.packing.row_bounds.starts_R.tolist() == [0, 3, 4, 7]
    assert batch.positions_B_T.tolist() == [[1, 4, 5]]
    assert batch.target_ids_B_T.tolist() == [[9, 10, 11]]
    assert batch.mask_B_T.tolist() == [[1, 0], [0, 0], [1, 1]]
    scores = batch.packing.spread(torch.tensor([[0.1, 0.2, 0.3]]), batch.mask_B_T.shape)
    assert scores.tolist() == torch.tensor([[0.1, 0.0], [0.0, 0.0], [0.2, 0.3]]).tolist()


def test_a_pack_without_a_completion_scores_one_token_for_nothing():
    batch = PACKED.lay_out([StepRow([5, 6], [])], pad_id=0, device="cpu")
    assert batch.positions_B_T.tolist() == [[0]]
    assert batch.mask_B_T.tolist() == [[0]]


@pytest.mark.parametrize("checkpointing", [True, False])
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("qwen3", {}),
        ("phi3", {}),
        ("mistral", {"sliding_window": 12}),
        ("gemma3_text", {"sliding_window": 12, "layer_types": ["sliding_attention", "full_attention"]}),
    ],
    ids=["qwen3", "phi3", "mistral", "gemma3"],
)
def test_gradients_of_a_pack_are_those_of_padded_rows(family, values, method, checkpointing):
    """In float64, in tiles, with and without checkpointing; rows of 17 to 31 tokens reach over a window of 12."""
    padded = model_of(family, method=method, checkpointing=checkpointing, **values)
    packed = model_of(family, method=method, checkpointing=checkpointing, **values)
    attend_to_packed_rows(packed.get_base_model() if method == "lora" else packed)
    tile_modules(packed, tile_tokens=13)
    # Gemma's norms work in fp32 whatever the dtype of the model.
    relative = 1e-6 if family == "gemma3_text" else 1e-9
    assert_close(gradients(packed, PACKED), gradients(padded, PADDED), relative=relative)


def test_no_row_sees_another(tiny_model):
    """What stands before a row in its pack changes nothing about it, to the bit."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64)
    attend_to_packed_rows(model)
    hidden = []
    for before in ([60, 61, 62], [90, 91, 92]):
        batch = PACKED.lay_out([StepRow(before, []), StepRow([40, 50], [70, 71])], pad_id=0, device="cpu")
        packing = batch.packing
        output = model.model(
            batch.input_ids_B_S, position_ids=packing.position_ids_1_S, row_bounds=packing.row_bounds, use_cache=False
        )
        hidden.append(output.last_hidden_state[0])
    assert torch.equal(hidden[0][3:], hidden[1][3:])
    assert not torch.equal(hidden[0][:3], hidden[1][:3])


@pytest.mark.parametrize("method", ["full", "lora"])
def test_no_mask_reaches_attention(attention_masks, method):
    """Three rows in two layers, forward and, where the backward pass runs layers again, once more."""
    model = model_of("llama", method=method)
    attend_to_packed_rows(model.get_base_model() if method == "lora" else model)
    gradients(model, PACKED)
    assert attention_masks == [(None, True)] * 12


def test_a_model_without_bounds_is_what_it_was(tiny_model):
    """Prompts of unequal length, padded on the left, and rows padded on the right."""
    plain, ours = (AutoModelForCausalLM.from_pretrained(tiny_model) for _ in range(2))
    attend_to_packed_rows(ours)
    prompts = torch.tensor([[0, 0, 40, 50], [60, 70, 80, 90]])
    kept = {"attention_mask": (prompts > 0).long(), "max_new_tokens": 8, "do_sample": False}
    assert ours.generate(prompts, **kept).tolist() == plain.generate(prompts, **kept).tolist()
    assert torch.equal(ours(input_ids=prompts).logits, plain(input_ids=prompts).logits)


def test_a_window_without_bounds_or_padding_is_kept():
    plain, ours = (model_of("mistral", sliding_window=3).eval() for _ in range(2))
    attend_to_packed_rows(ours)
    tokens = torch.arange(2, 22).view(2, 10)
    assert torch.allclose(ours(input_ids=tokens).logits, plain(input_ids=tokens).logits, atol=1e-12)


def test_saved_configs_do_not_name_it(tiny_model, tmp_path):
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    attend_to_packed_rows(model)
    model.config.save_pretrained(tmp_path)
    assert packed_attention.NAME not in (tmp_path / "config.json").read_text()


def by_its_documentation(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale, window_size, enable_gqa=None):
    """What torch says `varlen_attn` computes, written out: (W, 0) is causal with W tokens to the left, -1 all."""
    assert cu_seq_q.dtype == torch.int32
    assert max_q == max_k == cu_seq_q.diff().max()
    assert enable_gqa in (None, query.shape[1] != key.shape[1])
    share = query.shape[1] // key.shape[1]
    key, value = (tensor.repeat_interleave(share, dim=1) for tensor in (key, value))
    left, right = window_size
    outputs = []
    for start, end in zip(cu_seq_q.tolist(), cu_seq_k.tolist()[1:], strict=False):
        position = torch.arange(end - start)
        distance = position[:, None] - position
        seen = (distance >= -right) & ((distance <= left) if left >= 0 else torch.tensor(True))
        scores = torch.einsum("qnd,knd->nqk", query[start:end], key[start:end]) * scale
        weights = scores.masked_fill(~seen, -torch.inf).softmax(dim=-1)
        outputs.append(torch.einsum("nqk,knd->qnd", weights, value[start:end]))
    return torch.cat(outputs)


def _tensors(num_kv_heads, **options):
    torch.manual_seed(0)
    sizes = (4, num_kv_heads, num_kv_heads)
    return [torch.randn(sum(LENGTHS), heads, 8, **options)[None].transpose(1, 2) for heads in sizes]


class _Module(torch.nn.Module):
    num_key_value_groups = 2


def as_in_torch_2_11(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale, window_size):
    """Its signature has no `enable_gqa`: heads that are shared are taken as they are."""
    return by_its_documentation(
        query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale=scale, window_size=window_size
    )


@pytest.mark.parametrize(("kernel", "is_told"), [(by_its_documentation, True), (as_in_torch_2_11, False)])
@pytest.mark.parametrize("sliding_window", [None, 1, 5])
@pytest.mark.parametrize("num_kv_heads", [2, 4])
def test_the_kernel_is_asked_for_what_row_by_row_computes(monkeypatch, num_kv_heads, sliding_window, kernel, is_told):
    monkeypatch.setattr(packed_attention, "varlen_attn", kernel)
    monkeypatch.setattr(packed_attention, "_IS_TOLD_OF_SHARED_HEADS", is_told)
    tensors = _tensors(num_kv_heads, dtype=torch.float64)
    module = _Module()
    module.num_key_value_groups = 4 // num_kv_heads
    asked = {"scaling": 0.3, "sliding_window": sliding_window}
    by_kernel = attend_by_varlen(*tensors, RowBounds.of(LENGTHS, "cpu"), **asked)
    row_by_row = attend_row_by_row(module, *tensors, LENGTHS, **asked)
    assert by_kernel.shape == row_by_row.shape
    assert torch.allclose(by_kernel, row_by_row, atol=1e-12)


def test_the_kernel_takes_what_it_is_given():
    """The names that we use, in the torch that is installed."""
    parameters = inspect.signature(varlen_attn).parameters
    assert list(parameters)[:7] == ["query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k"]
    assert {"scale", "window_size"} <= set(parameters)
    assert ("enable_gqa" in parameters) == packed_attention._IS_TOLD_OF_SHARED_HEADS


@pytest.mark.parametrize("query_dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32 under autocast"])
def test_torchs_own_varlen_runs_forward_and_backward_on_fake_tensors(monkeypatch, query_dtype):
    """Sizes, dtypes and the path of the gradients, no numbers; queries rotated by fp32 angles are fp32."""
    attended = []

    def watch(*args, **kwargs):
        attended.append(args)
        return varlen_attn(*args, **kwargs)

    monkeypatch.setattr(packed_attention, "varlen_attn", watch)
    with FakeTensorMode(), torch.autocast("cpu", torch.bfloat16):
        query, key, value = (tensor.requires_grad_() for tensor in _tensors(2, dtype=torch.bfloat16))
        query = query.to(query_dtype).detach().requires_grad_()
        output = attend_by_varlen(query, key, value, RowBounds.of(LENGTHS, "cpu"), scaling=0.3, sliding_window=None)
        output.sum().backward()
    assert output.shape == (1, sum(LENGTHS), 4, 8)
    assert output.dtype == torch.bfloat16
    assert query.grad.shape == query.shape
    assert key.grad.shape == value.grad.shape == key.shape
    assert [tensor.dtype for tensor in attended[0][:3]] == [torch.bfloat16] * 3
    assert all(tensor.is_contiguous() for tensor in attended[0][:3])


@pytest.mark.parametrize(
    ("dtype", "head_size", "value_size"),
    [(torch.float32, 64, 64), (torch.bfloat16, 36, 36), (torch.bfloat16, 264, 264), (torch.bfloat16, 192, 128)],
)
def test_what_the_kernel_does_not_take_goes_row_by_row(dtype, head_size, value_size):
    """Values of latent attention are narrower than its queries and keys."""
    with FakeTensorMode():

        def heads(size, dtype):
            return torch.empty(1, 4, 16, size, dtype=dtype, device="cuda")

        assert not packed_attention._kernel_takes(heads(head_size, dtype), heads(value_size, dtype))
        assert packed_attention._kernel_takes(heads(64, torch.bfloat16), heads(64, torch.bfloat16))
