"""Seeds of groups repeat for the same step and prompt, and differ for any other."""

from leanrl.rollout.group_seeds import with_seeds
from leanrl.rollout.protocol import GroupRequest

PROMPTS = [GroupRequest([1, 2], 4), GroupRequest([1], 4), GroupRequest([1, 2], 4)]


def _seeds(requests=PROMPTS, *, run_seed=0, step=0):
    return [request.seed for request in with_seeds(requests, run_seed=run_seed, step=step)]


def test_the_same_step_of_the_same_run_has_the_same_seeds():
    seeded = with_seeds(PROMPTS, run_seed=3, step=7)
    assert seeded == with_seeds(PROMPTS, run_seed=3, step=7)
    assert [(one.prompt_ids, one.num_completions) for one in seeded] == [([1, 2], 4), ([1], 4), ([1, 2], 4)]


def test_a_seed_depends_on_run_step_round_prompt_and_how_often_it_came_before():
    seeds = [*_seeds(), *_seeds(step=1), *_seeds(run_seed=1), *_seeds([GroupRequest([12], 4)])]
    seeds += [request.seed for request in with_seeds(PROMPTS, run_seed=0, step=0, round_number=1)]
    assert len(set(seeds)) == 13


def test_a_prompt_keeps_its_seed_whatever_is_asked_beside_it():
    """Ranks ask parts of a step each; which prompts are asked in one call is theirs."""
    assert _seeds(PROMPTS[1:]) == [_seeds()[1], _seeds()[0]]


def test_seeds_of_a_group_fit_into_what_servers_take():
    """vLLM adds the number of a completion to its group's seed; its protocol takes signed 64-bit numbers."""
    assert all(0 <= seed < 2**62 for step in range(50) for seed in _seeds(step=step))
