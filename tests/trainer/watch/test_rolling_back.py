"""A real run that falls apart, in this process: it goes back to its best checkpoint, and stops or goes on."""

import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from leanrl.config.load import load_config
from leanrl.errors import StoppedError
from leanrl.pipeline import resume, train
from leanrl.storage.evaluations import read_evaluations
from leanrl.storage.rollbacks import read_rollbacks
from leanrl.storage.run_folder import RunFolder, read_json, read_jsonl, step_of
from leanrl.trainer.watch import rolling_back
from tests.cli.run import leanrl
from tests.trainer.small_trainer import Notes
from tests.trainer.watch.collapsing import PLUGIN, closeness, collapsing_overrides, taught_model

# cpu-demo's own rate times five: with a reward for close answers a real 135M model collapsed at it within ten steps.
RATE = 1.0e-3
CLOSENESS = {"closeness": closeness}
WATCHED = (
    *(f"optimizer.learning_rate={RATE}", "train.max_steps=30", "checkpoints.every_steps=5", "eval.greedy=false"),
    *("watchdog.level=act", "watchdog.baseline_steps=8", "watchdog.window_steps=3", "watchdog.act_steps=3"),
    *("watchdog.deviations=2.0", "watchdog.reward_fall_act=0.25", "log.completions_every_steps=1"),
)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    return taught_model(tmp_path_factory.mktemp("taught") / "model")


def start(taught, path, *more):
    """Train the run and return its listener, its folder, and the error that ended it, if one did."""
    listener, run = Notes(), RunFolder(path)
    config = load_config("cpu-demo", collapsing_overrides(taught, *WATCHED, *more)).config
    try:
        train(config, rewards=CLOSENESS, run_dir=path, listener=listener)
    except StoppedError as error:
        return listener, run, error
    return listener, run, None


def scores_of(run):
    return {one["step"]: one["score"] for one in read_evaluations(run)}


def numbers_of(run):
    names = ("step", "loss", "reward", "grad_norm", "learning_rate", "entropy", "num_tokens")
    return [[line[name] for name in names] for line in read_jsonl(run.metrics)]


def rates_of(run):
    return {line["step"]: line["learning_rate"] for line in read_jsonl(run.metrics)}


def test_a_run_that_stops_stands_at_its_best_checkpoint_and_goes_on_as_one_that_did_not_stop(taught, tmp_path):
    """`stop` and `--resume` end where `halve_learning_rate` does, with equal numbers."""
    _, run, error = start(taught, tmp_path / "run", "watchdog.response=stop")
    assert error is not None
    assert error.exit_code == 6
    assert error.hint.startswith(f"`leanrl train --resume {run.path}`")
    [rollback] = read_rollbacks(run)
    newest = run.complete_checkpoints()[-1]
    assert step_of(newest) == rollback.to_step < rollback.at_step
    # no worse than the best checkpoint on the held-out set, and better than where it was
    assert scores_of(run)[rollback.to_step] == max(rollback.scores.values()) > rollback.scores[str(rollback.at_step)]
    summary = read_json(run.summary)
    assert (summary["status"], summary["steps"]) == ("stopped", rollback.to_step)
    assert any("the mean reward fell" in warning for warning in summary["warnings"])
    assert f"went back to step {rollback.to_step}." in summary["warnings"][-1]
    # nothing is lost
    abandoned = RunFolder(run.abandoned / "01")
    steps = [line["step"] for path in (run.metrics, abandoned.metrics) for line in read_jsonl(path)]
    assert steps == list(range(1, rollback.at_step + 1))
    assert step_of(abandoned.complete_checkpoints()[-1]) == rollback.at_step
    # and it goes on
    with suppress(StoppedError):  # it may fall apart again: the rate is still high
        resume(run.path, rewards=CLOSENESS, listener=Notes())
    rates = rates_of(run)
    assert {rates[step] for step in range(1, rollback.to_step + 1)} == {RATE}
    assert rates[rollback.to_step + 1] == pytest.approx(RATE / 2)
    # as a run that goes back within one command, whose second fault ends it too
    more = (
        "watchdog.response=halve_learning_rate",
        f"watchdog.max_rollbacks={1 if len(read_rollbacks(run)) > 1 else 9}",
    )
    _, other, _ = start(taught, tmp_path / "other", *more)
    assert numbers_of(other) == numbers_of(run)
    assert read_rollbacks(other) == read_rollbacks(run)


@pytest.mark.parametrize("name", ["finish_rollback", pytest.param("decide_rollback", marks=pytest.mark.long)])
def test_a_run_that_is_killed_within_a_rollback_makes_it_good(taught, tmp_path, monkeypatch, name):
    """Killed before the decision it decides again; after it, it goes back."""

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    path = tmp_path / name
    monkeypatch.setattr(rolling_back, name, kill)
    with pytest.raises(Killed):
        start(taught, path, "watchdog.response=halve_learning_rate", "watchdog.max_rollbacks=9")
    monkeypatch.undo()
    run = RunFolder(path)
    assert [one.is_done for one in read_rollbacks(run)] == ([] if name == "decide_rollback" else [False])
    resume(path, rewards=CLOSENESS, listener=Notes())
    first = read_rollbacks(run)[0]
    assert first.is_done
    assert (run.abandoned / "01" / "metrics.jsonl").is_file()
    lines = list(read_jsonl(run.metrics))
    assert [line["step"] for line in lines] == list(range(1, 31))
    assert read_json(run.summary)["status"] == "finished"


@pytest.mark.long
def test_a_run_that_is_killed_for_real_while_it_goes_back_is_finished(taught, tmp_path):
    """kill -9 as soon as the decision is on disk."""
    (tmp_path / "closeness.py").write_text(PLUGIN)
    run = RunFolder(tmp_path / "run")
    more = ("watchdog.response=halve_learning_rate", "watchdog.max_rollbacks=9")
    flags = [part for override in collapsing_overrides(taught, *WATCHED, *more) for part in ("-s", override)]
    words = ["train", "-p", "cpu-demo", *flags, "--plugin", str(tmp_path / "closeness.py"), "--run-dir", str(run.path)]
    process = subprocess.Popen([sys.executable, "-m", "leanrl", *words], stderr=subprocess.DEVNULL)
    while process.poll() is None and not run.rollbacks.is_file():
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    done = leanrl("train", "--resume", run.path)
    assert done.code == 0, done.err
    assert all(one.is_done for one in read_rollbacks(run))
    assert [line["step"] for line in read_jsonl(run.metrics)] == list(range(1, 31))
    assert (run.abandoned / "01" / "metrics.jsonl").is_file()


@pytest.mark.long
@pytest.mark.parametrize("method", ["lora", "full"])
def test_two_ranks_go_back_together(taught, tmp_path, method):
    """With `full` the ranks share the weights (FSDP2); `lora` is DDP, at a rate at which an adapter falls apart.

    Two ranks sample other completions than one: thresholds are so low that a fall of any size is acted on.
    """
    plugin = tmp_path / "closeness.py"
    plugin.write_text(PLUGIN)
    more = ("hardware.num_cpu_ranks=2", f"model.tuning.method={method}", "watchdog.response=halve_learning_rate")
    low = ("watchdog.deviations=0.5", "watchdog.reward_fall_warn=0.02", "watchdog.reward_fall_act=0.05")
    rate = (f"optimizer.learning_rate={5 * RATE}",) if method == "lora" else ()
    overrides = collapsing_overrides(taught, *WATCHED, *more, *low, *rate)
    flags = [part for override in overrides for part in ("-s", override)]
    done = leanrl("train", "-p", "cpu-demo", *flags, "--plugin", plugin, "--run-dir", tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    rollbacks = read_rollbacks(run)
    assert rollbacks, done.err
    assert all(one.is_done for one in rollbacks)
    assert done.code in (0, 6), done.err
    steps = [line["step"] for line in read_jsonl(run.metrics)]
    assert steps == list(range(1, steps[-1] + 1))
    assert "falls apart" in done.err
