"""Numbers of a model that are counted on its modules, where no formula has them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Counted:
    """Numbers counted on a model's own modules, for which the formulas of a shape stand aside.

    Decoder layers may differ: `params_per_layer` and `linear_params_per_layer` are means, and `linears` has every name
    with its largest size.
    """

    num_params: int
    params_per_layer: int
    linear_params_per_layer: int
    linears: dict[str, tuple[int, int]]
