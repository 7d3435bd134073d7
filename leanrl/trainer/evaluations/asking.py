"""Questions asked of a trainer's rollout engine, graded, and gathered from all ranks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.eval.during.questions import Question
from leanrl.prompting.rendering import completion_texts, prompt_ids
from leanrl.rollout.protocol import Completion, GroupRequest, Sampling
from leanrl.trainer.memory.unused_memory import give_back_unused
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.ranks.meeting import highest_of_ranks, of_all_ranks
from leanrl.trainer.ranks.sharding import drop_gathered_weights
from leanrl.types import Grader, GradeRequest


@dataclass(frozen=True)
class Answer:
    """A graded completion of the question at `position`."""

    position: int
    is_correct: bool
    num_tokens: int
    is_truncated: bool


def ask_all(
    trainer: Any, questions: Sequence[Question], *, step: int, grader: Grader, is_interrupted: Callable[[], bool]
) -> list[Answer] | None:
    """Return an answer to every question, in order, the same on every rank; None where a signal came between batches.

    Ranks share the questions. Where they share the weights and the model that trains generates, each layer needs all
    of them, so all ask the same.
    """
    config = trainer.lean_config
    is_hf = config.rollout.engine == "hf"
    asks_alike = is_hf and config.shares_weights
    ranks = Ranks(0, 1, list) if asks_alike else trainer.scorer.ranks
    most = min(config.eval.batch_size, config.completions_per_rank) if is_hf else len(questions)
    answers: list[Answer] = []
    for positions in _batches(len(questions), ranks=ranks, most=max(1, most)):
        if answers and highest_of_ranks(is_interrupted()):
            return None
        completions = _completions(trainer, [questions[position] for position in positions], step=step)
        answers += _graded(trainer, questions, dict(zip(positions, completions, strict=True)), grader)
    drop_gathered_weights(trainer.accelerator.unwrap_model(trainer.model))
    gathered = answers if asks_alike else [answer for of_rank in of_all_ranks(answers) for answer in of_rank]
    by_position = {answer.position: answer for answer in gathered}
    return [by_position[position] for position in range(len(questions))]


def _batches(num_questions: int, *, ranks: Ranks, most: int) -> Iterator[list[int]]:
    """Yield this rank's questions, `most` at a time; every rank gets equally many batches, none of them empty.

    Where questions are left over, the last ranks ask some of them once more.
    """
    for start in range(0, num_questions, most * ranks.count):
        together = range(start, min(num_questions, start + most * ranks.count))
        own = list(together[ranks.index :: ranks.count])
        yield own or [together[ranks.index % len(together)]]


def _completions(trainer: Any, asked: Sequence[Question], *, step: int) -> list[Completion]:
    config = trainer.lean_config
    give_back_unused(trainer.accelerator.device)  # a colocated vLLM wakes in pools of its own
    requests = [
        GroupRequest(
            prompt_ids(trainer._tokenizer, one.row.prompt, config.model.chat_template_kwargs), 1, seed=one.seed
        )
        for one in asked
    ]
    sampling = Sampling(
        temperature=config.eval.temperature,
        max_completion_tokens=config.rollout.max_completion_tokens,
        stop_token_ids=trainer.stopping.stop_ids,
        needs_logprobs=False,
    )
    groups: list[list[Completion]] = trainer.rollout.ask(requests, step=step, sampling=sampling)
    return [completion for (completion,) in groups]


def _graded(
    trainer: Any, questions: Sequence[Question], completions: dict[int, Completion], grader: Grader
) -> list[Answer]:
    texts = completion_texts(trainer._tokenizer, [completion.token_ids for completion in completions.values()])
    requests = [
        GradeRequest(
            completion=trainer.scorer.opened_tag + text,
            gold=questions[position].row.gold,
            problem=questions[position].row.problem,
        )
        for position, text in zip(completions, texts, strict=True)
    ]
    stop_ids = trainer.stopping.stop_ids
    return [
        Answer(
            position,
            verdict.correct,
            len(completion.token_ids),
            is_truncated=not completion.token_ids or completion.token_ids[-1] not in stop_ids,
        )
        for (position, completion), verdict in zip(completions.items(), grader.grade(requests), strict=True)
    ]
