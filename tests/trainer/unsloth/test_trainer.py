"""UnslothTrainer on the TRL that is here: what can be said of it without unsloth."""

import pytest
import torch
from transformers import AutoTokenizer

from leanrl.errors import ConfigError
from leanrl.ledger.run_ledger import RunLedger
from leanrl.rollout.selftest import Drawn
from leanrl.storage.checkpoint_files import LEDGER
from leanrl.trainer.trl_args import grpo_arguments
from leanrl.trainer.unsloth.trainer import UnslothTrainer, unpacked_logprobs, without_dropout
from leanrl.types import prompt_id
from tests.trainer.small_trainer import Notes, small_config, small_trainer


def test_padding_that_ends_an_answer_is_refused(tiny_model, tmp_path, monkeypatch):
    config = small_config(tiny_model, backend="unsloth")
    trainer, _, _ = small_trainer(config, tmp_path / "apart", listener=Notes())
    assert isinstance(trainer, UnslothTrainer)

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.pad_token = tokenizer.eos_token
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", lambda _: tokenizer)
    with pytest.raises(ConfigError, match=r"pads with <\|im_end\|>, which also ends an answer"):
        small_trainer(config, tmp_path / "both", listener=Notes())


def test_the_self_test_is_given_the_policy_without_dropout(tiny_model, tmp_path):
    """log softmax(logits / T) of the completion's tokens; at other temperatures: tests/unsloth/test_rollout.py."""
    config = small_config(
        tiny_model,
        backend="unsloth",
        model={"tuning": {"rank": 4, "dropout": 0.5}},
        rollout={"temperature": 0.5},
    )
    trainer, _, _ = small_trainer(config, tmp_path / "run", listener=Notes())
    with torch.no_grad():
        for name, weight in trainer.model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.05)
    drawn = [Drawn([5, 6, 7], [8, 9], [0.0] * 2), Drawn([3], [4, 5, 6], [0.0] * 3)]

    trainer.model.train()
    scored = trainer.training_side().scorer.score(drawn, temperature=0.5)

    trainer.model.eval()
    for one, found in zip(drawn, scored, strict=True):
        with torch.no_grad():
            logits_S_V = trainer.model(torch.tensor([one.prompt_ids + one.token_ids])).logits[0]
        logprobs_S_V = torch.log_softmax(logits_S_V / 0.5, dim=-1)
        first = len(one.prompt_ids) - 1
        wanted = [logprobs_S_V[first + index, token].item() for index, token in enumerate(one.token_ids)]
        assert found == pytest.approx(wanted, abs=1e-5)


def test_nothing_is_compared_from_a_sampled_padding_token_on(tiny_model, tmp_path):
    """unsloth takes it for padding, moves what follows, and would be taken for another policy."""
    trainer, _, _ = small_trainer(small_config(tiny_model, backend="unsloth"), tmp_path / "run", listener=Notes())
    pad = trainer._tokenizer.pad_token_id
    whole, cut, none = trainer.training_side().scorer.score(
        [Drawn([5], [8, 9], [-1.0] * 2), Drawn([5], [8, 9, pad, 7], [-1.0] * 4), Drawn([5], [pad, 8], [-1.0] * 2)],
        temperature=1.0,
    )
    assert cut == pytest.approx([*whole, -1.0, -1.0])
    assert none == [-1.0, -1.0]


def test_every_group_enters_the_ledger_which_goes_on_from_a_checkpoint(tiny_model, tmp_path):
    """Two groups of four after one step; the third is drawn within a step that no checkpoint has finished."""
    config = small_config(tiny_model, backend="unsloth")
    trainer, _, _ = small_trainer(config, tmp_path / "run", listener=Notes())
    for step, rows in ((0, [0, 3]), (1, [3])):
        trainer.state.global_step, trainer.state.epoch = step, step / 4
        inputs = [{"row": row} for row in rows for _ in range(4)]
        completions = [[5] * (number % 4 + 1) for number in range(len(inputs))]
        trainer._calculate_rewards(inputs, [], [], completions)
    kept = [prompt_id(trainer.rows[row]) for row in (0, 3, 3)]
    visits = list(RunLedger.load(trainer.run.ledger))
    assert [prompt for prompt, _ in visits] == kept
    assert [(visit.step, visit.epoch, visit.lengths_G) for _, visit in visits] == [
        (0, 0, (1, 2, 3, 4)), (0, 0, (1, 2, 3, 4)), (1, 0, (1, 2, 3, 4)),
    ]  # fmt: skip
    assert {len(visit.rewards_G) for _, visit in visits} == {4}

    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    for write in trainer.publishing.own_files:
        write(checkpoint)
    later, _, _ = small_trainer(config, trainer.run, listener=Notes())
    later.load_steps(checkpoint, 1)
    assert [prompt for prompt, _ in later.recorded.ledger] == kept[:2]
    assert list(RunLedger.load(later.run.ledger)) == visits  # the weights may still refuse the checkpoint
    later.begin_run()
    assert later.run.ledger.read_bytes() == (checkpoint / LEDGER).read_bytes()


def test_dropout_alone_is_off():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(), torch.nn.Dropout().eval())
    with without_dropout(model):
        assert [module.training for module in model] == [True, False, False]
    assert [module.training for module in model] == [True, True, False]


def test_each_completion_begins_in_the_first_column():
    """Prompts of 3 and 1 tokens, padded to 3: unsloth gives 2 + 2 columns, and the second row lies 2 further left."""
    batch = {
        "prompt_mask": torch.tensor([[1, 1, 1], [0, 0, 1]]),
        "completion_mask": torch.tensor([[1, 1], [1, 0]]),
        "old_per_token_logps": torch.tensor([[-9.0, -9.0, -1.0, -2.0], [-3.0, -9.0, -9.0, -9.0]]),
        "ref_per_token_logps": None,
    }
    unpacked = unpacked_logprobs(batch)
    assert list(unpacked) == ["old_per_token_logps"]
    assert unpacked["old_per_token_logps"].tolist() == [[-1.0, -2.0], [-3.0, 0.0]]


@pytest.mark.parametrize(
    ("backend", "engine", "correction", "is_corrected"),
    [
        ("unsloth", "vllm-server", "token_truncate", True),
        ("unsloth", "vllm-server", "none", False),
        ("unsloth", "hf", "token_truncate", False),
        ("hf", "vllm-server", "token_truncate", False),
    ],
)
def test_unsloth_corrects_what_vllm_has_drawn(tmp_path, backend, engine, correction, is_corrected):
    """The engine of backend hf does it itself."""
    config = small_config(
        "model",
        backend=backend,
        rollout={"engine": engine},
        algorithm={"correction": {"name": correction} | ({} if correction == "none" else {"clip": 3.0})},
    )
    arguments = grpo_arguments(config, output_dir=tmp_path)
    assert arguments["vllm_importance_sampling_correction"] is is_corrected
    assert arguments["vllm_importance_sampling_mode"] == "token_truncate"
    assert arguments["vllm_importance_sampling_clip_max"] == (None if correction == "none" else 3.0)
    assert arguments["use_vllm"] is False  # TRL would start one of its own
