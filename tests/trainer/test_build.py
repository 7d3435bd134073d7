"""The parts of a trainer, where transformers would choose otherwise."""

from pathlib import Path

import pytest
from trl import GRPOConfig

from leanrl.trainer.build import keep_to_one_card
from leanrl.trainer.trl_args import grpo_arguments
from tests.trainer.small_trainer import small_config


@pytest.mark.parametrize(("num_seen", "num_used"), [(0, 0), (1, 1), (4, 1)])
def test_a_process_that_sees_several_cards_trains_on_one(tiny_model, tmp_path, num_seen, num_used):
    """Four cards stand for a machine on which one of them trains; transformers would wrap the model for all."""
    arguments = GRPOConfig(**grpo_arguments(small_config(tiny_model), output_dir=Path(tmp_path)))
    arguments._n_gpu = num_seen
    keep_to_one_card(arguments)
    assert arguments.n_gpu == num_used
