"""Whether a token is scored by what stands before it alone, tried before step 1 on the attention that trains.

transformers' sdpa is causal where it gets no mask. A family that adds a mask of its own to that (Doge) lets every token
see those behind it, its own target too: the loss falls, and the model learns nothing.

Axes: B rows, T completion tokens.
"""

from dataclasses import replace

from leanrl.engine.rows import PADDED, StepRow
from leanrl.errors import ConfigError
from leanrl.hints import setting
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.proofs.packing import proof_rows, score_rows

# Of the change where tokens are others. Rounding that other experts or kernels bring stays below it.
_MOST_OF_A_CHANGE = 0.05


def require_causal(trainer: LeanGRPOTrainer) -> None:
    """Check that scores of a row's first half stay where tokens of its second half are others.

    Raises:
        ConfigError: if they change.
    """
    config = trainer.lean_config
    if config.backend == "unsloth":  # it has a forward of its own
        return
    share = _share_of_the_future(trainer, proof_rows(trainer)[-1])
    if share > _MOST_OF_A_CHANGE:  # numbers that are not finite are another check's
        attention = trainer.accelerator.unwrap_model(trainer.model).config._attn_implementation
        raise ConfigError(
            f"model.attention: on {attention} tokens of {config.model.id} see those behind them: other tokens there "
            f"move the scores before by {share:.0%} of what they move their own.",
            hint="another model" if attention == "eager" else setting("model.attention", "eager"),
        )


def _share_of_the_future(trainer: LeanGRPOTrainer, row: StepRow) -> float:
    """Return how far scores before a place move with the tokens behind it, over how far those behind it move.

    The median of the first: of an expert model, rounding sends single tokens to other experts.
    """
    tokens = [*row.prompt_ids, *row.completion_ids]
    half = len(tokens) // 2
    others = [token - 1 if token > 0 else 1 for token in tokens[half:]]
    whole = replace(row, prompt_ids=tokens[:1], completion_ids=tokens[1:])
    changed = replace(whole, completion_ids=[*tokens[1:half], *others])
    before_B_T, after_B_T = (score_rows(trainer, [one], PADDED) for one in (whole, changed))
    difference_T = (before_B_T[0] - after_B_T[0]).abs()
    return (difference_T[: half - 1].median() / difference_T[half - 1 :].mean()).item()
