"""Run on two gloo ranks: each scores its half of the completions, in groups of each size that is asked for."""

import json
import sys

from accelerate import PartialState
from accelerate.utils import gather_object

from leanrl.trainer.ranks.among_ranks import Ranks
from tests.trainer.scoring.test_scoring import LENGTHS, OddIsRight, rewards, rows, samples, scored

if __name__ == "__main__":
    state = PartialState(cpu=True)
    assert state.num_processes == 2
    mine = samples(LENGTHS[state.process_index * 4 : state.process_index * 4 + 4])
    ranks = Ranks(state.process_index, 2, gather_object)
    of_size = {
        size: rows(scored(mine, rewards=rewards(), grader=OddIsRight(), group_size=int(size), ranks=ranks))
        for size in sys.argv[1:]
    }
    print(json.dumps(of_size), flush=True)
    state.destroy_process_group()  # gloo's threads abort a process that ends without this
