"""Run as two gloo ranks by the test: the engine that they share breaks while both wait for its answer."""

from datetime import timedelta

import torch.distributed as dist

from leanrl.trainer.ranks.meeting import join_ranks
from leanrl.trainer.rollouts.rank_engines import SharedEngine
from tests.planner.sample_runs import cpu_run
from tests.trainer.rollouts.rank_engines import ASKED, SAMPLING


class Broken:
    """An engine with a bug: what it raises is no error of leanrl's."""

    def generate(self, requests, sampling):
        raise RuntimeError(f"a bug with {len(requests)} prompts")


if __name__ == "__main__":
    join_ranks(cpu_run())
    engine = SharedEngine(Broken, longest_wait=timedelta(hours=1))
    engine.generate(ASKED[dist.get_rank()], SAMPLING)
