"""What the closed form counts for each family, against the simulation of a step."""

import pytest
from transformers import AutoConfig

from leanrl.config.load import load_config
from leanrl.planner.models.families import FAMILIES
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of
from leanrl.simulate.step import simulate_step
from tests.planner.family_sizes import FALCON, HYBRID, UNLIKE, sizes
from tests.planner.sample_runs import SMALL_STEP

LORA = {"model.tuning.method": "lora"}
# Hidden sizes, heads and words of released models, with two layers.
RELEASED = {
    "pythia-1.4b": (
        "gpt_neox",
        {"hidden_size": 2048, "intermediate_size": 8192, "num_attention_heads": 16, "vocab_size": 50304},
    ),
    "gpt2-xl": ("gpt2", {"hidden_size": 1600, "intermediate_size": 6400, "num_attention_heads": 25}),
    "opt-1.3b": (
        "opt",
        {"hidden_size": 2048, "intermediate_size": 8192, "num_attention_heads": 32, "vocab_size": 50272},
    ),
    "gemma-2-2b": (
        "gemma2",
        {
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 256,
            "vocab_size": 256_000,
        },
    ),
    "apertus-8b": (
        "apertus",
        {
            "hidden_size": 4096,
            "intermediate_size": 21_504,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "vocab_size": 131_072,
        },
    ),
}


def peaks(family, overrides, **changes):
    """(planned, simulated) bytes of forward and backward of two layers, where what a layer adds is most of the peak."""
    return phase_peaks(family, overrides, **changes)["forward_backward"]


def phase_peaks(family, overrides, **changes):
    """The same of each phase that is simulated."""
    model_config = AutoConfig.for_model(family, **sizes(family, **{"tie_word_embeddings": True, **changes}))
    values = SMALL_STEP | overrides
    config = load_config("plain", [f"{name}={value}" for name, value in values.items()]).config
    shape = shape_from_config(model_config.to_dict())
    planned = {phase.name: phase.bytes for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)}
    simulated = {phase.name: phase.bytes for phase in simulate_step(config, model_config).phases}
    return {name: (planned[name], simulated[name]) for name in ("reference", "forward_backward") if name in simulated}


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_peak_is_that_of_the_simulation(family, method):
    planned, simulated = peaks(family, {"model.tuning.method": method})
    assert planned == pytest.approx(simulated, rel=0.025)


@pytest.mark.parametrize(
    "family",
    [
        "gemma",
        "glm",
        "cohere",
        "olmo2",
        "granite",
        "gemma3_text",
        "stablelm",
        "starcoder2",
        "nemotron",
        "gpt_neox",
        "falcon",
        "gpt2",
        "opt",
        "gemma2",
        *HYBRID,
        *UNLIKE,
    ],
)
def test_the_peak_in_tiles_is_that_of_the_simulation(family):
    """One family of each kind of norm, fused gate, block, activation and attention; all whose layers differ."""
    planned, simulated = peaks(family, LORA | {"train.tile_tokens": 256})
    assert -0.02 < planned / simulated - 1 < 0.05


# torch's norms, by hand or not, and heads that positions turn in part.
OWN_MOMENTS = [
    name
    for name, terms in FAMILIES.items()
    if terms.norm_code != "own" or terms.centres or terms.rotated_share not in (None, 1.0)
]


@pytest.mark.parametrize("family", OWN_MOMENTS)
def test_the_peak_in_tiles_over_frozen_fp32_weights(family):
    """Attention runs again at the peak: heads are turned in fp32, or the last adapter works beside them."""
    overrides = LORA | {"train.tile_tokens": 256, "model.dtype": "float32"}
    planned, simulated = peaks(family, overrides)
    assert -0.02 < planned / simulated - 1 < 0.05


def test_the_peak_in_tiles_where_attention_is_most_of_it():
    """An MLP of twice the hidden size in tiles of 256 tokens: the norm over queries is the fullest moment."""
    planned, simulated = peaks("lfm2", LORA | {"train.tile_tokens": 256}, intermediate_size=1152)
    assert planned == pytest.approx(simulated, rel=0.02)


@pytest.mark.parametrize(
    "family",
    [
        "llama",
        "qwen3",
        "olmo2",
        "gemma3_text",
        "stablelm",
        "nemotron",
        "gpt_neox",
        "gpt2",
        "gemma2",
        "apertus",
        *HYBRID,
        *UNLIKE,
    ],
)
def test_the_peak_of_frozen_fp32_weights_under_bf16_compute(family):
    """The stream is fp32, and each frozen weight of the layer at work has a bf16 copy."""
    planned, simulated = peaks(family, LORA | {"model.dtype": "float32"})
    assert -0.02 < planned / simulated - 1 < 0.025


@pytest.mark.parametrize("family", ["gpt_neox", "falcon"])
def test_frozen_fp32_weights_and_attention_that_is_most_of_it(family):
    """Attention that runs again, beside heads in fp32 and a fused projection, is more than an MLP of this width."""
    planned, simulated = peaks(family, LORA | {"model.dtype": "float32"}, intermediate_size=512)
    assert -0.02 < planned / simulated - 1 < 0.025


@pytest.mark.parametrize("family", ["llama", "lfm2"])
def test_frozen_fp32_weights_and_an_mlp_that_is_narrow(family):
    """Twice the hidden size: the fullest moment is the forward pass that is run again, with what its code holds."""
    planned, simulated = peaks(family, LORA | {"model.dtype": "float32"}, intermediate_size=1152)
    assert -0.02 < planned / simulated - 1 < 0.025


WHOLE = {"train.gradient_checkpointing": "false"}


@pytest.mark.parametrize(
    ("overrides", "num_layers"),
    [
        (LORA, 2),
        ({"model.tuning.method": "full"}, 2),
        (LORA | {"train.tile_tokens": 256}, 2),
        (LORA | WHOLE, 8),
    ],
    ids=["lora", "full", "tiles", "kept"],
)
@pytest.mark.parametrize("design", FALCON)
def test_the_peak_of_every_design_of_falcon(design, overrides, num_layers):
    """A mask of the model's in each; scores that torch multiplies out, or copies of keys and values; alibi.

    The lowest of the kept layers keeps less than is planned.
    """
    overrides = overrides | {"algorithm.kl_beta": 0.04}
    for planned, simulated in phase_peaks("falcon", overrides, **FALCON[design], num_hidden_layers=num_layers).values():
        assert -0.02 < planned / simulated - 1 < 0.05


@pytest.mark.parametrize("design", ["falcon-7b", "falcon-40b"])
def test_falcons_with_the_heads_of_released_models(design):
    """64 numbers a head, and 71 heads over one, or 16 over each of 2; an MLP of four hidden sizes."""
    heads = 71 if design == "falcon-7b" else 32
    sizes = {"hidden_size": 64 * heads, "num_attention_heads": heads, "intermediate_size": 256 * heads}
    planned, simulated = peaks("falcon", LORA, **FALCON[design], **sizes)
    assert planned == pytest.approx(simulated, rel=0.02)


@pytest.mark.parametrize(
    ("family", "dtype", "method"),
    [
        ("llama", "bfloat16", "full"),
        ("llama", "float32", "lora"),
        ("gemma2", "bfloat16", "lora"),
        ("gemma2", "float32", "full"),
    ],
)
def test_the_peak_of_attention_that_writes_out_its_scores(family, dtype, method):
    overrides = {"model.tuning.method": method, "model.attention": "eager", "model.dtype": dtype}
    for planned, simulated in phase_peaks(family, overrides | {"algorithm.kl_beta": 0.04}).values():
        assert -0.02 < planned / simulated - 1 < 0.05


@pytest.mark.parametrize("name", RELEASED)
def test_the_peak_with_the_sizes_of_a_released_model(name):
    family, released = RELEASED[name]
    planned, simulated = peaks(family, LORA, **released)
    assert planned == pytest.approx(simulated, rel=0.02)


@pytest.mark.parametrize("family", [*HYBRID, *UNLIKE])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_kept_layers_of_both_kinds_are_those_of_the_simulation(family, method):
    """Without checkpointing, with a reference: forward pass without gradients, all that layers keep, backward pass.

    Only the lowest layer of an adapted model keeps less than is planned: nothing below it asks for a gradient.
    """
    overrides = {"model.tuning.method": method, "train.gradient_checkpointing": "false", "algorithm.kl_beta": 0.04}
    for planned, simulated in phase_peaks(family, overrides).values():
        assert -0.02 < planned / simulated - 1 < 0.05


@pytest.mark.parametrize("family", ["starcoder2", "olmo3", "cohere2", "exaone4", "mistral"])
def test_the_peak_of_padded_rows_that_reach_a_window(family):
    """The plan counts a mask, and in each windowed layer K and V repeated for every query head."""
    whole = {"model.tuning.method": "full", "train.gradient_checkpointing": "false", "train.pack_rows": "never"}
    planned, simulated = peaks(family, whole, sliding_window=512, num_hidden_layers=8)
    assert planned == pytest.approx(simulated, rel=0.025)


# Few tokens, so that weights are most of it.
SHORT = {"rollout.max_prompt_tokens": 28, "rollout.max_completion_tokens": 100, "rollout.max_model_tokens": 128}


@pytest.mark.parametrize(
    "kept", [{"train.gradient_checkpointing": "false"}, {"train.kept_layers": 4}], ids=["all", "half"]
)
@pytest.mark.parametrize("family", ["llama", "olmo2", "starcoder2"])
def test_the_peak_of_kept_layers_over_frozen_fp32_weights(family, kept):
    """Every kept layer holds the bf16 copies of its weights, down_proj's too, until its backward pass."""
    overrides = LORA | SHORT | kept | {"model.dtype": "float32"}
    planned, simulated = peaks(family, overrides, num_hidden_layers=8)
    assert planned == pytest.approx(simulated, rel=0.02)


def test_the_kernel_for_masks_leaves_no_copy_of_attentions_output():
    """Phi-3's heads are laid out in a way of their own, of which o_proj keeps a copy where there is no mask."""
    overrides = {"train.gradient_checkpointing": "false", "train.pack_rows": "never"}
    heads = {"num_key_value_heads": 6, "tie_word_embeddings": False, "num_hidden_layers": 8, "sliding_window": 512}
    planned, simulated = peaks("phi3", LORA | overrides, **heads)
    assert planned == pytest.approx(simulated, rel=0.02)
