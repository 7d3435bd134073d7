"""How token losses become one number: a weight for every completion.

Every average that GRPO's relatives use gives all tokens of a completion the same weight, so that

    loss = sum over completions of weight_i * sum over its tokens of loss_it

holds for all of them. The weights are known before any forward pass, from lengths alone. That is why a step
can be cut into micro-batches, and spread over ranks, in any way: the parts add up to the same estimator.
"""

from collections.abc import Sequence


def completion_weights(
    lengths: Sequence[int], *, group_size: int, aggregation: str, max_completion_tokens: int
) -> list[float]:
    """Return the weight of each completion's summed token loss.

    Args:
        lengths: scored tokens of every completion of the step, over all ranks; groups are contiguous. 0 leaves
            a completion out (its weight is 0).
        group_size: completions of one prompt.
        aggregation: `prompt_token_mean` averages over the tokens of a prompt's group and then over prompts (the
            paper's run: TRL's "bnpo" with one group in each micro-batch); `batch_token_mean` over all tokens
            (DAPO, arXiv 2503.14476, sec. 3.3); `completion_mean` over the tokens of a completion and then over
            completions (GRPO, arXiv 2402.03300, eq. 3); `fixed_length` divides by `max_completion_tokens`
            and the number of completions (Dr. GRPO, arXiv 2503.20783).
        max_completion_tokens: the constant of `fixed_length`.

    Raises:
        ValueError: for an unknown aggregation, or lengths that do not form whole groups.
    """
    if len(lengths) % group_size:
        raise ValueError(f"{len(lengths)} completions do not form groups of {group_size}.")
    count = len(lengths)
    if aggregation == "prompt_token_mean":
        num_prompts = count // group_size
        group_tokens = [sum(lengths[i : i + group_size]) for i in range(0, count, group_size)]
        denominators = [group_tokens[i // group_size] * num_prompts for i in range(count)]
    elif aggregation == "batch_token_mean":
        denominators = [sum(lengths)] * count
    elif aggregation == "completion_mean":
        denominators = [length * count for length in lengths]
    elif aggregation == "fixed_length":
        denominators = [max_completion_tokens * count] * count
    else:
        raise ValueError(f"aggregation is {aggregation!r}, which is none that leanrl knows.")
    return [1 / denominator if length else 0.0 for length, denominator in zip(lengths, denominators, strict=True)]
