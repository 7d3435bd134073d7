"""Packing before step 1: proved on the model, or given up in one line; a kernel that is wrong is found out."""

import shutil

import pytest
import torch
from transformers import AutoConfig, PreTrainedModel

from leanrl.engine.attention import packed as packed_attention
from leanrl.engine.rows import PACKED, PADDED
from leanrl.errors import ConfigError
from leanrl.storage.run_folder import read_json, write_json
from leanrl.trainer.proofs.packing import kernel_error
from tests.engine.attention.test_packed import by_its_documentation
from tests.engine.tiny_families import model_of
from tests.families.table import named
from tests.families.tiny import tiny_config
from tests.tiny_model import make_tiny_tokenizer
from tests.trainer.small_trainer import Notes, small_config, small_trainer


def _trainer(folder, run_path, *, attention="sdpa", **train):
    model = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "attention": attention}
    config = small_config(folder, model=model | {"tuning": {"rank": 4}}, train=train)
    notes = Notes()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    return trainer, notes


def _implementation(trainer):
    return trainer.model.get_base_model().config._attn_implementation


def _unaware(original):
    """Attention of a model that does not hand its arguments down."""

    def attend(*args, row_bounds=None, **kwargs):
        return original(*args, **kwargs)

    return attend


def _failing(original):
    def attend(*args, row_bounds=None, **kwargs):
        if row_bounds is not None:
            raise RuntimeError("no kernel image is available\nfor this card")
        return original(*args, **kwargs)

    return attend


FAULTS = pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_unaware, "change with the tokens of the row before it"),
        (_failing, "RuntimeError: no kernel image is available"),
    ],
)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_packing_is_on_and_changes_nothing(tiny_model, tmp_path, method):
    """Full parameters have a reference copy of their own, packed too."""
    weights = {}
    for pack_rows in ("auto", "never"):
        tuning = {"method": method, "rank": 4, "dropout": 0.0}
        model = {"id": str(tiny_model), "dtype": "float32", "compute_dtype": "float32", "tuning": tuning}
        config = small_config(
            tiny_model, model=model, algorithm={"kl_beta": 0.04}, train={"pack_rows": pack_rows, "max_steps": 2}
        )
        notes = Notes()
        trainer, *_ = small_trainer(config, tmp_path / pack_rows, listener=notes)
        assert trainer.budget.layout is (PACKED if pack_rows == "auto" else PADDED)
        assert notes.warned == []
        trainer.train_from(None)
        trained = [weight.detach().flatten() for weight in trainer.model.parameters() if weight.requires_grad]
        weights[pack_rows] = torch.cat(trained)
    assert (weights["auto"] - weights["never"]).norm() < 1e-5 * weights["never"].norm()


@FAULTS
def test_without_proof_a_run_keeps_padded_rows_and_says_so_in_one_line(
    tiny_model, tmp_path, monkeypatch, fault, reason
):
    monkeypatch.setattr(packed_attention, "_attend", fault(packed_attention._attend))
    trainer, notes = _trainer(tiny_model, tmp_path / "run")
    assert trainer.budget.layout is PADDED
    assert _implementation(trainer) == "sdpa"
    (warning,) = notes.warned
    assert reason in warning
    assert "\n" not in warning


@FAULTS
def test_without_proof_a_run_that_has_to_pack_stops(tiny_model, tmp_path, monkeypatch, fault, reason):
    monkeypatch.setattr(packed_attention, "_attend", fault(packed_attention._attend))
    with pytest.raises(ConfigError, match=reason) as stopped:
        _trainer(tiny_model, tmp_path / "run", pack_rows="always")
    assert "-s train.pack_rows=auto" in stopped.value.hint


def test_other_attention_is_left_alone(tiny_model, tmp_path):
    trainer, notes = _trainer(tiny_model, tmp_path / "run", attention="eager")
    assert trainer.budget.layout is PADDED
    assert _implementation(trainer) == "eager"
    assert notes.warned == []


def test_a_model_with_soft_caps_in_attention_is_named(tiny_model, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"attn_logit_softcapping": 50.0})
    trainer, notes = _trainer(folder, tmp_path / "run")
    assert trainer.budget.layout is PADDED
    assert "llama runs on eager attention" in notes.warned[0]


def _leaking_backwards(original):
    """Attention whose output is right, and whose gradient reaches the row before."""

    def attend(module, query, key, value, mask, *, row_bounds=None, **kwargs):
        output, _ = original(module, query, key, value, mask, row_bounds=row_bounds, **kwargs)
        return (output if row_bounds is None else output + (value.mean() - value.mean().detach())), None

    return attend


def _own_gradient(original):
    """Attention whose output is right, and whose gradient is half of what it should be within a pack."""

    def attend(*args, row_bounds=None, **kwargs):
        output, _ = original(*args, row_bounds=row_bounds, **kwargs)
        return (output if row_bounds is None else 0.5 * output + 0.5 * output.detach()), None

    return attend


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_leaking_backwards, "the gradient of a row's log-probabilities reaches the input of another row"),
        (_own_gradient, "a pack's gradients differ from padded rows' by"),
    ],
)
def test_gradients_are_proved_too(tiny_model, tmp_path, monkeypatch, fault, reason):
    monkeypatch.setattr(packed_attention, "_attend", fault(packed_attention._attend))
    trainer, notes = _trainer(tiny_model, tmp_path / "run")
    assert trainer.budget.layout is PADDED
    assert reason in notes.warned[0]


def test_the_proof_leaves_no_gradient(tiny_model, tmp_path):
    trainer, _ = _trainer(tiny_model, tmp_path / "run")
    assert trainer.budget.layout is PACKED
    assert all(weight.grad is None for weight in trainer.model.parameters())


KEEPS_ITS_STATE = ["lfm2", "falcon_h1", "granitemoehybrid", "qwen3_next", "qwen3_5_text", "zamba2", "recurrent_gemma"]
KEEPS_ITS_STATE += ["jamba", "olmo_hybrid", "minimax"]
PACKS = ["llama", "qwen3", "mistral", "phi3", "gemma3_text", "granite", "olmo2", "smollm3", "cohere2", "gpt2", "glm4"]
PACKS += ["gpt_neox", "qwen3_moe", "mixtral"]


@pytest.mark.parametrize("prompt", ["{i}+{i}=", "How much is {i} and {i}, and then once more {i} and again {i}?" * 2])
@pytest.mark.parametrize("family", KEEPS_ITS_STATE)
def test_a_family_that_keeps_a_state_is_padded(tmp_path, family, prompt, monkeypatch):
    """Influence alone decides: that some of them choose their attention themselves would do as well."""
    monkeypatch.setattr(PreTrainedModel, "is_backend_compatible", lambda self: True)
    trainer, notes = _family_trainer(tmp_path, family, prompt=prompt)
    assert trainer.budget.layout is PADDED
    assert notes.warned[0].startswith(
        "rows are padded, not packed: a row's log-probabilities change with the tokens of"
    )


@pytest.mark.parametrize(
    ("family", "reason"), [("mamba", "runs on eager attention"), ("jamba", "chooses its attention itself")]
)
def test_a_family_whose_attention_takes_no_bounds_is_named(tmp_path, family, reason):
    trainer, notes = _family_trainer(tmp_path, family)
    assert trainer.budget.layout is PADDED
    assert notes.warned[0].startswith(f"rows are padded, not packed: {family} {reason}")


@pytest.mark.parametrize("family", PACKS)
def test_a_family_of_attention_alone_is_packed(tmp_path, family):
    trainer, notes = _family_trainer(tmp_path, family)
    assert notes.warned == []
    assert trainer.budget.layout is PACKED


def _family_trainer(tmp_path, family, **choices):
    folder = tmp_path / "model"
    tokenizer = make_tiny_tokenizer()
    tokenizer.save_pretrained(folder)
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos")}
    model_of(family, vocab_size=len(tokenizer), vocab_size_per_layer_input=len(tokenizer), **ids).save_pretrained(
        folder
    )
    config = small_config(
        folder,
        model={"tuning": {"method": "full"}, "id": str(folder), "dtype": "float32", "compute_dtype": "float32"},
    )
    notes = Notes()
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=notes, **choices)
    return trainer, notes


def _seeing_all(*args, window_size, **asked):
    return by_its_documentation(*args, window_size=(-1, 0), **asked)


def _window_off_by_one(*args, window_size, **asked):
    left, right = window_size
    return by_its_documentation(*args, window_size=(left + 1 if left >= 0 else left, right), **asked)


def _not_causal(*args, window_size, **asked):
    return by_its_documentation(*args, window_size=(window_size[0], 1), **asked)


def _own_scale(*args, scale, **asked):
    return by_its_documentation(*args, scale=1.1 * scale, **asked)


def _leaking(query, key, value, starts, _, longest, __, **asked):
    whole = starts[[0, -1]]
    total = int(whole[-1])
    return by_its_documentation(query, key, value, whole, whole, total, total, **asked)


@pytest.mark.parametrize(
    "kernel", [_seeing_all, _window_off_by_one, _not_causal, _own_scale, _leaking], ids=lambda kernel: kernel.__name__
)
def test_a_kernel_that_is_wrong_is_found_out(tiny_model, monkeypatch, kernel):
    """A card's kernel is replaced by what its documentation says, right or with one mistake."""
    config = small_config(tiny_model, model={"id": str(tiny_model), "compute_dtype": "bfloat16"})
    model_config = AutoConfig.for_model(
        "qwen2", hidden_size=128, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=1
    )
    monkeypatch.setattr(packed_attention, "varlen_attn", by_its_documentation)
    assert kernel_error(model_config, config, device="cpu") < 0.01
    monkeypatch.setattr(packed_attention, "varlen_attn", kernel)
    assert kernel_error(model_config, config, device="cpu") > 0.04


def test_the_kernel_is_tried_with_the_heads_of_every_layer(tiny_model, monkeypatch):
    """Gemma 4's layers with full attention have heads of another size: 32 in place of 16."""

    def wrong_for_wide_heads(query, *args, scale, **asked):
        return by_its_documentation(query, *args, scale=scale * (1.1 if query.shape[-1] == 32 else 1.0), **asked)

    config = small_config(tiny_model, model={"id": str(tiny_model), "compute_dtype": "bfloat16"})
    monkeypatch.setattr(packed_attention, "varlen_attn", by_its_documentation)
    assert kernel_error(tiny_config(named("gemma4_text")), config, device="cpu") < 0.01
    monkeypatch.setattr(packed_attention, "varlen_attn", wrong_for_wide_heads)
    assert kernel_error(tiny_config(named("gemma4_text")), config, device="cpu") > 0.04
