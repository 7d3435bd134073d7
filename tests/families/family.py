"""One row of the table of families."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Method = Literal["lora", "full", "qlora"]
METHODS: tuple[Method, ...] = ("lora", "full", "qlora")

ATTENTION_ONLY = ("q_proj", "k_proj", "v_proj", "o_proj")


@dataclass(frozen=True)
class Family:
    """One family at a tiny size.

    Args:
        name: of the row; the model type, and the variant where a type has several rows.
        model_type: the key of transformers' config mapping.
        features: what the row switches on, for the reader of the table.
        settings: arguments of the config class.
        targets: `model.tuning.targets` of the adapter rows where all-linear is refused.
        refused: a part of the message by which a method, or all-linear, is refused, by method.
        reference_attention: the attention of plain transformers that gradients are compared with.
    """

    name: str
    model_type: str
    features: str
    settings: Mapping[str, Any]
    targets: tuple[str, ...] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    reference_attention: Literal["eager", "sdpa"] = "eager"

    @property
    def trained_methods(self) -> tuple[Method, ...]:
        """The methods that are not refused."""
        return tuple(method for method in METHODS if method not in self.refused)
