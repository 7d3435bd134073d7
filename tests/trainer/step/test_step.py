"""The rules of a step: what counts, who decides, what is remembered, and how ranks agree."""

import pytest
import torch

from leanrl.seams.protocols import Draft, Kept, TokenCredit
from tests.trainer.step.toy import on_two_ranks, toy_step


def _facts(rollout):
    """What the engine gets of each row."""
    return [
        [(row.prompt_ids, row.completion_ids, row.advantage, row.weight) for row in rows] for rows in rollout.updates
    ]


def _added(step):
    """Every visit that the ledger has, in its order."""
    return list(step.recorded.ledger)


def _signal(group):
    return Kept(tuple(range(4)) if len(set(group.rewards_G)) > 1 else ())


def test_a_filter_that_keeps_everything_changes_nothing():
    plain, filtered = toy_step(), toy_step(plugins={"keep_rows": lambda group: Kept((0, 1, 2, 3))})
    for step in range(4):
        assert _facts(plain.roll_out(None, step=step)) == _facts(filtered.roll_out(None, step=step))


@pytest.mark.parametrize("aggregation", ["prompt_token_mean", "batch_token_mean", "completion_mean", "fixed_length"])
def test_denominators_count_what_is_trained(aggregation):
    """Over the kept rows the weighed tokens add up to 1, however many groups were dropped."""
    step = toy_step(plugins={"keep_rows": _signal}, algorithm={"aggregation": aggregation})
    (rows,) = step.roll_out(None, step=0).updates
    assert 0 < len(rows) < 16
    expected = sum(len(row.completion_ids) for row in rows) / (8 * len(rows)) if aggregation == "fixed_length" else 1
    assert sum(row.weight * len(row.completion_ids) for row in rows) == pytest.approx(expected)


def test_a_dropped_group_is_remembered():
    step = toy_step(plugins={"keep_rows": lambda group: Kept(())})
    rollout = step.roll_out(None, step=3)
    assert rollout.updates == [[]]
    assert rollout.is_empty(3)
    assert [visit.step for _, visit in _added(step)] == [3] * 4


def test_a_group_of_which_a_part_is_kept_has_the_spread_of_that_part():
    """Rewards 1, 0, 1, 0 of which the first two are kept: mean 0.5, spread sqrt(0.5); of all four sqrt(1/3)."""
    found = {}
    for stats in ("kept", "group"):
        step = toy_step(plugins={"keep_rows": lambda group, stats=stats: Kept((0, 1), stats=stats)})
        (rows,) = step.roll_out(None, step=0).updates
        found[stats] = max(row.advantage for row in rows)
    assert found == pytest.approx({"kept": 0.5 / (0.5**0.5 + 1e-4), "group": 0.5 / ((1 / 3) ** 0.5 + 1e-4)})


def test_dropped_groups_are_drawn_again_in_bounded_rounds():
    asked = []

    def refill(wanted, kept, dropped_share, round_number):
        asked.append((wanted, kept, round_number))
        return wanted - kept if round_number < 3 else 0

    step = toy_step(plugins={"keep_rows": _signal, "refill": refill})
    (rows,) = step.roll_out(None, step=0).updates
    assert [number for *_, number in asked] == list(range(1, len(asked) + 1))
    assert len(asked) <= 3
    assert len(rows) <= 16
    assert len(_added(step)) > 4


def test_a_refill_that_never_finds_signal_ends_and_trains_on_what_is_there():
    step = toy_step(
        plugins={"keep_rows": _signal, "refill": lambda wanted, kept, share, number: 4 * (number <= 5)},
        rewards_of=lambda row, index: 1.0,
    )
    rollout = step.roll_out(None, step=0)
    assert rollout.is_empty(0)
    assert len(_added(step)) == 6 * 4


def test_a_refill_brings_no_more_groups_than_were_wanted():
    step = toy_step(plugins={"refill": lambda wanted, kept, share, number: 4 if number == 1 else 0})
    (rows,) = step.roll_out(None, step=0).updates
    assert len(rows) == 16
    assert len(_added(step)) == 8


def test_metrics_of_a_rollout_are_recorded_once_for_all_of_its_rounds():
    step, recorded = toy_step(plugins={"refill": lambda wanted, kept, share, number: 4 * (number == 1)}), []
    step.record = recorded.append
    step.roll_out(None, step=0)
    assert [values["num_groups"] for values in recorded if "num_groups" in values] == [8]


@pytest.mark.parametrize(
    "plugins",
    [
        {},
        {"keep_rows": _signal},
        {"keep_rows": _signal, "refill": lambda wanted, kept, share, number: wanted - kept if number < 4 else 0},
        {"choose_prompts": lambda ids, context: [context.rng(known).random() < 0.5 for known in ids]},
    ],
    ids=["plain", "drop", "refill", "choose"],
)
def test_two_ranks_train_what_one_trains(plugins):
    """The same rows with half the weight each rank's gradients are averaged with; the same ledger on both."""
    alone = toy_step(plugins=plugins)

    def run(ranks):
        step = toy_step(plugins=plugins, ranks=ranks)
        return [step.roll_out(None, step=number).updates[0] for number in range(3)], _added(step)

    (first, ledger), (second, other_ledger) = on_two_ranks(run)
    assert ledger == other_ledger
    for number in range(3):
        (expected,) = alone.roll_out(None, step=number).updates
        found = sorted(
            (row.prompt_ids, row.advantage, round(row.weight / 2, 12)) for row in [*first[number], *second[number]]
        )
        if "refill" not in plugins:
            assert found == sorted((row.prompt_ids, row.advantage, round(row.weight, 12)) for row in expected)
        assert sum(weight * 1 for *_, weight in found) > 0 or not found


def test_prompts_that_are_turned_down_make_room_and_every_one_is_asked_in_the_end():
    step = toy_step(plugins={"choose_prompts": lambda ids, context: [False] * len(ids)})
    (rows,) = step.roll_out(None, step=0).updates
    assert len(rows) == 16


def test_the_chooser_hears_every_group():
    heard = []

    class Chooser:
        def __call__(self, prompt_ids, context):
            return [True] * len(prompt_ids)

        def after_groups(self, visits, context):
            heard.extend(visits)

    step = toy_step(plugins={"choose_prompts": Chooser(), "keep_rows": lambda group: Kept(())})
    step.roll_out(None, step=0)
    assert heard == _added(step)


def test_forced_tokens_begin_a_completion_and_can_be_left_out_of_the_loss():
    drafts = [Draft((7, 8), trains_forced=False), Draft((7, 8), (-0.5, -0.25)), Draft()]
    step = toy_step(plugins={"plan_rollouts": lambda known, context: drafts})
    (rows,) = step.roll_out(None, step=0).updates
    assert len(rows) == 12
    first, second, third = rows[:3]
    assert first.completion_ids[:2] == second.completion_ids[:2] == [7, 8]
    assert first.token_weights.tolist() == [0.0, 0.0] + [1.0] * (len(first.completion_ids) - 2)
    assert first.rollout_logprobs[:2].isnan().all()
    assert second.rollout_logprobs[:2].tolist() == [-0.5, -0.25]
    assert second.token_weights is None
    assert third.completion_ids[0] == 10
    assert first.counted_tokens == len(first.completion_ids) - 2


def test_token_credit_reaches_the_rows_and_cuts_them():
    def credit(group, advantages_G):
        return [
            TokenCredit(
                advantages_T=torch.arange(float(len(ids))), weights_T=torch.full((len(ids),), 0.5), last_token=1
            )
            for ids in group.completion_ids_G
        ]

    step = toy_step(plugins={"credit_tokens": credit})
    (rows,) = step.roll_out(None, step=0).updates
    assert {len(row.completion_ids) for row in rows} == {2}
    assert rows[0].token_advantages.tolist() == [0.0, 1.0]
    assert rows[0].counted_tokens == 1.0
    assert sum(row.weight * row.counted_tokens for row in rows) == pytest.approx(1.0)


def test_updates_on_one_rollout_share_its_groups():
    step = toy_step(updates_per_rollout=2)
    first, second = step.roll_out(None, step=0).updates
    assert len(first) == len(second) == 8
    assert sum(row.weight * len(row.completion_ids) for row in first) == pytest.approx(1.0)


def test_an_update_without_rows_is_empty_although_its_rollout_has_some():
    """One of four groups is kept: it is in the second of two updates."""
    kept = iter([True, False, False, False])
    step = toy_step(plugins={"keep_rows": lambda group: Kept((0, 1) if next(kept) else ())}, updates_per_rollout=2)
    rollout = step.roll_out(None, step=0)
    assert [len(rows) for rows in rollout.updates] == [0, 2]
    assert [rollout.is_empty(number) for number in range(4)] == [True, False, True, False]


def test_masked_completions_have_no_tokens_and_no_weight():
    step = toy_step(algorithm={"mask_truncated": True})
    original = step.draw
    step.draw = lambda beginnings: _without_end(original(beginnings))
    (rows,) = step.roll_out(None, step=0).updates
    assert all(row.completion_ids == [] and row.weight == 0.0 for row in rows)


def _without_end(drawn):
    drawn.completion_ids_B = [ids[:-1] for ids in drawn.completion_ids_B]
    return drawn
