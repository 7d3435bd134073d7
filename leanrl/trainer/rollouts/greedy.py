"""Greedy completions of the model as a trainer has it at the moment."""

from collections.abc import Iterator, Sequence

from leanrl.prompting.rendering import Prompt
from leanrl.rollout.hf import complete
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.ranks.sharding import drop_gathered_weights


def complete_greedily(trainer: LeanGRPOTrainer, prompts: Sequence[Prompt]) -> Iterator[str]:
    """Yield the likeliest completion of every prompt, in order."""
    config = trainer.lean_config
    model = trainer.accelerator.unwrap_model(trainer.model)
    yield from complete(
        model,
        trainer.processing_class,
        prompts,
        stopping=trainer.stopping,
        template_kwargs=config.model.chat_template_kwargs,
        max_completion_tokens=config.rollout.max_completion_tokens,
        temperature=0,
        batch_size=config.eval.batch_size,
    )
    drop_gathered_weights(model)
