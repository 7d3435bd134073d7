"""A signal between two checkpoints of a run leaves one of the step that it ends after."""

import pytest
from transformers import TrainerCallback

from leanrl.launch.signals import ENDING_SIGNALS
from leanrl.storage.run_folder import RunFolder
from tests.trainer.small_trainer import Notes, small_config, small_trainer


class SendAfterStep(TrainerCallback):
    """Hands a signal over before the first step ends."""

    def __init__(self, stop, number):
        self.stop, self.number = stop, number

    def on_step_begin(self, args, state, control, **_):
        self.stop._receive(self.number, None)


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_a_signal_far_from_the_next_checkpoint_saves(tiny_model, tmp_path, number):
    config = small_config(tiny_model, train={"max_steps": 5}, checkpoints={"every_steps": 100})
    trainer, _, stop = small_trainer(config, tmp_path / "run", listener=Notes())
    trainer.add_callback(SendAfterStep(stop, number))
    trainer.train_from(None)
    assert trainer.state.global_step == 1
    assert [path.name for path in RunFolder(tmp_path / "run").complete_checkpoints()] == ["step-000001"]
