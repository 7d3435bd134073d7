"""The values that a key takes: bounded numbers, and a name that may look like one."""

from typing import Annotated

from pydantic import BeforeValidator, Field

PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
# `gpu: 4090` is a number to YAML.
CardName = Annotated[
    str, BeforeValidator(lambda name: str(name) if isinstance(name, int) and not isinstance(name, bool) else name)
]
