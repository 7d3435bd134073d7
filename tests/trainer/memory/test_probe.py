"""The probe before step 1: what it runs, that it leaves no trace, and what it makes of too little memory."""

from dataclasses import replace

import pytest
import torch

from leanrl import pipeline
from leanrl.errors import DoesNotFitError
from leanrl.planner.plan import plan_run
from leanrl.storage.run_folder import read_json, write_json
from leanrl.trainer.memory import probe
from leanrl.trainer.memory.probe import is_wanted, longest_rows, probe_longest_batch
from tests.trainer.small_trainer import Notes, small_config, small_trainer

GIB = 2**30


def _config(folder, *, method="lora", **train):
    """Two micro-batches a step, a reference, dropout and checkpointing: all that a probe could leave behind."""
    tuning = {"method": method, "rank": 4, "dropout": 0.1 if method == "lora" else 0.0}
    model = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": tuning}
    sizes = {
        "max_steps": 2,
        "num_prompts": 2,
        "num_completions": 4,
        "micro_batch_completions": 4,
        "gradient_checkpointing": True,
        "probe": "always",
    }
    return small_config(folder, model=model, algorithm={"kl_beta": 0.04}, train=sizes | train)


def _plan(config, gib=8):
    return plan_run(config, host_bytes=gib * GIB)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_training_is_bit_identical_with_and_without_it(tiny_model, tmp_path, method):
    config = _config(tiny_model, method=method)
    runs = {}
    for name in ("with", "without"):
        notes = Notes()
        trainer, *_ = small_trainer(config, tmp_path / name, listener=notes)
        if name == "with":
            write_json(trainer.run.plan, {"verdict": "fits"})
            probe_longest_batch(trainer, plan=_plan(config), listener=notes)
            assert notes.said[-1].startswith("probe: 4 completions of ")
        trainer.train()
        weights = {key: value.detach().clone() for key, value in trainer.model.named_parameters()}
        runs[name] = (weights, [(step["loss"], step["grad_norm"], step["kl"]) for step in notes.steps])
    assert runs["with"][1] == runs["without"][1]
    for key, value in runs["without"][0].items():
        assert torch.equal(value, runs["with"][0][key]), key
    probed = read_json(tmp_path / "with" / "plan.json")["probe"]
    assert {phase["name"] for phase in probed["phases"]} == {"reference", "forward_backward"}


def test_it_leaves_no_trace(tiny_model, tmp_path):
    trainer, *_ = small_trainer(_config(tiny_model), tmp_path / "run", listener=Notes())
    trainer.model.eval()
    state = torch.get_rng_state()
    probe_longest_batch(trainer, plan=None, listener=Notes())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weight.grad is None for weight in trainer.model.parameters())
    assert not trainer.model.training
    assert not trainer.model.is_gradient_checkpointing
    assert trainer.meter.take() == {}
    trainable = [name for name, weight in trainer.model.named_parameters() if weight.requires_grad]
    assert trainable
    assert all("lora_" in name for name in trainable)


def test_it_runs_the_longest_batch_with_earlier_gradients_in_place(tiny_model, tmp_path, monkeypatch):
    """The longest prompt is "7+7=" of four bytes, a completion has at most 8 tokens, a micro-batch 4 rows."""
    trainer, *_ = small_trainer(_config(tiny_model), tmp_path / "run", listener=Notes())
    seen = []
    train = probe.train_micro_batch

    def watch(model, micro_batch, **arguments):
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        seen.append((tuple(micro_batch.input_ids_B_S.shape), micro_batch.mask_B_T.sum().item()))
        assert all(weight.grad is not None for weight in trained)
        assert model.training
        assert model.is_gradient_checkpointing
        train(model, micro_batch, **arguments)
        assert any(weight.grad.abs().sum() > 0 for weight in trained)

    monkeypatch.setattr(probe, "train_micro_batch", watch)
    probe_longest_batch(trainer, plan=None, listener=Notes())
    assert seen == [((1, 4 * (4 + 8)), 4 * 8.0)]


def test_the_longest_prompt_of_all_rows_counts(tiny_model, tmp_path):
    trainer, *_ = small_trainer(_config(tiny_model), tmp_path / "run", listener=Notes())
    trainer.rows = [replace(trainer.rows[0], asked_by="short"), replace(trainer.rows[1], asked_by="the longest of all")]
    rows = longest_rows(trainer)
    assert [(len(row.prompt_ids), len(row.completion_ids)) for row in rows] == [(18, 8)] * 4


@pytest.mark.parametrize(
    ("asked", "device_type", "expected"),
    [
        ("auto", "cuda", True),
        ("auto", "cpu", False),
        ("always", "cpu", True),
        ("never", "cuda", False),
    ],
)
def test_where_it_runs(tiny_model, asked, device_type, expected):
    assert is_wanted(_config(tiny_model, probe=asked), device_type=device_type) is expected


def test_nothing_runs_where_it_is_not_wanted(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "train_micro_batch", _run_out)
    trainer, *_ = small_trainer(_config(tiny_model, probe="auto"), tmp_path / "run", listener=Notes())
    probe_longest_batch(trainer, plan=None, listener=Notes())


def test_out_of_memory_becomes_the_cheapest_fixes(tiny_model, tmp_path, monkeypatch):
    """On tiny sizes only a smaller micro-batch takes a tenth less."""
    monkeypatch.setattr(probe, "train_micro_batch", _run_out)
    config = _config(tiny_model)
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    with pytest.raises(DoesNotFitError) as stopped:
        probe_longest_batch(trainer, plan=_plan(config), listener=Notes())
    assert stopped.value.exit_code == 3
    assert "the longest batch that can occur, 4 completions of 4 + 8 tokens, ran out of memory" in str(stopped.value)
    assert stopped.value.hint.startswith("-s train.micro_batch_completions=2")
    assert all(weight.grad is None for weight in trainer.model.parameters())


def test_without_a_plan_the_hint_names_what_can_be_changed(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "train_micro_batch", _run_out)
    trainer, *_ = small_trainer(_config(tiny_model), tmp_path / "run", listener=Notes())
    with pytest.raises(DoesNotFitError) as stopped:
        probe_longest_batch(trainer, plan=None, listener=Notes())
    assert "train.probe=never" in stopped.value.hint


def test_on_a_cpu_the_planned_share_is_the_limit(tiny_model, tmp_path):
    """This process has more than 80 % of 0.1 GiB."""
    config = _config(tiny_model)
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    with pytest.raises(DoesNotFitError, match=r"took \d+\.\d GiB of the 0\.1 GiB that may be used"):
        probe_longest_batch(trainer, plan=_plan(config, gib=0.125), listener=Notes())


def test_a_run_that_does_not_pass_leaves_no_folder(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "train_micro_batch", _run_out)
    rows = [{"problem": f"What is {i}+{i}?", "answer": str(2 * i)} for i in range(4)]
    config = _config(tiny_model)
    config = config.model_copy(update={"rewards": {"accuracy": 1.0}})
    with pytest.raises(DoesNotFitError, match="ran out of memory"):
        pipeline.train(config, rows=rows, run_dir=tmp_path / "run", listener=Notes())
    assert not (tmp_path / "run").exists()


def _run_out(*_, **__):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
