"""Run as two gloo ranks by the test: what ranks ask of their rollout engines, and what they get.

Each rank writes what it saw to OUT/rank-N.json.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from leanrl.errors import ConfigError, StoppedError
from leanrl.rollout.protocol import Completion, GroupRequest, Policy, Sampling
from leanrl.rollout.selftest import Drawn
from leanrl.trainer.rollouts.rank_engines import OwnEngine, SharedEngine

SAMPLING = Sampling(temperature=1.0, max_completion_tokens=4, stop_token_ids=(0,))
# Rank 0 asks for three prompts, rank 1 for two, of groups of different sizes.
ASKED = {
    0: [GroupRequest([10], 2), GroupRequest([11], 1), GroupRequest([12], 2)],
    1: [GroupRequest([20], 3), GroupRequest([21], 1)],
}


class Echo:
    """An engine that answers each prompt with its own tokens, and is lost, refuses or wants weights on demand."""

    def __init__(self):
        self.calls, self.synced, self.error, self.wants_weights = [], None, None, False

    def sync(self, policy):
        self.synced = policy
        self.weights = dict(policy.weights())

    def generate(self, requests, sampling):
        self.calls.append(len(requests))
        if self.error is not None:
            raise self.error
        if self.wants_weights:
            self.weights = dict(self.synced.weights())
        return [[Completion(request.prompt_ids, [-1.0])] * request.num_completions for request in requests]

    generate_without_adapter = generate

    def score(self, drawn):
        return [[float(token) for token in one.token_ids] for one in drawn]

    def score_without_adapter(self, drawn):
        return [[-score for score in scores] for scores in self.score(drawn)]

    def forget_prefixes(self):
        if self.error is not None:
            raise self.error

    def close(self):
        self.calls.append("closed")


def weights_together():
    """Yield what no rank has alone: the sum of the ranks' parts."""
    for name in ("a", "b"):
        part = torch.tensor([float(dist.get_rank() + 1)])
        dist.all_reduce(part)
        yield name, part


def tokens(groups):
    return [[completion.token_ids for completion in group] for group in groups]


def scores(engine, rank):
    """Return what the engine says of the rank's own text, with the adapter and without."""
    drawn = [Drawn([1], [10 * rank + 2, 10 * rank + 3], [0.0, 0.0])]
    return [engine.score(drawn), engine.score_without_adapter(drawn)]


def caught(call):
    try:
        call()
    except (StoppedError, ConfigError) as error:
        return [type(error).__name__, error.message, error.hint]
    return None


def shared(rank):
    """Return what a rank saw of one engine for both."""
    inner = Echo()
    engine = SharedEngine(lambda: inner, longest_wait=timedelta(seconds=60))
    engine.sync(Policy(3, weights=weights_together))
    seen = {"groups": tokens(engine.generate(ASKED[rank], SAMPLING)), "scores": scores(engine, rank)}
    inner.wants_weights = True
    seen["after a restart"] = tokens(engine.generate(ASKED[rank], SAMPLING))
    inner.error = StoppedError("the server is lost", hint="resume")
    seen["stopped"] = caught(lambda: engine.generate(ASKED[rank], SAMPLING))
    engine.close()
    seen["calls"] = inner.calls
    seen["weights"] = {name: weight.tolist() for name, weight in inner.weights.items()} if inner.calls else {}
    seen["version"] = inner.synced.version if inner.synced else None

    def cannot_open():
        raise ConfigError("the port is taken")

    seen["not opened"] = caught(lambda: SharedEngine(cannot_open, longest_wait=timedelta(seconds=60)))
    return seen


def own(rank):
    """Return what a rank saw where each has an engine, and rank 1's fails."""
    inner = Echo()
    engine = OwnEngine(inner)
    seen = {"groups": tokens(engine.generate(ASKED[rank], SAMPLING)), "scores": scores(engine, rank)}
    inner.error = StoppedError("the cache stays") if rank == 1 else None
    seen["stopped"] = caught(engine.forget_prefixes)
    return seen


if __name__ == "__main__":
    dist.init_process_group("gloo")
    number = dist.get_rank()
    found = {"shared": shared(number), "own": own(number)}
    Path(sys.argv[1], f"rank-{number}.json").write_text(json.dumps(found))
    dist.destroy_process_group()
