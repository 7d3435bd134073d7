"""The line of a step, to the letter."""

import pytest

from leanrl.report.progress import PlainListener, duration, step_line

METRICS = {
    "step": 7,
    "rewards": {"one_box": 0.4375, "accuracy": 0.25},
    "completion_tokens": {"mean": 11.6},
    "truncated_share": 0.125,
    "kl": None,
    "seconds": {"step": 14.96},
}


def line(step_seconds=(15.0,), max_steps=18, **changes):
    return step_line(METRICS | changes, max_steps=max_steps, step_seconds=list(step_seconds))


def test_a_line_without_a_reference():
    """11 steps of 15 s are left: 165 s."""
    assert line() == ("step  7/18 | one_box 0.438  accuracy 0.250 | length 12 | cut 12% | 15.0 s | left 2m45s")


def test_a_line_with_a_kl():
    assert " | cut 12% | kl 0.012 | 15.0 s | " in line(kl=0.0123)


@pytest.mark.parametrize(
    ("kl", "text"), [(0.0, "0.000"), (0.0005, "0.001"), (0.000123, "1.2e-04"), (-0.0001, "-1.0e-04")]
)
def test_a_small_kl_is_told_from_none(kl, text):
    assert f"| kl {text} |" in line(kl=kl)


def test_a_reward_that_was_not_measured_is_a_dash():
    assert "| one_box -  accuracy 0.250 |" in line(rewards={"one_box": None, "accuracy": 0.25})


def test_a_step_on_an_earlier_rollout_says_what_the_clip_did():
    reused = {"completion_tokens": {"mean": None}, "truncated_share": None, "clipped_ratio_share": 0.0314}
    assert line(rewards={"one_box": None}, **reused) == (
        "step  7/18 | same rollout | clipped 3.1% | 15.0 s | left 2m45s"
    )


def test_step_numbers_line_up():
    assert line(step=7, max_steps=500).startswith("step   7/500 |")
    assert line(step=500, max_steps=500).startswith("step 500/500 |")


def test_the_time_left_follows_the_last_ten_steps():
    """A first step of 100 s is forgotten after ten of 2 s: 11 x 2 s = 22 s. Before: 11 x (100 + 2) / 2 = 561 s."""
    assert line(step_seconds=[100.0, *[2.0] * 10]).endswith("left 22s")
    assert line(step_seconds=[100.0, 2.0]).endswith("left 9m21s")


def test_the_last_step_leaves_nothing():
    assert line(step=18).endswith("left 0s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (42.4, "42s"),
        (59.6, "1m00s"),
        (185, "3m05s"),
        (3599.7, "1h00m"),
        (7620, "2h07m"),
        (100_000, "27h46m"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_talk_goes_to_stderr_and_leaves_stdout_to_data(capsys):
    listener = PlainListener()
    listener.say("hello")
    listener.warn("careful")
    listener.step(METRICS | {"step": 17}, max_steps=18)
    listener.step(METRICS | {"step": 18, "seconds": {"step": 5.0}}, max_steps=18)
    printed = capsys.readouterr()
    assert printed.out == ""
    said, warned, first, second = printed.err.splitlines()
    assert (said, warned) == ("hello", "warning: careful")
    assert first.endswith("| 15.0 s | left 15s")
    assert second.endswith("| 5.0 s | left 0s")
