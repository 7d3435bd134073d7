"""The parts of a step put together for a trainer."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from accelerate.utils import gather_object

from leanrl.engine.layers.adapter_dropout import has_adapter_dropout
from leanrl.ledger.recorded import RecordedLedger
from leanrl.prompting.rendering import prompt_ids
from leanrl.prompting.thinking import tag_in_force
from leanrl.rewards.weighted import Reward
from leanrl.trainer.passes.compared import ComparedScores
from leanrl.trainer.passes.reference import open_reference
from leanrl.trainer.passes.reference_reset import reset_reference
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.scoring.completions import CompletionScorer
from leanrl.trainer.scoring.reward_logs import RewardLogs
from leanrl.trainer.step.asking import Prompts
from leanrl.trainer.step.prompt_stream import PromptStream
from leanrl.trainer.step.state import StepState
from leanrl.trainer.step.step import Step
from leanrl.types import Grader


def open_scorer(trainer: Any, *, rewards: Sequence[Reward], grader: Grader) -> CompletionScorer:
    """Return what scores the completions of a trainer's rank."""
    config = trainer.lean_config
    asked = prompt_ids(trainer._tokenizer, trainer.rows[0].prompt, config.model.chat_template_kwargs)
    return CompletionScorer(
        rows=trainer.rows,
        rewards=list(rewards),
        grader=grader,
        ranks=_ranks(trainer),
        tokenizer=trainer._tokenizer,
        opened_tag=tag_in_force(config.model.thinking_tag, trainer._tokenizer.decode(asked)),
        language=config.log.language,
        stop_ids=trainer.stopping.stop_ids,
        logs=RewardLogs(lambda: trainer.state),
        metered=partial(trainer.meter.phase, "grading"),
    )


def open_step(trainer: Any) -> Step:
    """Return the step of a trainer whose model is ready for the engine."""
    config, algorithm, scorer, step_pass = trainer.lean_config, trainer.algorithm, trainer.scorer, trainer.step_pass
    recorded = RecordedLedger(trainer.run if trainer.accelerator.is_main_process else None)
    prompts = Prompts(
        rows=trainer.rows,
        stream=PromptStream(len(trainer.rows), seed=config.train.seed, shuffles=config.data.shuffle),
        algorithm=algorithm,
        recorded=recorded,
        tokenize=lambda row: prompt_ids(trainer._tokenizer, row.prompt, config.model.chat_template_kwargs),
        seed=config.train.seed,
    )
    compared = ComparedScores(
        step_pass,
        reference=open_reference(trainer) if config.algorithm.kl_beta != 0.0 else None,
        reuses_rollouts=config.steps_per_rollout > 1,
        has_dropout=has_adapter_dropout(trainer.model),
        meter=trainer.meter,
    )
    state = StepState(
        config,
        stream=prompts.stream,
        algorithm=algorithm,
        rewards=scorer.state,
        recorded=recorded,
        compared=compared,
        step_pass=step_pass,
        length=trainer.length,
        ranks=_ranks(trainer),
    )
    return Step(
        config=config,
        algorithm=algorithm,
        prompts=prompts,
        draw=lambda beginnings_B: trainer.draw(beginnings_B),
        scorer=scorer,
        recorded=recorded,
        state=state,
        length=trainer.length,
        compared=compared,
        step_pass=step_pass,
        skipped=trainer.skipped,
        ranks=_ranks(trainer),
        metered=partial(trainer.meter.phase, "forward_backward"),
        record=trainer.record,
        rolled_out=trainer.note_rollout,
        reset_reference=partial(reset_reference, trainer),
    )


def _ranks(trainer: Any) -> Ranks:
    accelerator = trainer.accelerator
    return Ranks(accelerator.process_index, accelerator.num_processes, gather_object)


class NamedReward:
    """Gives TRL a reward's name; the values come from `CompletionScorer`."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, **_: Any) -> list[float]:
        raise AssertionError("TRL called a reward by itself; the seam training_step has moved.")
