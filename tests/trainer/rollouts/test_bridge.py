"""The bridge between the trainer and an engine: what is asked for, when it is synced, and when it is tested."""

from contextlib import contextmanager

import pytest

from leanrl.rollout.protocol import Completion, GroupRequest, Policy, Sampling
from leanrl.rollout.selftest import RolloutMismatchError
from leanrl.trainer.rollouts.bridge import RolloutBridge, group_requests

SAMPLING = Sampling(temperature=1.0, max_completion_tokens=4, stop_token_ids=(0,))


class Recorder:
    """An engine that writes down what it is asked, and draws token 9 with a fixed log-probability."""

    def __init__(self, logprob=-1.0):
        self.logprob, self.calls = logprob, []

    def __getattr__(self, name):
        return lambda *_: self.calls.append(name)

    def sync(self, policy):
        self.calls.append(f"sync {policy.version}")

    def generate(self, requests, sampling):
        self.calls.append("generate")
        self.seeds = [request.seed for request in requests]
        return [[Completion([9], [self.logprob])] * request.num_completions for request in requests]

    generate_without_adapter = generate


class Scorer:
    """The trainer's side: every token has log-probability -1."""

    def score(self, drawn, *, temperature):
        return [[-1.0] * len(one.token_ids) for one in drawn]

    def score_base(self, drawn, *, temperature):
        return [[-2.0] * len(one.token_ids) for one in drawn]

    score_with = score_base


def bridge(engine, *, scorer=None, every=1):
    return RolloutBridge(engine, policy=Policy, scorer=scorer, adapters=scorer, tolerance=1e-4, test_every_steps=every)


def test_equal_neighbours_are_one_group():
    assert group_requests([[1], [1], [2, 3], [1]]) == [
        GroupRequest([1], 2),
        GroupRequest([2, 3], 1),
        GroupRequest([1], 1),
    ]


def test_an_engine_is_woken_synced_asked_once_and_put_to_sleep():
    engine = Recorder()
    drawn = bridge(engine).draw([[1], [1], [2]], step=0, sampling=SAMPLING)
    assert engine.calls == ["wake", "sync 0", "generate", "sleep"]
    assert drawn.completion_ids_B == [[9], [9], [9]]
    assert drawn.logprobs_B == [[-1.0]] * 3


def test_a_rollout_has_seeds_of_its_step_where_the_run_gives_one():
    """An engine that is opened anew, as by a resumed run, is asked with the seeds that the first one was."""
    engines, seeds = [Recorder(), Recorder()], []
    for engine in engines:
        between = RolloutBridge(engine, policy=Policy, scorer=None, tolerance=1e-4, test_every_steps=1, run_seed=5)
        for step in (3, 4):
            between.draw([[1], [1], [2]], step=step, sampling=SAMPLING)
            seeds.append(engine.seeds)
    assert seeds[:2] == seeds[2:]
    assert len({seed for drawn in seeds[:2] for seed in drawn}) == 4
    bridge(engines[0]).draw([[1]], step=3, sampling=SAMPLING)
    assert engines[0].seeds == [None]


def test_a_refill_that_asks_a_prompt_again_draws_other_completions():
    engine, seeds = Recorder(), []
    between = RolloutBridge(engine, policy=Policy, scorer=None, tolerance=1e-4, test_every_steps=1, run_seed=5)
    for step in (3, 3, 4, 3):
        between.draw([[1]], step=step, sampling=SAMPLING)
        seeds += engine.seeds
    assert len(set(seeds[:3])) == 3
    assert seeds[3] == seeds[0], "a run that went back asks as it did before"


def test_the_same_version_is_not_sent_twice():
    engine = Recorder()
    between = bridge(engine)
    for step in (0, 0, 1):
        between.draw([[1]], step=step, sampling=SAMPLING)
    assert [call for call in engine.calls if call.startswith("sync")] == ["sync 0", "sync 1"]


def test_weights_of_a_checkpoint_are_sent_although_their_version_was_served():
    """Step 4 of a run that was rolled back from there is another policy."""
    engine = Recorder()
    between = bridge(engine)
    between.draw([[1]], step=4, sampling=SAMPLING)
    between.weights_replaced()
    between.draw([[1]], step=4, sampling=SAMPLING)
    assert [call for call in engine.calls if call.startswith("sync")] == ["sync 4", "sync 4"]


def test_only_the_arrival_of_weights_is_metered():
    engine = Recorder()

    @contextmanager
    def metered():
        engine.calls.append("begin")
        yield
        engine.calls.append("end")

    between = RolloutBridge(
        engine,
        policy=lambda step: Policy(step, None),
        scorer=None,
        tolerance=0.0,
        test_every_steps=1,
        metered=metered,
        woken=lambda: engine.calls.append("woken"),
    )
    for step in (0, 0):
        between.draw([[1]], step=step, sampling=SAMPLING)
    assert engine.calls[:7] == ["wake", "woken", "begin", "sync 0", "end", "generate", "sleep"]
    assert engine.calls[7:] == ["wake", "woken", "generate", "sleep"]


def test_the_first_three_steps_are_tested_and_then_every_so_many():
    between = bridge(Recorder(), scorer=Scorer(), every=4)
    tested = [
        step
        for step in range(9)
        if "sampling_logprob_difference" in between.draw([[1]], step=step, sampling=SAMPLING).measures
    ]
    assert tested == [0, 1, 2, 4, 8]


def test_a_mismatch_stops_the_step():
    with pytest.raises(RolloutMismatchError):
        bridge(Recorder(logprob=-1.5), scorer=Scorer()).draw([[1]], step=5, sampling=SAMPLING)


def test_an_evaluation_is_not_tested_and_leaves_no_prompt_behind():
    """A rollout of the same step that follows finds the weights served, and reads its prompts as if nothing was."""
    engine = Recorder(logprob=-5.0)  # far from the trainer's -1: a test would fail
    between = bridge(engine, scorer=Scorer())
    groups = between.ask([GroupRequest([1], 1, seed=3)], step=4, sampling=SAMPLING)
    assert [completion.token_ids for (completion,) in groups] == [[9]]
    assert engine.calls == ["wake", "sync 4", "generate", "forget_prefixes", "sleep"]
    engine.logprob = -1.0
    between.draw([[1]], step=4, sampling=SAMPLING)
    assert "sync 4" not in engine.calls[5:]
