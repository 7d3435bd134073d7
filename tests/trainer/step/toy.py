"""A step on toy prompts: no model, no grader, and as many ranks as threads."""

import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from random import Random
from types import SimpleNamespace
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.engine.settings import loss_settings
from leanrl.ledger.recorded import RecordedLedger
from leanrl.seams.protocols import Plugin
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.trainer.scoring.reward_logs import RewardLogs
from leanrl.trainer.scoring.scoring import ScoredGroup
from leanrl.trainer.step.algorithm import Algorithm, algorithm_of
from leanrl.trainer.step.asking import Prompts
from leanrl.trainer.step.prompt_stream import PromptStream
from leanrl.trainer.step.state import StepState
from leanrl.trainer.step.step import Step
from leanrl.types import Row, Sample

ROWS = [Row(id=str(number), problem=f"p{number}", gold="1", asked_by=f"p{number}") for number in range(40)]
END = 0


class Scorer:
    """Pays by the row and the completion alone; `rewards_of(row, index)` may be replaced."""

    def __init__(self, rewards_of: Callable[[int, int], float]) -> None:
        self._rewards_of = rewards_of
        self.state: dict[str, Any] = {}
        self.logs = RewardLogs(lambda: None)

    def score(self, asked, completion_ids_P_G, *, ledger, max_completion_tokens):
        return [
            ScoredGroup(
                asked=one,
                samples_G=[
                    Sample("p", "1", "x", len(ids), max_completion_tokens, is_truncated=ids[-1] != END, token_ids=ids)
                    for ids in ids_G
                ],
                rewards_G_K=[[self._rewards_of(one.row_number, index)] for index in range(len(ids_G))],
                verdicts_G=[None] * len(ids_G),
                sums_G=[self._rewards_of(one.row_number, index) for index in range(len(ids_G))],
            )
            for one, ids_G in zip(asked, completion_ids_P_G, strict=True)
        ]

    def metrics(self, groups):
        return {"num_groups": len(groups)}


def mixed(row: int, index: int) -> float:
    """Rows 0, 4, 8, ... are solved by all, 1, 5, 9, ... by none, the others by some."""
    return {0: 1.0, 1: 0.0}.get(row % 4, float((row + index) % 2))


def draw(beginnings_B: list[list[int]]) -> SimpleNamespace:
    """One completion for each beginning; the prompt and its place in the group decide how long it is."""
    places = [beginnings_B[:number].count(ids) for number, ids in enumerate(beginnings_B)]
    lengths = [1 + (sum(ids) + 3 * place) % 5 for ids, place in zip(beginnings_B, places, strict=True)]
    ids_B = [[*range(10, 10 + length), END] for length in lengths]
    return SimpleNamespace(completion_ids_B=ids_B, logprobs_B=[[-1.0] * len(ids) for ids in ids_B])


def toy_step(
    *,
    ranks: Ranks | None = None,
    plugins: Mapping[str, Plugin] | None = None,
    rewards_of: Callable[[int, int], float] = mixed,
    algorithm: Mapping[str, Any] | None = None,
    **train: Any,
) -> Step:
    """Return a step of four prompts with four completions each."""
    config = RunConfig.model_validate(
        {
            "rollout": {"max_completion_tokens": 8},
            "algorithm": dict(algorithm or {}),
            "train": {"num_prompts": 4, "num_completions": 4, "seed": 5, **train},
        }
    )
    made = algorithm_of(config)
    decided = Algorithm({**made.plugins, **(plugins or {})}, made.num_completions)
    scorer, recorded, step_pass = (
        Scorer(rewards_of),
        RecordedLedger(None),
        SimpleNamespace(settings=loss_settings(config)),
    )
    compared = SimpleNamespace(of_rollout=lambda policy, rows_P, *, version: rows_P)
    length, ranks = LengthLimit(config), ranks or Ranks(0, 1, list)
    prompts = Prompts(
        rows=ROWS,
        stream=PromptStream(len(ROWS), seed=5, shuffles=True),
        algorithm=decided,
        recorded=recorded,
        tokenize=lambda row: [int(row.id), 1],
        seed=config.train.seed,
    )
    return Step(
        config=config,
        algorithm=decided,
        prompts=prompts,
        draw=draw,
        scorer=scorer,
        recorded=recorded,
        state=StepState(
            config,
            stream=prompts.stream,
            algorithm=decided,
            rewards=scorer.state,
            recorded=recorded,
            compared=compared,
            step_pass=step_pass,
            length=length,
            ranks=ranks,
        ),
        length=length,
        compared=compared,
        step_pass=step_pass,
        skipped=None,
        ranks=ranks,
        metered=nullcontext,
        record=lambda values: None,
        rolled_out=lambda log: None,
        reset_reference=lambda: None,
    )


def on_two_ranks(run: Callable[[Ranks], Any]) -> list[Any]:
    """Return what `run` gives each of two ranks, which meet in every gather."""
    barrier, parts = threading.Barrier(2, timeout=20), [[], []]
    results: list[Any] = [None, None]

    def gather_of(index: int) -> Callable[[list[Any]], list[Any]]:
        def gather(own: list[Any]) -> list[Any]:
            parts[index] = own
            barrier.wait()
            gathered = [*parts[0], *parts[1]]
            barrier.wait()
            return gathered

        return gather

    def work(index: int) -> None:
        try:
            results[index] = run(Ranks(index, 2, gather_of(index)))
        except BaseException as error:
            barrier.abort()
            results[index] = error

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def seeded(seed: object) -> Random:
    return Random(str(seed))
