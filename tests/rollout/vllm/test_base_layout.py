"""Where a checkpoint's tensors lie among vLLM's."""

import pytest

from leanrl.rollout.vllm.base_layout import Place, find_places

STACKED = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
ATTENTION, MLP = "model.layers.3.self_attn.", "model.layers.3.mlp."
# 12 query heads and 2 heads of keys and values, 128 wide: the 1.5B model.
ROWS = {
    **{f"{ATTENTION}{part}_proj.{kind}": rows for kind in ("weight", "bias") for part, rows in
       (("q", 1536), ("k", 256), ("v", 256))},
    f"{ATTENTION}o_proj.weight": 1536,
    f"{MLP}gate_proj.weight": 8960,
    f"{MLP}up_proj.weight": 8960,
    f"{MLP}down_proj.weight": 1536,
    "model.layers.3.input_layernorm.weight": 1536,
    "model.embed_tokens.weight": 151936,
    "model.norm.weight": 1536,
    "lm_head.weight": 151936,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["weight", "bias"])
@pytest.mark.parametrize(("part", "first", "rows"), [("q", 0, 1536), ("k", 1536, 256), ("v", 1792, 256)])
def test_queries_keys_and_values_lie_one_below_the_other(kind, part, first, rows):
    """1536 rows of queries, then 256 of keys, then 256 of values: 2048 in all."""
    stack = f"{ATTENTION}qkv_proj.{kind}"
    assert find_places(ROWS)[f"{ATTENTION}{part}_proj.{kind}"] == Place(stack, first, rows, 2048)


@pytest.mark.parametrize(("part", "first"), [("gate", 0), ("up", 8960)])
def test_gate_lies_above_up(part, first):
    assert find_places(ROWS)[f"{MLP}{part}_proj.weight"] == Place(f"{MLP}gate_up_proj.weight", first, 8960, 17920)


@pytest.mark.parametrize("name", [name for name in ROWS if name.split(".")[-2] not in STACKED])
def test_the_rest_is_where_it_is(name):
    assert find_places(ROWS)[name] == Place(name, 0, ROWS[name], ROWS[name])


def test_every_row_of_a_stack_belongs_to_one_tensor():
    stacks = {}
    for place in find_places(ROWS).values():
        stacks.setdefault(place.name, []).append(place)
    for places in stacks.values():
        ends = [0]
        for place in sorted(places, key=lambda place: place.first_row):
            assert place.first_row == ends[-1]
            ends.append(place.first_row + place.num_rows)
        assert ends[-1] == places[0].total_rows
