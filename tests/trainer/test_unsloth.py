"""UnslothTrainer on the TRL that is here: what can be said of it without unsloth."""

import pytest
from transformers import AutoTokenizer

from leanrl.errors import ConfigError
from leanrl.trainer.unsloth import UnslothTrainer
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
