"""Norms and MLPs in tiles against the whole: the same gradients, with adapters, checkpointing, dropout."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from leanrl.config.schema import TrainConfig
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.layers.tiles import tile_modules
from leanrl.engine.prepare import prepare_model
from leanrl.engine.rows import PADDED, StepRow
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import train_micro_batch

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 64,
    "pad_token_id": 0,
    # GPT-2's own dropout.
    "attn_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "resid_pdrop": 0.0,
}
FAMILIES = ["qwen2", "llama", "gemma3_text", "phi3", "gpt2"]
SETTINGS = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=1.0)


def model_of(family="qwen2", *, dtype=torch.float64, method="full", checkpointing=True, dropout=0.0, **values):
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **SIZES | values)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=dtype)
    attach_logprob_head(model)
    if method == "lora":
        lora = LoraConfig(r=4, target_modules="all-linear", lora_dropout=dropout, init_lora_weights=False)
        model = get_peft_model(model, lora, autocast_adapter_dtype=False).to(dtype)
        model.enable_input_require_grads()
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model.train()


def gradients(model, layout=PADDED):
    """Unequal rows of 10 + 7 to 10 + 21 tokens; a tile of 13 cuts through them and leaves a rest."""
    generator = torch.Generator().manual_seed(1)
    rows = [
        StepRow(
            prompt_ids=torch.randint(2, 64, (10,), generator=generator).tolist(),
            completion_ids=torch.randint(2, 64, (length,), generator=generator).tolist(),
            advantage=advantage,
            weight=0.1,
        )
        for length, advantage in ((7, 1.0), (21, -0.5), (12, 2.0))
    ]
    torch.manual_seed(2)
    sums = train_micro_batch(model, layout.lay_out(rows, pad_id=0, device="cpu"), settings=SETTINGS)
    return sums.loss, {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


def assert_close(tiled, whole, *, relative):
    assert tiled[0] == pytest.approx(whole[0].item(), rel=relative)
    assert tiled[1].keys() == whole[1].keys()
    for name, expected in whole[1].items():
        assert (tiled[1][name] - expected).norm() <= relative * expected.norm(), name


@pytest.mark.parametrize("checkpointing", [True, False])
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_float64(family, method, checkpointing):
    whole = gradients(model_of(family, method=method, checkpointing=checkpointing))
    model = model_of(family, method=method, checkpointing=checkpointing)
    per_layer = 5 if family == "gemma3_text" else 3
    assert tile_modules(model, tile_tokens=13) == 2 * per_layer + 1
    # Gemma's norms work in fp32 whatever the dtype of the model.
    assert_close(gradients(model), whole, relative=1e-6 if family == "gemma3_text" else 1e-9)


def test_fp32_weights_under_autocast():
    """The step runs outside autocast, as a GPU's backward thread does; both casts are those of the forward pass."""

    def run(tile_tokens):
        model = model_of(dtype=torch.float32)
        if tile_tokens:
            tile_modules(model, tile_tokens=tile_tokens)
        forward = model.forward

        def autocast_forward(*args, **kwargs):
            with torch.autocast("cpu", torch.bfloat16):
                return forward(*args, **kwargs)

        model.forward = autocast_forward
        return gradients(model)

    assert_close(run(13), run(None), relative=0.02)


def test_dropout_falls_on_the_same_numbers_again():
    """The gradient is the slope of the very forward pass that was run, dropped numbers included."""
    model = model_of(method="lora", dropout=0.5, checkpointing=False)
    tile_modules(model, tile_tokens=13)
    mlp = next(module for name, module in model.named_modules() if name.endswith("layers.0.mlp"))
    weight = mlp.down_proj.lora_A["default"].weight
    hidden = torch.randn(1, 40, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    direction = torch.randn(weight.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))

    def output(step):
        torch.manual_seed(5)
        with torch.no_grad():
            weight.add_(step * direction)
        result = mlp(hidden.clone().requires_grad_()).pow(2).sum()
        with torch.no_grad():
            weight.sub_(step * direction)
        return result

    (gradient,) = torch.autograd.grad(output(0.0), [weight])
    slope = (output(1e-5) - output(-1e-5)) / 2e-5
    assert (gradient * direction).sum().item() == pytest.approx(slope.item(), rel=1e-6)


def test_recomputation_stops_before_the_mlp():
    """Forward once, and once more tile by tile: checkpointing adds no third run."""
    model = model_of(checkpointing=True)
    calls = []
    for layer in model.model.layers:
        original = layer.mlp.forward
        layer.mlp.forward = lambda hidden, original=original: (calls.append(hidden.shape[1]), original(hidden))[1]
    tile_modules(model, tile_tokens=31)
    gradients(model)
    # One token of each layer shows what the MLP gives; then 3 rows of 31 columns: 3 tiles, forward and backward.
    assert sorted(calls) == [1] * 2 + [31] * 12


def test_few_tokens_and_scoring_run_whole():
    model = model_of(checkpointing=False)
    seen = []
    original = model.model.layers[0].mlp.forward
    model.model.layers[0].mlp.forward = lambda hidden: (seen.append(tuple(hidden.shape)), original(hidden))[1]
    tile_modules(model, tile_tokens=13)
    with torch.no_grad():
        model(input_ids=torch.ones(2, 20, dtype=torch.long))
    model(input_ids=torch.ones(1, 13, dtype=torch.long))
    assert seen == [(2, 20, 32), (1, 13, 32)]


@pytest.mark.parametrize("checkpointing", [True, False])
@pytest.mark.parametrize("targets", [["gate_proj", "up_proj", "down_proj"], ["down_proj"]], ids="-".join)
def test_an_adapter_on_the_mlp_alone(targets, checkpointing):
    """The first layer's MLP trains, and its input has no graph: nothing before it trains, and embeddings ask for none.

    Checkpointing still runs the MLP twice.
    """

    def adapted(tile_tokens):
        model = model_of(checkpointing=checkpointing)
        lora = LoraConfig(r=4, target_modules=targets, init_lora_weights=False)
        policy = get_peft_model(model, lora, autocast_adapter_dtype=False).to(torch.float64)
        prepare_model(model, TrainConfig(tile_tokens=tile_tokens))
        return policy

    whole = gradients(adapted(None))
    policy = adapted(13)
    calls = []
    base = policy.base_model.model.model.layers[0].mlp.down_proj.base_layer
    base.register_forward_hook(lambda *_: calls.append(1))
    assert_close(gradients(policy), whole, relative=1e-9)
    num_tiles = 8  # of 93 tokens
    assert len(calls) == 1 + 2 * num_tiles


class TwoPaths(torch.nn.Module):
    """A gated norm, a router beside its output, a mixture whose second expert gets no token, and one of other width."""

    def __init__(self):
        super().__init__()
        self.norm = Gated(8)
        self.mlp = Routed(8)
        self.expert_layernorm = Mixture(8)
        self.wide_layernorm = torch.nn.Linear(8, 12)

    def forward(self, hidden, gate):
        hidden, scores = self.mlp(self.norm(hidden, gate))
        hidden = self.expert_layernorm(hidden)
        return self.wide_layernorm(hidden).pow(2).sum() + scores.sum() + self.norm(hidden, gate=gate).sum()


class Gated(torch.nn.Linear):
    def __init__(self, size):
        super().__init__(size, size)

    def forward(self, hidden, gate=None):
        return super().forward(hidden) * gate.sigmoid()


class Routed(torch.nn.Linear):
    def __init__(self, size):
        super().__init__(size, size)

    def forward(self, hidden):
        output = super().forward(hidden)
        return output, output.softmax(-1)


class Mixture(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.experts = torch.nn.ModuleList(torch.nn.Linear(size, size) for _ in range(3))

    def forward(self, hidden):
        chosen = (hidden[..., :1] > 0).long()
        outputs = [expert(hidden) * (chosen == number) for number, expert in enumerate(self.experts[:2])]
        return sum(outputs)


def test_modules_that_take_or_give_more_than_one_tensor_run_as_they_are():
    def run(tile_tokens):
        torch.manual_seed(0)
        model = TwoPaths().double()
        if tile_tokens:
            assert tile_modules(model, tile_tokens=tile_tokens) == 4
        hidden, gate = torch.randn(2, 2, 10, 8, dtype=torch.float64).unbind()
        hidden.requires_grad_()
        loss = model(hidden, gate)
        loss.backward()
        found = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
        return loss.detach(), found | {"hidden": hidden.grad}

    whole = run(None)
    assert not any("experts.2" in name for name in whole[1])
    assert_close(run(7), whole, relative=1e-12)


def test_the_look_at_one_token_draws_no_random_number():
    """A checkpointed layer is run again without the look: its dropout has to fall on the same numbers."""
    module = torch.nn.Sequential()
    module.mlp = torch.nn.Dropout(0.5)
    tile_modules(module, tile_tokens=3)
    first, second = (torch.manual_seed(0) and module(torch.ones(1, 9, 4, requires_grad=True)) for _ in range(2))
    assert torch.equal(first, second)
