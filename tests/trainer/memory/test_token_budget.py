"""Memory that runs out in a micro-batch: the step is redone from the same rows in smaller ones, or the run stops."""

import pytest
import torch
from transformers import TrainerCallback

from leanrl.config.schema import TrainConfig
from leanrl.engine.step import score_micro_batch, train_micro_batch
from leanrl.errors import StoppedError
from leanrl.storage.run_folder import RunFolder, read_jsonl
from leanrl.trainer.memory.token_budget import TokenBudget
from leanrl.trainer.passes import step_pass
from tests.trainer.small_trainer import Notes, small_config, small_trainer


class Gradients(TrainerCallback):
    """Keeps what the optimizer is given."""

    def __init__(self):
        self.steps = []

    def on_pre_optimizer_step(self, args, state, control, model=None, **_):
        gradients = [weight.grad.flatten().clone() for weight in model.parameters() if weight.grad is not None]
        self.steps.append(torch.cat(gradients))


def _trained(folder, run_path, *, checkpoint=None, **sections):
    """Train two steps or go on to the second; return gradients, metrics, the listener and the trainer."""
    notes, gradients = Notes(), Gradients()
    train = {"micro_batch_completions": 4, "skip_zero_advantage": False} | sections.pop("train", {})
    trainer, *_ = small_trainer(small_config(folder, train=train, **sections), run_path, listener=notes)
    trainer.add_callback(gradients)
    trainer.train_from(checkpoint)
    return gradients.steps, notes, trainer


def _padded_tokens(micro_batch):
    return micro_batch.input_ids_B_S.numel()


@pytest.fixture
def passes(monkeypatch):
    """Padded tokens of every pass, trained or scored."""
    return {"train": [], "score": []}


@pytest.fixture
def small_card(monkeypatch, passes):
    """Return what sets how many tokens fit; memory runs out only after the gradients are there."""
    limit = {"train": None, "score": None}

    def spy(name, run):
        def wrapped(model, micro_batch, **settings):
            result = run(model, micro_batch, **settings)
            passes[name].append(_padded_tokens(micro_batch))
            if limit[name] is not None and passes[name][-1] > limit[name]:
                raise torch.OutOfMemoryError("simulated: CUDA out of memory")
            return result

        return wrapped

    monkeypatch.setattr(step_pass, "train_micro_batch", spy("train", train_micro_batch))
    monkeypatch.setattr(step_pass, "score_micro_batch", spy("score", score_micro_batch))
    return limit


def _longest(passes):
    return max(passes["train"])


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_gradient_is_that_of_a_card_that_holds_it(tiny_model, tmp_path, small_card, passes, method):
    """Half of a micro-batch of four rows fits; what it had added to the gradients before it failed is gone."""
    model = {"id": str(tiny_model), "dtype": "float32", "compute_dtype": "float32", "tuning": {"method": method}}
    plain, plain_notes, _ = _trained(tiny_model, tmp_path / "plain", model=model)
    small_card["train"] = full = _longest(passes) // 2
    passes["train"].clear()
    ours, notes, trainer = _trained(tiny_model, tmp_path / "ours", model=model)
    for one, other in zip(ours, plain, strict=True):
        assert other.norm() > 0
        assert (one - other).norm() < 1e-5 * other.norm()
    assert [step["loss"] for step in notes.steps] == pytest.approx([s["loss"] for s in plain_notes.steps], abs=1e-6)
    assert [step["num_tokens"] for step in notes.steps] == [step["num_tokens"] for step in plain_notes.steps]
    failures = [tokens for tokens in passes["train"] if tokens > full]
    assert [step["out_of_memory"] for step in notes.steps][-1] == len(failures) >= 1
    assert trainer.budget.max_tokens <= full
    assert f"-s train.max_tokens_per_micro_batch={trainer.budget.max_tokens}" in "".join(notes.warned)


def test_an_error_in_the_middle_of_the_backward_pass_leaves_nothing(tiny_model, tmp_path):
    """A gradient hook fails once, when the layers behind it have their gradients already."""
    plain, *_ = _trained(tiny_model, tmp_path / "plain")
    notes, gradients = Notes(), Gradients()
    config = small_config(tiny_model, train={"micro_batch_completions": 4, "skip_zero_advantage": False})
    trainer, *_ = small_trainer(config, tmp_path / "ours", listener=notes)
    trained = [weight for weight in trainer.model.parameters() if weight.requires_grad]
    calls = []

    def fail_once(gradient):
        calls.append(sum(weight.grad is not None for weight in trained))
        if len(calls) == 2:  # the second micro-batch: the first one's gradients are there too
            raise torch.OutOfMemoryError("simulated")
        return gradient

    trained[len(trained) // 2].register_hook(fail_once)
    trainer.add_callback(gradients)
    trainer.train_from(None)
    assert calls[:3][1] == len(trained)
    assert calls[2] < calls[1]  # the redone step begins without them
    for one, other in zip(gradients.steps, plain, strict=True):
        assert (one - other).norm() < 1e-5 * other.norm()
    assert notes.steps[0]["out_of_memory"] == 1


def test_scoring_the_reference_is_redone_too(tiny_model, tmp_path, small_card, passes):
    sections = {"algorithm": {"kl_beta": 0.04}}
    plain, plain_notes, _ = _trained(tiny_model, tmp_path / "plain", **sections)
    small_card["score"] = max(passes["score"]) // 2
    ours, notes, _ = _trained(tiny_model, tmp_path / "ours", **sections)
    assert (ours[1] - plain[1]).norm() < 1e-5 * plain[1].norm()
    assert notes.steps[1]["kl"] == pytest.approx(plain_notes.steps[1]["kl"], rel=1e-4, abs=1e-8)
    assert notes.steps[0]["out_of_memory"] >= 1


def test_a_token_budget_is_halved(tiny_model, tmp_path, small_card, passes):
    """The failed micro-batch fills less than the budget, so that half of its own tokens is the new one."""
    _trained(tiny_model, tmp_path / "plain", train={"max_tokens_per_micro_batch": 100_000})
    whole = _longest(passes)
    small_card["train"] = whole - 1
    _, _, trainer = _trained(tiny_model, tmp_path / "ours", train={"max_tokens_per_micro_batch": 100_000})
    assert trainer.budget.max_tokens == whole // 2
    assert trainer.lean_config.train.max_tokens_per_micro_batch == 100_000


def test_the_budget_is_kept_by_the_checkpoint(tiny_model, tmp_path, small_card, passes):
    _trained(tiny_model, tmp_path / "plain", train={"max_steps": 1})
    small_card["train"] = _longest(passes) // 2
    _, _, trainer = _trained(tiny_model, tmp_path / "first", train={"max_steps": 1})
    passes["train"].clear()
    (checkpoint,) = RunFolder(tmp_path / "first").complete_checkpoints()
    _, notes, again = _trained(tiny_model, tmp_path / "again", checkpoint=checkpoint, train={"max_steps": 2})
    assert [step["step"] for step in notes.steps] == [2]
    assert (again.budget.max_tokens, again.budget.num_shortages) == (
        trainer.budget.max_tokens,
        trainer.budget.num_shortages,
    )
    assert max(passes["train"]) <= small_card["train"]
    assert not any("Memory ran out" in warning for warning in notes.warned)


def test_one_completion_that_does_not_fit_stops_the_run(tiny_model, tmp_path, small_card):
    """From the second step on nothing fits; the first one's checkpoint is there although none was due."""
    notes = Notes()
    config = small_config(tiny_model, checkpoints={"every_steps": 100}, train={"max_steps": 3})
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=notes)

    class NothingFits(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            small_card["train"] = 0

    trainer.add_callback(NothingFits())
    with pytest.raises(StoppedError, match=r"memory ran out in step 2 with 1 completion of") as stopped:
        trainer.train_from(None)
    assert stopped.value.exit_code == 6
    assert "-s " in stopped.value.hint
    assert "--resume" in stopped.value.hint
    run = RunFolder(tmp_path / "run")
    (checkpoint,) = run.complete_checkpoints()
    assert checkpoint.name == "step-000001"
    small_card["train"] = None
    again = Notes()
    trainer, *_ = small_trainer(config, tmp_path / "again", listener=again)
    trainer.train_from(checkpoint)
    assert [step["step"] for step in again.steps] == [2, 3]
    assert [line["step"] for line in read_jsonl(run.metrics)] == [1]


def test_the_smallest_budget_that_is_known_is_taken(tmp_path):
    """A run that goes on finds that of its checkpoint, and those of the ranks that memory ended."""
    for name, max_tokens, num_shortages in (("checkpoint", 600, 1), ("rank", 300, 2), ("other", 400, 2)):
        budget = _budget(max_tokens)
        budget.num_shortages = num_shortages
        (tmp_path / name).mkdir()
        budget.save(tmp_path / name)
    ours = _budget(1000)
    for folder in ("checkpoint", "rank", "other", "none"):
        ours.load(tmp_path / folder)
    assert (ours.max_tokens, ours.num_shortages) == (300, 2)


def _budget(max_tokens):
    train = TrainConfig(max_tokens_per_micro_batch=max_tokens)
    return TokenBudget(train, gather=list, give_up=StoppedError, leave=StoppedError)
