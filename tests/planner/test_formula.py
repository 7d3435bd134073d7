"""Settings of a known family that the closed form does not count: the plan is the simulation's, and no fix has them."""

import json

import pytest

from leanrl.config.load import load_config
from leanrl.errors import NoFormulaError
from leanrl.planner.measured import MeasuredModel, MeasuredStep
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.plan import plan_run
from tests.planner.family_sizes import FALCON, sizes
from tests.planner.sample_runs import GIB, SMALL_STEP

UNCOUNTED = [
    {"model.attention": "eager"},
    {"model.dtype": "float32"},
    {"model.tuning.method": "qlora"},
]


@pytest.fixture
def folder(tmp_path):
    values = {"model_type": "falcon", **sizes("falcon", **FALCON["falcon-rw-1b"])}
    (tmp_path / "config.json").write_text(json.dumps(values))
    return tmp_path


def config_of(folder, **settings):
    values = SMALL_STEP | {"model.tuning.method": "lora", "model.id": folder, "hardware.gpu": "a40"} | settings
    return load_config("plain", [f"{name}={value}" for name, value in values.items()]).config


@pytest.mark.parametrize("settings", UNCOUNTED, ids=["scores written out", "fp32 biases", "qlora"])
def test_what_is_not_counted_has_no_formula_and_a_plan_that_is_measured(settings, folder):
    config = config_of(folder, **settings)
    with pytest.raises(NoFormulaError, match="no formula for falcon with"):
        plan_run(config)
    shape = shape_from_config(json.loads((folder / "config.json").read_text()))
    step = MeasuredStep({name: {"weights": GIB} for name in ("load", "forward_backward", "optimizer_step")})
    assert plan_run(config, measured=MeasuredModel(shape, lambda _: step)).source == "simulation"


def test_no_fix_has_a_setting_that_is_not_counted(tmp_path):
    """QLoRA would be the fix for 12.9 GiB of weights on a card of 12 GiB."""
    falcon_7b = {"model_type": "falcon", "hidden_size": 4544, "num_attention_heads": 71, "num_hidden_layers": 32}
    (tmp_path / "config.json").write_text(json.dumps(falcon_7b | {"vocab_size": 65_024}))
    short = {"rollout.max_completion_tokens": 256, "rollout.max_model_tokens": 512}
    plan = plan_run(config_of(tmp_path, **short), vram_bytes=12 * GIB)
    assert (plan.verdict, plan.offers) == ("does_not_fit", ())
