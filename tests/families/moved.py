"""Two sets of trained weights compared, as a fraction of how far training moved them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor


def trained_weights(checkpoint: Path) -> dict[str, Tensor]:
    """Return the weights in a checkpoint's or a model's safetensors files, in fp64."""
    weights: dict[str, Tensor] = {}
    for file in sorted(checkpoint.glob("*.safetensors")):
        weights |= load_file(file)
    return {name: weight.double() for name, weight in weights.items()}


def largest_share(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], start: Mapping[str, Tensor]) -> float:
    """Return the distance of two sets of weights by norm, over the distance of one of them from `start`.

    Raises:
        AssertionError: if the sets name different weights, or nothing has moved.
    """
    assert ours.keys() == theirs.keys()
    apart = torch.stack([(ours[name] - theirs[name]).norm() for name in ours]).norm()
    moved = torch.stack([(ours[name] - start[name]).norm() if name in start else ours[name].norm() for name in ours])
    assert moved.norm() > 0
    return float(apart / moved.norm())
