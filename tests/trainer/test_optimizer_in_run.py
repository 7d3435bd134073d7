"""The optimizers in real runs: their state comes back, and gradients are gone while rollouts run."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from leanrl.config.checks.support import find_missing, require
from leanrl.errors import MissingError
from leanrl.machine.installation import install_extras
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.ranks.device import require_device
from tests.engine.optimizers.test_choice import NAMES
from tests.trainer.small_trainer import Notes, small_config, small_trainer

pytestmark = pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU")


class States(TrainerCallback):
    """Keeps the optimizer's state of every weight when training begins and after each step."""

    def __init__(self):
        self.at_start, self.after = None, []

    def on_train_begin(self, args, state, control, optimizer=None, **_):
        self.at_start = copy_of(optimizer)

    def on_step_end(self, args, state, control, optimizer=None, **_):
        self.after.append(copy_of(optimizer))


def copy_of(optimizer):
    """Return name to tensor of each weight's state, in the order of the weights; torchao's moments as their parts."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    states = (optimizer.optimizer.state.get(weight, {}) for weight in weights)
    return [{name: parts(value) for name, value in state.items()} for state in states]


def parts(value):
    if hasattr(value, "__tensor_flatten__"):
        return [getattr(value, name).clone() for name in value.__tensor_flatten__()[0]]
    return [value.clone()] if torch.is_tensor(value) else [torch.tensor(value)]


def full_run(folder, run_path, *, name="adamw_offloaded", dtype="bfloat16", **sections):
    model = {"id": str(folder), "dtype": dtype, "compute_dtype": "bfloat16", "tuning": {"method": "full"}}
    optimizer = {"name": name, "learning_rate": 1.0e-3}
    config = small_config(folder, model=model, optimizer=optimizer, **sections)
    notes = Notes()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    return trainer, notes


@pytest.mark.parametrize("name", NAMES)
def test_state_comes_back_from_a_checkpoint(tiny_model, tmp_path, name):
    """What a resumed run starts with is what the run had after the step, dtype for dtype and bit for bit."""
    dtype = "float32" if name == "adamw" else "bfloat16"
    first, states = full_run(tiny_model, tmp_path / "first", name=name, dtype=dtype)[0], States()
    first.add_callback(states)
    first.train_from(None)
    again, resumed = full_run(tiny_model, tmp_path / "again", name=name, dtype=dtype)[0], States()
    again.add_callback(resumed)
    again.train_from(RunFolder(tmp_path / "first").checkpoint(1))
    assert len(resumed.after) == 1
    kept = states.after[0]
    assert len(kept) == len(resumed.at_start) > 10
    assert any("exp_avg" in state or "state1" in state for state in kept)
    for old, new in zip(kept, resumed.at_start, strict=True):
        assert old.keys() == new.keys()
        for key in old:
            for before, after in zip(old[key], new[key], strict=True):
                assert before.dtype == after.dtype, key
                assert torch.equal(before, after), key
    one, two = (load_file(RunFolder(tmp_path / "first").checkpoint(step) / "model.safetensors") for step in (1, 2))
    assert any(not torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_no_gradient_exists_while_a_rollout_runs(tiny_model, tmp_path, method):
    tuning = {"method": method} | ({"rank": 4} if method == "lora" else {})
    model = {"id": str(tiny_model), "dtype": "float32", "compute_dtype": "float32", "tuning": tuning}
    trainer, *_ = small_trainer(small_config(tiny_model, model=model), tmp_path / "run", listener=Notes())
    draw, seen = trainer.rollout.draw, []

    def watched(*args, **kwargs):
        seen.append([name for name, weight in trainer.model.named_parameters() if weight.grad is not None])
        return draw(*args, **kwargs)

    trainer.rollout.draw = watched
    had_gradients = []
    trainer.add_callback(_BeforeStep(lambda: had_gradients.append(any(w.grad is not None for w in _trained(trainer)))))
    trainer.train_from(None)
    assert seen == [[], []]
    assert had_gradients == [True, True]


class _BeforeStep(TrainerCallback):
    def __init__(self, act):
        self.act = act

    def on_pre_optimizer_step(self, args, state, control, **_):
        self.act()


def _trained(trainer):
    return [weight for weight in trainer.model.parameters() if weight.requires_grad]


# --- what is not there -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "package"), [("adamw_8bit", "torchao"), ("adamw_8bit_paged", "bitsandbytes")], ids=["torchao", "bnb"]
)
def test_a_missing_package_is_named_with_its_install_line(tiny_model, monkeypatch, name, package):
    monkeypatch.setattr(
        "leanrl.config.checks.support.find_spec", lambda wanted: None if wanted == package else object()
    )
    config = small_config(tiny_model, optimizer={"name": name})
    with pytest.raises(MissingError) as caught:
        require(config)
    assert caught.value.exit_code == 5
    assert f"{name} needs the package {package}" in caught.value.message
    assert install_extras("memory") in caught.value.message


def test_paging_needs_a_gpu_and_says_so(tiny_model, monkeypatch):
    """Where the CPU is asked for, at once; where any device will do, as soon as torch finds no GPU."""
    config = small_config(tiny_model, optimizer={"name": "adamw_8bit_paged"})
    (problem,) = find_missing(config)
    assert "managed memory" in problem.what
    assert problem.hint == "-s optimizer.name=adamw_8bit"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    wherever = small_config(
        tiny_model, optimizer={"name": "adamw_8bit_paged"}, hardware={"num_gpus": 1, "device": "auto"}
    )
    assert find_missing(wherever) == []
    with pytest.raises(MissingError, match="managed memory"):
        require_device(wherever)


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_ranks_share_take_every_optimizer(tiny_model, name):
    config = small_config(
        tiny_model,
        model={"id": str(tiny_model), "tuning": {"method": "full"}},
        optimizer={"name": name},
        hardware={"num_gpus": 2, "device": "cuda", "parallel": "fsdp2"},
    )
    assert find_missing(config) == []
