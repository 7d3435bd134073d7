"""Packing before step 1: proved on the model, or given up in one line; a kernel that is wrong is found out."""

import shutil

import pytest
import torch
from transformers import AutoConfig

from leanrl.engine import packed_attention
from leanrl.engine.rows import PACKED, PADDED
from leanrl.errors import ConfigError
from leanrl.run_folder import read_json, write_json
from leanrl.trainer.packing import kernel_error
from tests.engine.test_packed_attention import by_its_documentation
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
    [(_unaware, "of what a row in sight changes"), (_failing, "RuntimeError: no kernel image is available")],
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
    assert "llama has attn_logit_softcapping in its config" in notes.warned[0]


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
