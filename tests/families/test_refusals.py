"""What cannot be trained is refused by name from the config: the folders here hold no weights."""

from collections import Counter
from pathlib import Path

import pytest
from peft import get_peft_model
from peft.tuners.lora.layer import ParamWrapper

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.engine.trainable import require_trainable
from leanrl.errors import ConfigError
from leanrl.models.adapters.adapter import check_targets, lora_config
from leanrl.models.locate import LocatedModel
from leanrl.models.structure.adaptable import out_of_reach
from leanrl.models.structure.empty_model import empty_model
from tests.cli.run import leanrl, tiny_overrides
from tests.families.family import Family
from tests.families.table import FAMILIES, named
from tests.families.tiny import make_tiny_family, tiny_config

TRAINED = [family for family in FAMILIES if "lora" not in family.refused]


def _asked(*overrides: str) -> RunConfig:
    return load_config("cpu-demo", list(overrides)).config


def _located(folder: Path, family: Family) -> LocatedModel:
    tiny_config(family).save_pretrained(folder)
    return LocatedModel(str(folder), None, "folder")


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.refused], ids=lambda family: family.name)
def test_each_refusal_of_the_table_names_its_reason_and_needs_no_weights(family: Family, tmp_path: Path) -> None:
    located = _located(tmp_path, family)
    for what, reason in family.refused.items():
        method = "lora" if what == "all-linear" else what
        with pytest.raises(ConfigError, match=reason) as caught:
            require_trainable(_asked(f"model.tuning.method={method}"), located)
        assert family.model_type in str(caught.value)


@pytest.mark.parametrize("family", TRAINED, ids=lambda family: family.name)
def test_nothing_else_of_the_table_is_refused(family: Family, tmp_path: Path) -> None:
    located = _located(tmp_path, family)
    targets = "all-linear" if family.targets is None else f"[{','.join(family.targets)}]"
    for method in family.trained_methods:
        require_trainable(_asked(f"model.tuning.method={method}", f"model.tuning.targets={targets}"), located)


@pytest.mark.parametrize(
    "family", [family for family in FAMILIES if "all-linear" in family.refused], ids=lambda family: family.name
)
def test_the_names_in_the_hint_train(family: Family, tmp_path: Path) -> None:
    """Every module that the hint lists takes an adapter that can be folded back."""
    located = _located(tmp_path, family)
    with pytest.raises(ConfigError) as caught:
        require_trainable(_asked("model.tuning.method=lora"), located)
    flag = str(caught.value).partition("-s '")[2].partition("'")[0]
    config = _asked("model.tuning.method=lora", flag)
    assert require_trainable(config, located) == []
    model = empty_model(tiny_config(family))
    check_targets(model, config.model.tuning)
    assert set(family.targets or ()) <= set(config.model.tuning.targets)


@pytest.mark.parametrize(
    ("name", "overrides", "reason", "hint"),
    [
        ("falcon_h1", ["targets=[in_proj,out_proj]"], "on out_proj does not act: its weight is read", "=[in_proj]"),
        ("mamba", ["targets=[out_proj]"], "on out_proj does not act: its weight is read", "targets=all-linear"),
        ("qwen3_next", ["targets=[q_proj,gate_proj,up_proj]"], "experts of qwen3_next", "o_proj"),
        ("gemma3", ["targets=[fc1]"], "on fc1 does not act: text does not run through it", "targets=all-linear"),
        ("zamba2", ["targets=[q_proj,linear]"], "q_proj cannot be folded back: its weight is another", "=[linear]"),
        ("llama4_text", ["targets=[q_proj,router]"], "router does not act: its output is more", "=[q_proj]"),
    ],
)
def test_an_adapter_that_would_do_nothing_or_cannot_be_folded_back_is_refused(
    name: str, overrides: list[str], reason: str, hint: str, tmp_path: Path
) -> None:
    located = _located(tmp_path, named(name))
    with pytest.raises(ConfigError) as caught:
        require_trainable(_asked(*(f"model.tuning.{override}" for override in overrides)), located)
    assert reason in str(caught.value)
    assert hint in str(caught.value)


def test_a_family_that_cannot_recompute_its_layers_is_told_the_key(tmp_path: Path) -> None:
    family = Family("openai-gpt", "openai-gpt", "", {"n_embd": 32, "n_layer": 1, "n_head": 2})
    config = _asked("train.gradient_checkpointing=true", "model.tuning.method=full")
    with pytest.raises(ConfigError) as caught:
        require_trainable(config, _located(tmp_path, family))
    assert "-s train.gradient_checkpointing=false" in str(caught.value)


@pytest.mark.parametrize(("kept", "is_refused"), [(2, False), (3, True)])
def test_more_kept_layers_than_the_model_has_are_refused(kept: int, is_refused: bool, tmp_path: Path) -> None:
    config = _asked("train.gradient_checkpointing=true", f"train.kept_layers={kept}", "model.tuning.method=full")
    located = _located(tmp_path, named("llama"))
    if not is_refused:
        assert require_trainable(config, located) == []
        return
    with pytest.raises(ConfigError) as caught:
        require_trainable(config, located)
    assert "3 are more than the model's 2 decoder layers" in str(caught.value)
    assert "-s train.kept_layers=2" in str(caught.value)


def test_all_linear_says_what_it_leaves_out(tmp_path: Path) -> None:
    lines = require_trainable(_asked(), _located(tmp_path, named("falcon_h1")))
    assert lines == ["all-linear leaves out out_proj: its weight is read past the module"]


@pytest.mark.parametrize(
    "family", [family for family in TRAINED if family.targets is None], ids=lambda family: family.name
)
def test_every_adapter_of_all_linear_acts_and_can_be_folded_back(family: Family, tmp_path: Path) -> None:
    """One adapter on each linear module that is not left out, none on a fused weight."""
    model = empty_model(tiny_config(family))
    tuning = _asked().model.tuning
    left_out = set(out_of_reach(model))
    adapted = get_peft_model(model, lora_config(tuning, model), low_cpu_mem_usage=True)
    names = {
        name.removeprefix("base_model.model.") for name, part in adapted.named_modules() if hasattr(part, "lora_A")
    }
    assert names
    assert not names & left_out
    weights = Counter(id(weight) for _, weight in model.named_parameters(remove_duplicate=False))
    assert all(weights[id(model.get_submodule(name).get_base_layer().weight)] == 1 for name in names)
    assert not any(isinstance(part, ParamWrapper) for part in adapted.modules())


def test_the_command_line_refuses_before_the_weights_are_read(tmp_path: Path) -> None:
    folder = make_tiny_family(tmp_path / "model", named("phi"))
    (folder / "model.safetensors").write_bytes(b"no weights at all")
    outcome = leanrl("train", "-p", "cpu-demo", *tiny_overrides(folder), "--run-dir", tmp_path / "run")
    assert outcome.code == 2, outcome.err
    assert "phi has a bias on the head" in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "run").exists()
