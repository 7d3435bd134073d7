"""The next token of each row from its own random number: what a row draws does not depend on the rows beside it.

B rows, V tokens of the vocabulary.
"""

import torch
from torch import Tensor


def pick_tokens(logits_B_V: Tensor, uniforms_B: Tensor, *, temperature: float, top_p: float) -> Tensor:
    """Return one token for each row: the likeliest at temperature 0, else drawn by the inverse of the distribution.

    With top_p below 1 only the likeliest tokens are left, as few as reach that probability together (nucleus sampling,
    arXiv 1904.09751).

    Args:
        uniforms_B: numbers in [0, 1), one a row; equal numbers on equal logits give equal tokens.
    """
    if temperature == 0.0:
        return logits_B_V.argmax(-1)
    probabilities_B_V = torch.softmax(logits_B_V.float() / temperature, dim=-1)
    sorted_B_V, tokens_B_V = probabilities_B_V.sort(dim=-1, descending=True, stable=True)
    cumulative_B_V = sorted_B_V.cumsum(-1)
    is_kept_B_V = cumulative_B_V - sorted_B_V < top_p  # the token that crosses the limit is kept
    num_kept_B = is_kept_B_V.sum(-1).clamp_(min=1)
    mass_B_1 = cumulative_B_V.gather(-1, num_kept_B[:, None] - 1)
    places_B_1 = torch.searchsorted(cumulative_B_V, uniforms_B[:, None].to(mass_B_1) * mass_B_1, right=True)
    places_B_1 = torch.minimum(places_B_1, num_kept_B[:, None] - 1)
    return tokens_B_V.gather(-1, places_B_1)[:, 0]
