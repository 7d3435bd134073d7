"""Inputs that each decoder layer has of its own beside the stream: their table, their linear layers, their weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leanrl.planner.models.family import Family


@dataclass(frozen=True)
class LayerInputs:
    """`width` numbers for each of `num_layers` layers: of a table with `vocab` rows, and of the embedding's product.

    A norm is over the products of one layer. In the layer a gate of the stream multiplies the input, and a norm is
    behind what is projected back.
    """

    width: int
    num_layers: int
    vocab: int
    hidden: int

    @property
    def all_widths(self) -> int:
        """Numbers of a token for all layers of the model."""
        return self.num_layers * self.width

    @property
    def table_params(self) -> int:
        return self.vocab * self.all_widths

    @property
    def params(self) -> int:
        """Parameters outside the decoder layers: table, product and norm."""
        return self.table_params + self.hidden * self.all_widths + self.width

    @property
    def outer_linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of the linear layer that makes the products for all layers."""
        return {"per_layer_model_projection": (self.hidden, self.all_widths)}

    @property
    def layer_linears(self) -> dict[str, tuple[int, int]]:
        """The same of those within a decoder layer."""
        return {"per_layer_input_gate": (self.hidden, self.width), "per_layer_projection": (self.width, self.hidden)}

    @property
    def readers(self) -> list[tuple[str, ...]]:
        """Linear layers within a decoder layer, grouped by the tensor they read."""
        return [(name,) for name in self.layer_linears]


def layer_inputs(config: Mapping[str, Any], terms: Family) -> LayerInputs | None:
    """Return the inputs that a config gives to layers; a width of 0 is none."""
    if not terms.has_layer_inputs or not config["hidden_size_per_layer_input"]:
        return None
    return LayerInputs(
        config["hidden_size_per_layer_input"],
        config["num_hidden_layers"],
        config["vocab_size_per_layer_input"],
        config["hidden_size"],
    )
