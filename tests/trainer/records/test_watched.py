"""A run that trains shows its steps to the watchdog."""

from leanrl.storage.run_folder import RunFolder, read_jsonl, write_jsonl
from leanrl.trainer.records.callbacks import StepRecorder
from tests.trainer.small_trainer import Notes, small_config, small_trainer


def test_a_warning_is_said_once_and_kept_also_by_a_later_attempt(tiny_model, tmp_path):
    """Every reward is 0: after two steps the watchdog says so."""
    config = small_config(tiny_model, rewards={"variety": 0.0}, train={"max_steps": 4}, watchdog={"no_reward_steps": 2})
    listener = Notes()
    trainer, recorder, _ = small_trainer(config, tmp_path / "run", listener=listener)
    trainer.train_from(None)
    [warning] = [text for text in listener.warned if "earned a reward" in text]
    assert recorder.warnings.count(warning) == 1
    run = RunFolder(tmp_path / "run")
    later = Notes()
    again = StepRecorder(trainer, config=config, run=run, listener=later)
    again.on_train_begin(trainer.args, trainer.state, trainer.control)
    assert warning in again.warnings
    assert later.warned == []
    steps = list(read_jsonl(run.metrics))
    assert all(0.0 <= step["repeated_4gram_share"] <= 1.0 for step in steps)
    assert all(0.0 <= step["other_script_share"] <= 1.0 for step in steps)


def test_a_run_without_metrics_begins_anew(tiny_model, tmp_path):
    """Metrics that a kill cut short are read up to there."""
    config = small_config(tiny_model, watchdog={"no_reward_steps": 2})
    trainer, recorder, _ = small_trainer(config, tmp_path / "run", listener=Notes())
    run = RunFolder(tmp_path / "run")
    write_jsonl(run.metrics, [{"step": 1, "reward": 0.0}, {"step": 2, "reward": 0.0}])
    with run.metrics.open("a") as file:
        file.write('{"step": 3, "rew')
    recorder.on_train_begin(trainer.args, trainer.state, trainer.control)
    assert len(recorder.warnings) == 1
