"""Every family's gradients against plain transformers in fp32; `make test-families` does the same for full training."""

from pathlib import Path

import pytest

from tests.families.family import Family
from tests.families.gradients import gradient_error
from tests.families.table import FAMILIES
from tests.families.tiny import make_tiny_family

TRAINED = [family for family in FAMILIES if "lora" not in family.refused]


@pytest.mark.parametrize("family", TRAINED, ids=[family.name for family in TRAINED])
def test_gradients_are_those_of_plain_transformers(family: Family, tmp_path: Path) -> None:
    """Tiles of 16 tokens, checkpointed layers and three padded rows, against each row alone."""
    assert gradient_error(make_tiny_family(tmp_path, family), family, "lora") < 2e-5
