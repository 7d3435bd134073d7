"""What several tests of the engine watch."""

from collections.abc import Callable

import pytest
from torch import Tensor
from torch.nn import functional


@pytest.fixture
def attention_masks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor | None, bool]]:
    """(mask, is_causal) of every call of torch's attention from now on."""
    seen: list[tuple[Tensor | None, bool]] = []
    original: Callable[..., Tensor] = functional.scaled_dot_product_attention

    def spy(*args, **kwargs):
        seen.append((kwargs.get("attn_mask"), kwargs["is_causal"]))
        return original(*args, **kwargs)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", spy)
    return seen
