"""How token losses become one number: a weight for every completion.

Every average that GRPO's relatives use gives all tokens of a completion the same weight, so that

    loss = sum over completions of weight_i * sum over its tokens of loss_it

holds for all of them. The weights are known before any forward pass, from lengths alone. That is why a step
can be cut into micro-batches, and spread over ranks, in any way: the parts add up to the same estimator.
"""

from collections.abc import Sequence


def completion_weights(
    tokens_by_group: Sequence[Sequence[float]],
    *,
    aggregation: str,
    max_completion_tokens: int,
    copies: Sequence[float] | None = None,
) -> list[list[float]]:
    """Return the weight of each completion's summed token loss, by group.

    Only what is trained counts: a group or a completion that was dropped must not be among the tokens.

    Args:
        tokens_by_group: the sum of the token weights of every completion that is trained, over all ranks: its tokens
            where each counts once. 0 leaves a completion out (its weight is 0).
        aggregation: `prompt_token_mean` averages over the tokens of a prompt's group and then over prompts (the
            paper's run: TRL's "bnpo" with one group in each micro-batch); `batch_token_mean` over all tokens
            (DAPO, arXiv 2503.14476, sec. 3.3); `completion_mean` over the tokens of a completion and then over
            completions (GRPO, arXiv 2402.03300, eq. 3); `fixed_length` divides by `max_completion_tokens`
            and the number of completions (Dr. GRPO, arXiv 2503.20783).
        max_completion_tokens: the constant of `fixed_length`.
        copies: how often each group counts; None counts each once.

    Raises:
        ValueError: for an unknown aggregation.
    """
    times = copies or [1] * len(tokens_by_group)
    num_groups = sum(times)
    num_completions = sum(count * len(group) for count, group in zip(times, tokens_by_group, strict=True))
    num_tokens = sum(count * sum(group) for count, group in zip(times, tokens_by_group, strict=True))

    def denominator(group: Sequence[float], tokens: float) -> float:
        if aggregation == "prompt_token_mean":
            return sum(group) * num_groups
        if aggregation == "batch_token_mean":
            return num_tokens
        if aggregation == "completion_mean":
            return tokens * num_completions
        if aggregation == "fixed_length":
            return max_completion_tokens * num_completions
        raise ValueError(f"aggregation is {aggregation!r}, which is none that leanrl knows.")

    return [
        [count / denominator(group, tokens) if tokens else 0.0 for tokens in group]
        for count, group in zip(times, tokens_by_group, strict=True)
    ]
