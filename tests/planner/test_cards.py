"""The cards that are known by name."""

import re
from dataclasses import replace

import pytest

from leanrl.errors import ConfigError
from leanrl.planner.cards import CARDS, GIB, find_card, require_bf16

WITHOUT_BF16 = {"t4", "v100-32"}


@pytest.mark.parametrize(
    ("name", "nominal_gb"),
    [
        ("a40", 48), ("a100-40", 40), ("a100-80", 80), ("h100", 80), ("h200", 141), ("l4", 24), ("l40s", 48),
        ("t4", 16), ("v100-32", 32), ("rtx3060-12", 12), ("rtx3090", 24), ("rtx4080", 16), ("rtx4090", 24),
        ("rtx5090", 32), ("a10g", 24), ("a6000", 48),
    ],
)  # fmt: skip
def test_what_is_known_of_a_card(name, nominal_gb):
    """Usable bytes are what the driver leaves of the nominal ones; a price says when and where it was seen."""
    card = find_card(name.upper())
    assert card is CARDS[name]
    assert 0.9 * nominal_gb * 1e9 < card.usable_bytes < nominal_gb * GIB
    assert card.bandwidth_bytes_per_second > 1e11
    assert card.has_bf16 is (name not in WITHOUT_BF16) is (card.bf16_flops > 0)
    assert card.price is not None
    assert 0.05 < card.price.usd_per_hour < 10
    assert re.fullmatch(r"202\d-\d\d(-\d\d)?", card.price.seen)
    assert card.price.source


@pytest.mark.parametrize("name", sorted(WITHOUT_BF16))
def test_a_card_without_bf16_is_refused_with_the_names_of_those_that_have_it(name):
    with pytest.raises(ConfigError, match=f"{name}: .* has no bf16") as caught:
        require_bf16(CARDS[name])
    offered = str(caught.value.hint).removeprefix("choose one of ").split(", ")
    assert set(offered) == set(CARDS) - WITHOUT_BF16
    require_bf16(replace(CARDS[name], has_bf16=True))
