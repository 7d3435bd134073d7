"""The attention that a model runs on gives the numbers of eager attention, whatever the family adds to it."""

import ast
from pathlib import Path

import pytest
import torch
import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from leanrl.errors import ConfigError
from leanrl.models.structure.attention import usable_attention
from tests.engine.tiny_families import FAMILIES, config_of, model_of

# What sdpa of transformers 5.17 computes, or what means nothing to it: the bounds of packed rows are flash
# kernels', and the indices of sparse attention are in the mask too.
SDPA_COMPUTES = {"scaling", "dropout", "is_causal", "sliding_window", "attention_mask", "position_bias", "position_ids"}
SDPA_MAY_IGNORE = {
    "cu_seq_lens_q",
    "cu_seq_lens_k",
    "max_length_q",
    "max_length_k",
    "output_attentions",
    "indices",
    "block_indices",
    None,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_eager_attention(family):
    """40 tokens, with windows of 8."""
    attention = usable_attention(config_of(family), "sdpa")
    ids = torch.randint(3, 64, (2, 40), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, eager = (model_of(family, attention=name).eval()(ids).logits for name in (attention.name, "eager"))
    assert (ours - eager).abs().max() < 2e-5 * eager.abs().max()


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("gemma2", "gemma2 has attn_logit_softcapping in its config, which sdpa leaves out"),
        ("gptj", "gptj does not run on sdpa in transformers"),
        ("gpt_oss", "gpt_oss does not run on sdpa in transformers"),
        ("mamba", "mamba does not run on sdpa in transformers"),
    ],
)
def test_eager_stands_in_and_says_why(family, reason):
    assert usable_attention(config_of(family), "sdpa").name == "eager"
    assert usable_attention(config_of(family), "sdpa").reason == reason


def test_without_a_cap_the_same_family_keeps_sdpa():
    assert usable_attention(config_of("gemma2", attn_logit_softcapping=0.0), "sdpa").name == "sdpa"


def test_what_was_asked_for_stays():
    assert usable_attention(config_of("gemma2"), "flash_attention_2").name == "flash_attention_2"
    assert usable_attention(config_of("llama"), "eager").name == "eager"


@pytest.mark.parametrize(("family", "instead"), [("mamba", "eager"), ("opt", "sdpa")])
def test_flash_attention_that_a_family_lacks_is_refused(family, instead, monkeypatch):
    monkeypatch.setattr(MODEL_FOR_CAUSAL_LM_MAPPING[type(config_of(family))], "_supports_flash_attn", False)
    with pytest.raises(ConfigError, match=f"{family} does not run on flash_attention_2") as refused:
        usable_attention(config_of(family), "flash_attention_2")
    assert refused.value.hint == f"-s model.attention={instead}"


def test_no_other_family_hands_sdpa_what_it_ignores():
    """Every causal family of the installed transformers, by the arguments in its source."""
    folder = Path(transformers.__file__).parent / "models"
    found = set()
    for model_class in set(_causal_classes()):
        if not model_class._supports_sdpa:
            continue
        source = folder / Path(*model_class.__module__.split(".")[2:]).with_suffix(".py")
        given = _given_to_attention(ast.parse(source.read_text(encoding="utf-8")))
        found |= {(argument, source.stem) for argument in given - SDPA_COMPUTES - SDPA_MAY_IGNORE}
    assert found == {("softcap", "modeling_gemma2"), ("softcap", "modeling_vaultgemma")}


def _causal_classes():
    for config_class in MODEL_FOR_CAUSAL_LM_MAPPING:
        model_class = MODEL_FOR_CAUSAL_LM_MAPPING[config_class]
        if isinstance(model_class, type):
            yield model_class


def _given_to_attention(tree):
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    return {word.arg for call in calls if call.func.id == "attention_interface" for word in call.keywords}
