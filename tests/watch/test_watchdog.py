"""What the watchdog says of made-up metrics, step by step."""

import pytest

from benchmarks.watch.traces import EXPERIMENTS, trace
from leanrl.config.schema import RunConfig
from leanrl.watch.advice import advice
from leanrl.watch.signals import signals_of
from leanrl.watch.watchdog import Watchdog

# A run that is well: no signal moves.
WELL = {
    "reward": 1.0,
    "reward_std": 0.5,
    "zero_std_share": 0.25,
    "truncated_share": 0.1,
    "entropy": 0.3,
    "kl": 0.01,
    "grad_norm": 0.2,
    "clipped_ratio_share": 0.0,
    "language_mix_share": 0.01,
    "other_script_share": 0.0,
    "repeated_4gram_share": 0.2,
    "rollout_mismatch": {"logprob_difference_mean": 0.002},
}
# Of each signal a value that warns alone, the beginning of what is said, and the key that its warning ends with.
BAD = {
    "zero_std_share": ({"zero_std_share": 0.6}, "60% of the groups", "-s train.num_completions=16"),
    "truncated_share": ({"truncated_share": 0.4}, "40% of the completions", "-s rollout.max_completion_tokens=2048"),
    "entropy_low": ({"entropy": 0.1}, "0.1 nats of entropy", "-s algorithm.entropy_coef=0.001"),
    "entropy_high": ({"entropy": 0.6}, "0.6 nats of entropy", "-s optimizer.learning_rate=5e-07"),
    "kl": ({"kl": 0.7}, "0.7 nats a token of KL", "-s optimizer.learning_rate=5e-07"),
    "clipped_ratio_share": ({"clipped_ratio_share": 0.2}, "20% of the tokens", "-s algorithm.num_iterations=1"),
    "mismatch": (
        {"rollout_mismatch": {"logprob_difference_mean": 0.2}},
        "0.2 nats a token lie",
        "-s rollout.selftest_every_steps=1",
    ),
    "grad_norm": ({"grad_norm": 2.0}, "2 is the gradient norm", "-s optimizer.max_grad_norm=0.5"),
    "language_mix_share": ({"language_mix_share": 0.08}, "8% of the words", "-s rewards.language_consistency=0.5"),
    "other_script_share": ({"other_script_share": 0.05}, "5% of the letters", "-s rewards.language_consistency=0.5"),
    "repeated_4gram_share": ({"repeated_4gram_share": 0.35}, "35% of the 4-grams", "-s rewards.repetition=0.5"),
    "reward": ({"reward": 0.75}, "the mean reward fell", "-s optimizer.learning_rate=5e-07"),
}


def config_of(**watchdog):
    return RunConfig.model_validate(
        {
            "rewards": {"accuracy": 1.0},
            "train": {"num_completions": 8},
            "algorithm": {"num_iterations": 2, "clip_high": 0.28},
            "watchdog": watchdog,
        }
    )


def watched(values, config, **options):
    """Return warnings by step and the first fault of a run whose steps have these values beside WELL's."""
    watchdog = Watchdog(config, **options)
    warned, fault = [], None
    for step, value in enumerate(values, start=1):
        sight = watchdog.see({"step": step, **WELL, **value})
        warned += [(step, text) for text in sight.warnings]
        fault = fault or sight.fault
    return warned, fault


def test_the_table_has_every_signal():
    assert set(BAD) == {signal.name for signal in signals_of(config_of().watchdog)} | {"reward"}


@pytest.mark.parametrize("name", BAD)
def test_a_signal_warns_once_with_its_key_and_never_acts_alone(name):
    value, beginning, flag = BAD[name]
    warned, fault = watched([{}] * 30 + [value] * 60, config_of())
    [(step, text)] = warned
    assert 31 < step <= 50
    assert text.startswith(f"Step {step}: {beginning}")
    assert text.endswith(flag)
    assert fault is None


@pytest.mark.parametrize("name", BAD)
def test_a_run_that_is_so_from_the_start_is_not_told_that_it_changed(name):
    value, _, _ = BAD[name]
    assert watched([value] * 80, config_of()) == ([], None)


@pytest.mark.parametrize("name", BAD)
def test_one_bad_step_in_a_window_says_nothing(name):
    value, _, _ = BAD[name]
    assert watched([{}] * 30 + ([value] + [{}] * 9) * 5, config_of()) == ([], None)


def test_a_signal_that_comes_back_is_told_of_again_after_a_window_of_health():
    bad, well = [{"truncated_share": 0.5}], [{}]
    warned, _ = watched(well * 30 + bad * 20 + well * 40 + bad * 20, config_of())
    assert [step for step, _ in warned] == [35, 95]
    flapping, _ = watched(well * 30 + (bad * 8 + well * 8) * 4, config_of())
    assert len(flapping) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"truncated_share": 0.9},
        {"kl": 3.0},
        {"language_mix_share": 0.3},
        {"reward": 0.3},
        {"entropy": 0.005},
        {"truncated_share": 0.4, "language_mix_share": 0.08},  # two kinds of evidence
    ],
)
def test_a_fault_that_lasts_acts(value):
    _, fault = watched([{}] * 30 + [value] * 60, config_of())
    assert 40 <= fault.step <= 60
    assert 10 <= fault.since_step <= 31
    assert len(fault.reasons) == len(value)
    _, short = watched([{}] * 30 + [value] * 5 + [{}] * 60, config_of())
    assert short is None


def test_after_a_restart_a_fault_has_to_last_anew():
    """A run that went back to a step, or was well after all, is not sent back two steps later."""
    values = [{}] * 30 + [{"truncated_share": 0.9}] * 60
    _, fault = watched(values, config_of())
    _, later = watched(values, config_of(), restarts={fault.step})
    assert later.step == fault.step + 10


def test_two_signals_of_one_kind_are_one_piece_of_evidence():
    _, fault = watched([{}] * 30 + [{"language_mix_share": 0.08, "other_script_share": 0.04}] * 60, config_of())
    assert fault is None


def test_a_bound_of_null_is_not_watched_and_off_watches_nothing():
    values = [{}] * 30 + [{"truncated_share": 0.9}] * 60
    assert watched(values, config_of(truncated_warn=None, truncated_act=None)) == ([], None)
    assert watched(values, config_of(level="off")) == ([], None)


def test_entropy_and_equal_rewards_of_a_run_that_learns_are_well():
    """Reward 0.2 to 0.9: entropy goes and groups are all right, as in the demo's runs."""
    learning = [{"reward": 0.2 + 0.7 * min(1.0, max(0, step - 20) / 20)} for step in range(80)]
    sharp = {"entropy": 0.05, "zero_std_share": 0.7}
    warned, fault = watched([one | (sharp if step > 45 else {}) for step, one in enumerate(learning)], config_of())
    assert (warned, fault) == ([], None)


def test_no_reward_at_all_is_told_of_once():
    nothing = {"reward": 0.0, "reward_std": 0.0}
    [(step, text)], fault = watched([nothing] * 60, config_of())
    assert step == 20
    assert text.endswith("-s train.num_completions=16")
    assert fault is None
    assert watched([nothing] * 19 + [{"reward": 0.0, "reward_std": 0.1}] * 30, config_of()) == ([], None)


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_steps_without_a_number_are_passed_over(missing):
    """A step on completions of an earlier one has no rewards; one that was skipped has no finite norm."""
    empty = dict.fromkeys(WELL, missing) | {"rollout_mismatch": {}}
    values = [value for _ in range(90) for value in ({}, empty)]
    assert watched(values, config_of()) == ([], None)
    [(_, text)], _ = watched(values + [{"kl": 0.7}, empty] * 30, config_of())
    assert "KL" in text


@pytest.mark.parametrize("experiment", EXPERIMENTS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shapes_of_the_papers_runs(experiment, seed):
    """benchmarks/watch/detection.py counts many more."""
    config = config_of()
    faults = {
        collapses: [
            sight.fault
            for watchdog in [Watchdog(config)]
            for metrics in trace(experiment, collapses=collapses, seed=seed)
            for sight in [watchdog.see(metrics)]
            if sight.fault
        ]
        for collapses in (True, False)
    }
    assert 120 < faults[True][0].step < 220
    assert faults[True][0].since_step < 200
    assert faults[False] == []


def test_advice_on_cut_answers_knows_where_a_schedule_stands():
    """Within stages the next one comes sooner, in the last one all are longer; a limit that grows begins longer."""
    stages = {"max_completion_tokens": {"steps": [0, 400, 800], "values": [2560, 3072, 3584]}}
    of = {"rollout": {"max_completion_tokens": 3584}}
    staged = RunConfig.model_validate({**of, "schedules": stages})
    assert advice("truncated_share", staged, limit=2560).endswith(
        "-s schedules.max_completion_tokens.values='[3072, 3072, 3584]'"
    )
    assert advice("truncated_share", staged, limit=3584).endswith("-s rollout.max_completion_tokens=7168")
    grows = RunConfig.model_validate({**of, "schedules": {"automatic_length": {"from_tokens": 1024}}})
    assert advice("truncated_share", grows, limit=2048).endswith("-s schedules.automatic_length.from_tokens=3584")
