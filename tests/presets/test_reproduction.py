"""docs/reproduction.md: every line of the paper has its place, and the values are those that TRL is given."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from leanrl.config.files.yaml_text import parse_yaml
from leanrl.config.load import load_config

ROOT = Path(__file__).resolve().parents[2]


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "reproduction_table", ROOT / "scripts" / "pages" / "reproduction_table.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


table = load_script()
RAW = parse_yaml(table.ROWS_FILE.read_text(encoding="utf-8"))
TABLES = table.read_rows(RAW)
ROWS = [row for rows in TABLES.values() for row in rows]
ROW_IDS = [f"{name}-{row.setting}" for name, rows in TABLES.items() for row in rows]

# The keys of the paper's Table 5 (recipes/grpo.yaml), typed from there.
# fmt: off
TABLE_5 = [
    "model_name_or_path", "model_revision", "torch_dtype", "attn_implementation", "dataset_name", "system_prompt",
    "bf16", "use_vllm", "vllm_device", "vllm_enforce_eager", "vllm_gpu_memory_utilization", "vllm_max_model_len",
    "do_eval", "gradient_accumulation_steps", "gradient_checkpointing", "gradient_checkpointing_kwargs",
    "hub_model_id", "hub_strategy", "push_to_hub", "learning_rate", "log_completions", "log_level",
    "logging_first_step", "logging_steps", "logging_strategy", "lr_scheduler_type", "lr_scheduler_kwargs",
    "max_prompt_length", "max_completion_length", "max_steps", "num_generations", "num_train_epochs", "output_dir",
    "overwrite_output_dir", "per_device_eval_batch_size", "per_device_train_batch_size", "report_to",
    "reward_funcs", "reward_weights", "save_strategy", "save_steps", "seed", "temperature", "warmup_ratio",
]
# fmt: on


@pytest.fixture(scope="module")
def grpo_config(tmp_path_factory):
    """The final trl.GRPOConfig of experiment 3; transformers refuses bf16 without a GPU unless told to use the CPU."""
    import torch
    from trl import GRPOConfig

    from leanrl.trainer.trl_args import grpo_arguments

    config = load_config("a40x4-full-exp3").config
    arguments = grpo_arguments(config, output_dir=tmp_path_factory.mktemp("run"))
    return GRPOConfig(**{**arguments, "use_cpu": not torch.cuda.is_available()})


def test_the_committed_table_is_current():
    committed = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")
    hint = "run `python scripts/pages/reproduction_table.py > docs/reproduction.md`"
    assert committed == table.reproduction_table(TABLES), hint


def test_every_line_of_the_papers_table_has_a_row():
    assert sorted(row.setting for row in TABLES["table_5"]) == sorted(TABLE_5)


def test_every_trl_default_that_is_pinned_has_a_row():
    """What the pinned TRL did and TRL 1.16 would not do by itself."""
    pinned = {row.setting for row in TABLES["pinned"]}
    assert {
        "beta",
        "use_bias_correction_kl",
        "loss_type",
        "vllm_importance_sampling_correction",
        "temperature in log-probs",
        "scale_rewards",
        "multi_objective_aggregation",
        "epsilon",
        "num_iterations",
        "importance_sampling_level",
        "mask_truncated_completions",
        "top_p",
        "top_k",
        "min_p",
        "repetition_penalty",
        "shuffle after generation",
        "num_generations",
        "max_completion_length",
        "max_prompt_length",
        "vllm_max_model_len",
        "dtype of the policy",
        "warmup_ratio",
        "lr_scheduler",
        "optim",
        "max_grad_norm",
        "gradient_checkpointing",
    } <= pinned


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_the_presets_hold_the_value_of_the_row(row):
    for experiment, expected in row.ours.items():
        config = load_config(f"a40x4-full-{experiment}").config
        assert table.value_of(config, row.key) == expected


@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_trl_is_given_the_value_of_the_row(row, grpo_config):
    for name, expected in row.trl.items():
        field, _, inner = name.partition(".")
        value = getattr(grpo_config, field)
        value = value[inner] if inner else value
        assert getattr(value, "value", value) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.status == "left out"], ids=lambda row: row.setting)
def test_one_flag_turns_on_what_is_left_out(row):
    before = table.value_of(load_config("a40x4-full-exp3").config, row.key)
    after = table.value_of(load_config("a40x4-full-exp3", [row.flag]).config, row.key)
    assert before in (None, "none")
    assert after not in (None, "none")


@pytest.mark.parametrize("row", [row for row in ROWS if row.status == "same" and row.key], ids=lambda row: row.setting)
def test_a_name_that_is_called_the_same_is_the_same(row):
    assert row.key.rpartition(".")[2] == row.setting


@pytest.mark.parametrize(("name", "index"), [(name, index) for name, rows in RAW.items() for index in range(len(rows))])
def test_a_row_without_a_status_is_refused(name, index):
    """Take the status of any row away: the table cannot be read any more."""
    rows = list(RAW[name])
    rows[index] = {key: value for key, value in rows[index].items() if key != "status"}
    with pytest.raises(ValueError, match="the status is ''"):
        table.read_rows({name: rows})


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ({"setting": "x", "paper": "1", "status": "fine"}, "the status is 'fine'"),
        ({"setting": "x", "paper": "1", "status": "renamed"}, "lacks what the status 'renamed'"),
        ({"setting": "x", "paper": "1", "status": "done by leanrl"}, "lacks"),
        ({"setting": "x", "paper": "1", "status": "no effect"}, "lacks"),
        ({"setting": "x", "paper": "1", "status": "left out", "key": "tracking"}, "lacks"),
        ({"setting": "x", "paper": "1", "status": "same"}, "lacks"),
    ],
)
def test_a_row_must_hold_what_its_status_calls_for(row, cause):
    with pytest.raises(ValueError, match=cause):
        table.read_rows({"table_5": [row]})
