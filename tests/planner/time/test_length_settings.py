"""`--lengths`: numbers or a run, as settings that a run reads back."""

import shlex

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.planner.time.length_profile import LengthProfile, profile_of
from leanrl.planner.time.length_settings import length_settings, profile_flags, profile_settings
from tests.planner.past_runs.test_run_lengths import LIMIT, write_run


def lengths_of(settings):
    return load_config("single-gpu-lora", settings).config.rollout.lengths


def test_numbers_take_the_place_of_the_presets_lengths():
    found = lengths_of(length_settings(" mean=600, cv=0.4,cut=10%,limit=1024"))
    assert found.model_dump() == {
        "mean_tokens": 600, "cv": 0.4, "cut_share": 0.1, "limit_tokens": 1024, "source": "--lengths"
    }  # fmt: skip


def test_a_mean_is_enough():
    """Spread and share are those that are assumed, and the limit is the run's."""
    assert lengths_of(length_settings("mean=600")).model_dump() == {
        "mean_tokens": 600, "cv": 0.6, "cut_share": None, "limit_tokens": None, "source": "--lengths"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["run", "a run: with spaces, 'quotes' and a # in its name"])
def test_the_lengths_of_a_run(tmp_path, name):
    run = write_run(tmp_path / name, [[100.0] * 31 + [200.0]] * 4)
    found = lengths_of(length_settings(f"run:{run}"))
    assert (found.mean_tokens, found.limit_tokens) == (103.1, LIMIT)
    assert found.source == f"4 rollouts of {run}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("means=600", "Did you mean `mean`"),
        ("cv=0.5", "mean: is missing"),
        ("mean=many", "'many' is not a number"),
        ("mean=600,limit=1.5", "'1.5' is not a whole number of tokens"),
        ("600", "is no part of lengths"),
        ("", "is no part of lengths"),
        ("run:no/such/folder", "not a run folder"),
    ],
)
def test_what_cannot_be_read_is_refused(text, says):
    with pytest.raises(ConfigError) as caught:
        length_settings(text)
    assert says in str(caught.value)


def test_all_faults_of_a_text_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        length_settings("men=600,cv=wide")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("text", ["mean=4000", "mean=nan", "mean=inf", "mean=-3", "mean=100,cut=0.5", "mean=9,cv=0"])
def test_numbers_that_no_completions_have_are_refused_with_the_config(text):
    with pytest.raises(ConfigError, match=r"rollout\.lengths"):
        lengths_of(length_settings(text))


@pytest.mark.parametrize(
    "profile",
    [
        LengthProfile(600, 1024, 0.5, 0.125, "32 completions of a model's own"),
        LengthProfile(1024, 1024, cut_share=1.0),
        LengthProfile(3, 14),
    ],
)
def test_the_flags_of_a_profile_set_the_same_profile(profile):
    pasted = shlex.split(profile_flags(profile))
    assert pasted[::2] == ["-s"] * 5
    assert pasted[1::2] == profile_settings(profile)
    assert profile_of(load_config("single-gpu-lora", pasted[1::2]).config) == profile


@pytest.mark.parametrize(("text", "said"), [("mean=6,mean=7", "mean: is given twice"), ("run:", "names no run")])
def test_a_name_twice_and_a_run_without_a_name(text, said):
    with pytest.raises(ConfigError, match=said):
        length_settings(text)
