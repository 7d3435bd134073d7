"""Kept layers in a trainer: the gradients of a run that recomputes all of them, and what happens without the memory."""

import pytest
import torch

from leanrl.engine.layers.kept_layers import decoder_layers
from leanrl.engine.step import train_micro_batch
from leanrl.errors import DoesNotFitError, StoppedError
from leanrl.storage.run_folder import RunFolder, read_json
from leanrl.trainer.memory import probe
from leanrl.trainer.memory.probe import probe_longest_batch
from leanrl.trainer.passes import step_pass
from tests.trainer.memory.test_token_budget import Gradients
from tests.trainer.small_trainer import Notes, small_config, small_trainer

NUM_LAYERS = 2


def trained(folder, run_path, *, method="lora", checkpoint=None, notes=None, **train):
    """Train two steps or go on from a checkpoint; return the gradients of each, and the trainer."""
    dtype = "bfloat16" if method == "qlora" else "float32"
    tuning = {"method": method, "rank": 4, "alpha": 8.0, "dropout": 0.0 if method == "full" else 0.3}
    model = {"id": str(folder), "dtype": dtype, "compute_dtype": dtype, "tuning": tuning}
    sizes = {
        "micro_batch_completions": 2,
        "skip_zero_advantage": False,
        "gradient_checkpointing": True,
        "tile_tokens": 8,
    }
    config = small_config(folder, model=model, train=sizes | train)
    trainer, *_ = small_trainer(config, run_path, listener=notes or Notes())
    gradients = Gradients()
    trainer.add_callback(gradients)
    trainer.train_from(checkpoint)
    return gradients.steps, trainer


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_two_steps_have_the_same_gradients_to_the_bit(tiny_model, tmp_path, method):
    """Packed rows, four micro-batches, and adapters that drop numbers; without tiles, which sum in another order."""
    if method == "qlora":
        pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")
    whole = {"method": method, "tile_tokens": None}
    expected, _ = trained(tiny_model, tmp_path / "none", gradient_checkpointing=False, **whole)
    for kept in range(NUM_LAYERS + 1):
        found, _ = trained(tiny_model, tmp_path / str(kept), kept_layers=kept, **whole)
        assert len(found) == len(expected) == 2
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.fixture
def card(monkeypatch):
    """A card that holds so many kept layers and tokens of a pass; memory runs out when the gradients are there."""
    limits = {"layers": None, "tokens": None, "passes": []}

    def run(model, micro_batch, **settings):
        result = train_micro_batch(model, micro_batch, **settings)
        bare = model.get_base_model() if hasattr(model, "peft_config") else model
        found = {
            "layers": sum(not layer.gradient_checkpointing for layer in decoder_layers(bare)),
            "tokens": micro_batch.input_ids_B_S.numel(),
        }
        limits["passes"].append(found)
        if any(limits[name] is not None and found[name] > limits[name] for name in found):
            raise torch.OutOfMemoryError("simulated: CUDA out of memory")
        return result

    monkeypatch.setattr(step_pass, "train_micro_batch", run)
    monkeypatch.setattr(probe, "train_micro_batch", run)
    return limits


def test_layers_are_given_back_before_tokens(tiny_model, tmp_path, card):
    """Two kept layers, one, then none; micro-batches stay as large as they are. The resumed run begins with none."""
    expected, _ = trained(tiny_model, tmp_path / "plain", method="full")
    card["layers"] = 0
    notes = Notes()
    found, trainer = trained(tiny_model, tmp_path / "ours", method="full", kept_layers=2, notes=notes)
    for one, other in zip(found, expected, strict=True):
        assert (one - other).norm() <= 1e-6 * other.norm()
    assert [step["out_of_memory"] for step in notes.steps] == [2, 2]
    assert (trainer.budget.kept_layers, trainer.budget.max_tokens) == (0, None)
    (warning,) = [line for line in notes.warned if "Memory ran out" in line]
    assert "goes on with 0 layers that keep their activations: -s train.kept_layers=0" in warning
    checkpoint = RunFolder(tmp_path / "ours").complete_checkpoints()[-1]
    assert read_json(checkpoint / "token_budget.json") == {"max_tokens": None, "kept_layers": 0, "num_shortages": 2}
    card["passes"].clear()
    again = Notes()
    _, resumed = trained(
        tiny_model, tmp_path / "again", method="full", kept_layers=2, checkpoint=checkpoint, notes=again, max_steps=3
    )
    assert resumed.budget.kept_layers == 0
    assert {found["layers"] for found in card["passes"]} == {0}
    assert not any("Memory ran out" in line for line in again.warned)


def test_tokens_are_halved_when_no_layer_is_left(tiny_model, tmp_path, card):
    trained(tiny_model, tmp_path / "plain")
    card["tokens"] = max(found["tokens"] for found in card["passes"]) - 1
    notes = Notes()
    _, trainer = trained(tiny_model, tmp_path / "ours", kept_layers=2, notes=notes)
    assert trainer.budget.kept_layers == 0
    assert trainer.budget.max_tokens <= card["tokens"]
    warned = "".join(notes.warned)
    assert f"-s train.max_tokens_per_micro_batch={trainer.budget.max_tokens} -s train.kept_layers=0" in warned


def test_one_completion_that_does_not_fit_gives_all_layers_back_first(tiny_model, tmp_path, card):
    card["tokens"] = 0
    with pytest.raises(StoppedError, match="memory ran out in step 1 with 1 completion of"):
        trained(tiny_model, tmp_path / "run", kept_layers=2, micro_batch_completions=1)
    assert [found["layers"] for found in card["passes"]] == [2, 1, 0]


def _probed(folder, run_path, notes):
    train = {"gradient_checkpointing": True, "kept_layers": 2, "probe": "always"}
    trainer, *_ = small_trainer(small_config(folder, train=train), run_path, listener=notes)
    probe_longest_batch(trainer, plan=None, listener=notes)
    return trainer


def test_the_probe_gives_layers_back(tiny_model, tmp_path, card):
    """A plan that was a little too low costs time, not the run."""
    card["layers"], notes = 1, Notes()
    trainer = _probed(tiny_model, tmp_path / "run", notes)
    assert [found["layers"] for found in card["passes"]] == [2, 1]
    assert trainer.budget.kept_layers == 1
    (warning,) = [line for line in notes.warned if "train.kept_layers" in line]
    assert "ran out of memory with train.kept_layers 2: 1 layers keep their activations" in warning
    card["layers"] = None
    trainer.train_from(None)
    assert {found["layers"] for found in card["passes"][2:]} == {1}
    checkpoint = RunFolder(tmp_path / "run").complete_checkpoints()[-1]
    assert read_json(checkpoint / "token_budget.json")["kept_layers"] == 1


def test_the_probe_ends_the_run_when_no_layer_is_left(tiny_model, tmp_path, card):
    card["tokens"] = 0
    with pytest.raises(DoesNotFitError, match="ran out of memory: simulated"):
        _probed(tiny_model, tmp_path / "run", Notes())
    assert [found["layers"] for found in card["passes"]] == [2, 1, 0]
