"""A limit that grows when more completions are cut and no more are right, by shares worked out by hand."""

import pytest

from leanrl.config.schema import RunConfig
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.types import Visit
from tests.trainer.small_trainer import Notes, small_config, small_trainer


def _limit(**longer):
    section = {"from_tokens": 100, "factor": 1.5, "window_rollouts": 2, "truncated_share": 0.25, **longer}
    values = {"rollout": {"max_completion_tokens": 200}, "schedules": {"automatic_length": section}}
    return LengthLimit(RunConfig.model_validate(values))


def _roll(limit, *shares):
    """Let rollouts of two groups with two completions each go by: (cut, right) of the four; return the next limit."""
    for cut, right in shares:
        for first in (0, 2):
            flags = [tuple(number < share for number in (first, first + 1)) for share in (cut, right)]
            limit.hear([Visit(0, 0, (0.0, 0.0), flags[1], (1, 1), flags[0])])
        limit.close_rollout()
    return limit.at(0)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((1, 2), (2, 2), 150),  # cut rise from 1/4 to 2/4, right stay at 2/4
        ((1, 2), (1, 2), 100),  # no more are cut
        ((2, 2), (1, 2), 100),  # fewer are cut
        ((1, 2), (2, 3), 100),  # more are cut, but more are right too
        ((1, 2), (2, 1), 150),  # more are cut, fewer right
    ],
)
def test_it_grows_when_more_are_cut_and_no_more_are_right(before, now, expected):
    assert _roll(_limit(), before, before, now, now) == expected


def test_a_share_below_the_bound_is_no_reason():
    assert _roll(_limit(truncated_share=0.75), (1, 2), (1, 2), (2, 2), (2, 2)) == 100


def test_it_counts_anew_behind_each_growth_and_ends_at_the_planned_limit():
    """100, 150, then 225, of which 200 are planned."""
    limit, rising = _limit(), [(0, 2), (0, 2), (1, 2), (1, 2)]
    assert _roll(limit, *rising) == 150
    assert _roll(limit, *rising[:3]) == 150
    assert _roll(limit, rising[3]) == 200
    assert _roll(limit, *rising) == 200


def test_its_state_goes_on_as_if_it_had_not_stopped():
    whole, rising = _limit(), [(0, 2), (0, 2), (1, 2)]
    _roll(whole, *rising)
    again = _limit()
    again.load_state_dict(whole.state_dict())
    assert _roll(again, (1, 2)) == _roll(whole, (1, 2)) == 150


def test_without_it_the_limit_is_that_of_the_schedule():
    stages = {"max_completion_tokens": {"steps": [0, 2], "values": [3, 8]}}
    limit = LengthLimit(RunConfig.model_validate({"rollout": {"max_completion_tokens": 8}, "schedules": stages}))
    assert [limit.at(step) for step in range(4)] == [3, 3, 8, 8]
    assert limit.state_dict() == {}


def _trained(folder, run_path, *, checkpoint=None):
    """Return the lines of six steps whose limit begins at 2 tokens; a tiny model is cut nearly always."""
    config = small_config(
        folder,
        schedules={"automatic_length": {"from_tokens": 2, "factor": 2.0, "window_rollouts": 1, "truncated_share": 0.0}},
        train={"max_steps": 6},
        checkpoints={"every_steps": 1, "keep_last": 9},
    )
    notes = Notes()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    # what is cut follows a script, so that the limit grows whatever a random model draws: by the step, as a run draws
    heard = trainer.length.hear

    def hear(visits):
        cut = trainer.state.global_step % 2 == 1
        none, all_of = (False,) * 4, (cut,) * 4
        heard([Visit(one.step, one.epoch, one.rewards_G, none, one.lengths_G, all_of) for one in visits])

    trainer.length.hear = hear
    trainer.train_from(checkpoint)
    return notes.steps


def test_a_run_has_the_limit_in_completions_and_metrics_and_goes_on_with_it(tiny_model, tmp_path):
    """Cut in every second step: the limit doubles after the steps 2, 4 and 6."""
    steps = _trained(tiny_model, tmp_path / "run")
    assert [line["schedule"]["max_completion_tokens"] for line in steps] == [2, 2, 4, 4, 8, 8]
    assert [line["completion_tokens"]["max"] for line in steps] == [2, 2, 4, 4, 8, 8]
    run = RunFolder(tmp_path / "run")
    for step in (1, 3):
        again = _trained(tiny_model, run, checkpoint=run.checkpoint(step))
        for line, before in zip(again, steps[step:], strict=True):
            assert [line[name] for name in ("loss", "reward", "schedule")] == [
                before[name] for name in ("loss", "reward", "schedule")
            ]
