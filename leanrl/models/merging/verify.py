"""Whether a merged model says what was trained, token by token.

All scores here are computed in fp32 from one set of texts, so that four numbers per token remain: what was trained
(base with adapter, or the whole model), the exact fold (W + scale * B A in fp32), the fold rounded in memory, the
files read back.

Axes: N tokens of all texts but each first one, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.errors import ConfigError, LeanRLError
from leanrl.prompting.generation import plain_generation, without_own_generation
from leanrl.prompting.rendering import prompt_ids
from leanrl.prompting.stopping import stopping_of

# What fp32 leaves between x (W + scale B A) and x W + scale (x A) B. SmolLM2-135M with adapters that move
# log-probs by 0.01 to 0.3 nats: 3.6e-5 at most over 660 tokens; deeper models add more.
TOLERANCE_NATS = 1.0e-3

_PROBLEMS = ("What is 17 + 25? Think step by step.", "Name three primes, and say why each is one.")
_SAMPLES_PER_PROBLEM = 4
_NEW_TOKENS = 48

Text = list[int]


@dataclass(frozen=True)
class TextScores:
    """What a model says of given texts: each token's log-probability, the likeliest token, and by how much it leads."""

    logprobs_N: Tensor
    greedy_N: Tensor
    leads_N: Tensor


@dataclass(frozen=True)
class Verification:
    """How far a merged model is from what was trained, in nats over `num_tokens` sampled tokens.

    `rounding_*` is what rounding the exact fold to the saved dtype does by itself, and `adapter_mean` what the
    adapter does to the base: the first explains the difference, the second says how much of it matters. It is None
    where all weights were trained. `greedy_share` is the fraction of places where both choose the same next token.
    """

    num_texts: int
    num_tokens: int
    difference_max: float
    difference_mean: float
    rounding_max: float
    rounding_mean: float
    adapter_mean: float | None
    greedy_share: float
    tolerance: float

    @property
    def rounding_share(self) -> float:
        """The difference as a fraction of the adapter's effect."""
        return self.difference_mean / self.adapter_mean if self.adapter_mean else 0.0

    @property
    def compared_with(self) -> str:
        return "the trained model" if self.adapter_mean is None else "base + adapter"

    def text(self) -> str:
        effect = "" if self.adapter_mean is None else f"; the adapter moves them by {self.adapter_mean:.1e} on average"
        return (
            f"merged against {self.compared_with}, {self.num_tokens} tokens of {self.num_texts} sampled texts: "
            f"log-probs differ by {self.difference_mean:.1e} nats on average and {self.difference_max:.1e} at most "
            f"(rounding alone: {self.rounding_mean:.1e} and {self.rounding_max:.1e}){effect}; "
            f"the greedy token is the same in {self.greedy_share:.1%} of the places"
        )


def sample_texts(policy: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, seed: int) -> list[Text]:
    """Return texts (prompt and answer, as token ids) that `policy` writes itself at temperature 1."""
    texts: list[Text] = []
    stopping = stopping_of(tokenizer, policy)
    generation = plain_generation(stopping, max_new_tokens=_NEW_TOKENS, temperature=1.0)
    with torch.random.fork_rng(devices=[]), without_own_generation(policy):
        torch.manual_seed(seed)
        for problem in _PROBLEMS:
            prompt = _prompt(tokenizer, problem)
            output = policy.generate(
                input_ids=torch.tensor([prompt] * _SAMPLES_PER_PROBLEM, device=policy.device),
                attention_mask=torch.ones(_SAMPLES_PER_PROBLEM, len(prompt), dtype=torch.long, device=policy.device),
                generation_config=generation,
            )
            texts += [prompt + stopping.cut(text[len(prompt) :]) for text in output.tolist()]
    return texts


@torch.no_grad()
def score_texts(model: PreTrainedModel, texts: Sequence[Text]) -> TextScores:
    """Return the fp32 scores of every token of every text but each first one, in one row."""
    logprobs, greedy, leads = [], [], []
    for text in texts:
        ids = torch.tensor([text], device=model.device)
        logprobs_N_V = model(input_ids=ids, use_cache=False).logits[0, :-1].float().log_softmax(-1)
        logprobs.append(logprobs_N_V.gather(-1, ids[0, 1:, None])[:, 0].cpu())
        best_N_2, tokens_N_2 = logprobs_N_V.topk(2, dim=-1)
        greedy.append(tokens_N_2[:, 0].cpu())
        leads.append((best_N_2[:, 0] - best_N_2[:, 1]).cpu())
    return TextScores(torch.cat(logprobs), torch.cat(greedy), torch.cat(leads))


def verify(
    *,
    merged: TextScores,
    trained: TextScores,
    base: TextScores | None,
    folded: TextScores,
    rounded: TextScores,
    num_texts: int,
) -> Verification:
    """Return how the merged model compares, or refuse it.

    Each argument is `score_texts` of the same texts: `merged` read back from the files, `trained` with base and
    adapter apart, `base` without the adapter, `folded` from the exact fold, `rounded` from that fold rounded in
    memory. By the triangle inequality |merged - trained| is at most |merged - rounded| + |rounded - folded|
    + |folded - trained|. If the files hold the fold and the fold is right, the first and the last are what fp32
    leaves; the middle one is the effect of rounding, known for every token. A wrong fold has no part in it.
    The greedy token of the files is that of the fold rounded in memory, unless two tokens lie closer than fp32 tells.

    Raises:
        LeanRLError: if a token is further off than that, another token is chosen, or a number is none.
    """
    difference_N = (merged.logprobs_N - trained.logprobs_N).abs()
    rounding_N = (rounded.logprobs_N - folded.logprobs_N).abs()
    within_N = difference_N <= rounding_N + TOLERANCE_NATS
    within_N &= (merged.greedy_N == rounded.greedy_N) | (rounded.leads_N <= 2 * TOLERANCE_NATS)
    effect = None if base is None else (trained.logprobs_N - base.logprobs_N).abs().mean().item()
    result = Verification(
        num_texts=num_texts,
        num_tokens=difference_N.numel(),
        difference_max=difference_N.max().item(),
        difference_mean=difference_N.mean().item(),
        rounding_max=rounding_N.max().item(),
        rounding_mean=rounding_N.mean().item(),
        adapter_mean=effect,
        greedy_share=(merged.greedy_N == trained.greedy_N).float().mean().item(),
        tolerance=TOLERANCE_NATS,
    )
    if not bool(within_N.all()):
        raise LeanRLError(
            f"the merged model is not {result.compared_with}, and was not written: {int((~within_N).sum())} of "
            f"{within_N.numel()} tokens are further off than rounding explains ({result.text()}).",
            hint="`--dtype float32` tells a dtype that cannot hold the weights from a wrong fold",
        )
    return result


def _prompt(tokenizer: PreTrainedTokenizerBase, problem: str) -> Text:
    if tokenizer.chat_template is None:
        return prompt_ids(tokenizer, problem, {})
    try:
        return prompt_ids(tokenizer, [{"role": "user", "content": problem}], {})
    except ConfigError:  # a template that wants more than a question; any text will do for a comparison
        return prompt_ids(tokenizer, problem, {})
