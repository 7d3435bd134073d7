"""The shipped presets: complete, consistent, and different from each other only where they say so."""

import pytest

from leanrl.config.catalog import diff_presets, preset_text
from leanrl.config.checks.check import find_warnings
from leanrl.config.files.shipped import preset_names
from leanrl.config.files.yaml_text import parse_yaml
from leanrl.config.keys import schema_groups, schema_keys
from leanrl.config.layers import flatten
from leanrl.config.load import load_config
from leanrl.planner.plan import plan_run
from leanrl.rewards.registry import resolve_rewards
from leanrl.seams.registry import SEAMS, find_problems, options_of

AS_RUN = ["a40x4-full-exp1", "a40x4-full-exp2", "a40x4-full-exp3"]
PINNED_SECTIONS = ("rollout", "algorithm", "optimizer", "train")
# They say how the machine is set up, or stop a run that goes wrong; a run that goes well is the same without them.
WATCHERS = {
    "rollout.selftest_every_steps",
    "rollout.weight_transport",
    "rollout.server_url",
    "rollout.server_port",
    "rollout.server_deadline_seconds",
    "algorithm.max_empty_steps",
    "train.probe",
}


def written(name):
    """Return the keys that a preset's own file writes, by dotted name."""
    return flatten(parse_yaml(preset_text(name)))


def parent_of(name):
    return parse_yaml(preset_text(name)).get("extends")


def acting_differences(left, right):
    """Return the keys that differ, without what only plans read."""
    return [difference for difference in diff_presets(left, right) if not difference.key.startswith("rollout.lengths.")]


def test_the_promised_presets_are_there():
    assert preset_names() == sorted(
        [
            *AS_RUN,
            *(f"{name}-corrected" for name in AS_RUN),
            "a40x4-full-exp2-colocate",
            "a40x1-full-exp2",
            "a40x4-lora-exp2",
            "a40x4-qlora-exp2",
            "single-gpu-lora",
            "single-gpu-lora-long",
            "single-gpu-qlora",
            "single-gpu-full",
            "single-gpu-lora-unsloth",
            "single-gpu-qlora-unsloth",
            "plain",
            "cpu-demo",
        ]
    )


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_without_a_warning_and_names_rewards_that_exist(name):
    config = load_config(name).config
    assert config.name == name
    assert find_warnings(config) == []
    assert resolve_rewards(config.rewards, config.reward_options)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_opens_with_what_it_is_for_and_the_command(name):
    opening = preset_text(name).partition("\nabout:")[0].split("\n")
    assert all(line.startswith("#") for line in opening)
    assert f"#   leanrl train --preset {name}" in opening
    assert load_config(name).config.about


@pytest.mark.parametrize("name", preset_names())
def test_no_value_that_acts_is_left_to_a_default(name):
    resolved = load_config(name)
    config = resolved.config
    left = {key for key, origin in resolved.origins.items() if key.startswith(PINNED_SECTIONS) and origin == "default"}
    left -= WATCHERS
    if config.rollout.engine == "hf":
        left -= {f"rollout.{key}" for key in ("max_model_tokens", "gpu_memory_fraction", "sleep_level", "share_base")}
    left -= {f"algorithm.{seam}" for seam in SEAMS if config.algorithm.choice(seam) is None}
    if config.train.max_tokens_per_micro_batch is not None:
        left -= {"train.micro_batch_completions"}
    if config.optimizer.schedule != "cosine_with_min":
        left -= {"optimizer.min_learning_rate_ratio"}
    if config.algorithm.kl_beta == 0.0 or config.model.tuning.method != "full":
        left -= {"train.reference_device"}
    assert left == set()


@pytest.mark.parametrize("name", preset_names())
def test_every_option_of_a_plug_in_is_written_and_is_usable(name):
    config = load_config(name).config
    for choice in filter(None, map(config.algorithm.choice, SEAMS)):
        assert list(find_problems(choice)) == []
        assert choice.options.keys() == options_of(choice).keys()


@pytest.mark.parametrize("name", AS_RUN)
def test_an_as_run_preset_writes_every_value_in_its_own_file(name):
    """Somebody who wants to know what was run reads one file."""
    own = written(name)
    assert "extends" not in own
    idle = {f"algorithm.{seam}" for seam in SEAMS if load_config(name).config.algorithm.choice(seam) is None}
    for key in schema_keys().keys() - WATCHERS - idle:
        if key.partition(".")[0] in PINNED_SECTIONS:
            assert key in own or any(written.startswith(f"{key}.") for written in own)


@pytest.mark.parametrize("name", [name for name in preset_names() if parent_of(name)])
def test_every_difference_from_the_parent_has_its_reason_in_the_same_file(name):
    reasons = parse_yaml(preset_text(name))["reasons"]
    missing = [
        difference.key
        for difference in diff_presets(parent_of(name), name)
        if not any(difference.key == key or difference.key.startswith(f"{key}.") for key in reasons)
    ]
    assert missing == []


@pytest.mark.parametrize("name", [name for name in preset_names() if parent_of(name)])
def test_every_reason_is_about_something_that_differs(name):
    differing = [difference.key for difference in diff_presets(parent_of(name), name)]
    known = [*schema_keys(), *schema_groups()]
    for key in parse_yaml(preset_text(name))["reasons"]:
        assert any(found == key or found.startswith(f"{key}.") for found in differing), key
        assert key in known or key.startswith(("rewards.", "reward_options.")), key


@pytest.mark.parametrize("name", AS_RUN)
def test_a_corrected_twin_corrects_the_named_traps_and_nothing_else(name):
    traps = ("data.unparseable_gold", "rewards.", "reward_options.", "algorithm.")
    differences = diff_presets(name, f"{name}-corrected")
    assert all(difference.key.startswith(traps) for difference in differences)
    changed = {difference.key: difference.right for difference in differences}
    assert changed["algorithm.logprob_temperature"] == load_config(name).config.rollout.temperature
    assert changed["algorithm.correction.name"] == "token_truncate"
    assert changed["data.unparseable_gold"] == "drop"


def test_experiments_2_and_3_differ_by_the_reward_and_the_english_sentence():
    """The paper, sec. 3: experiment 3 takes the cosine reward and asks for English."""
    keys = {difference.key.partition(".")[0] for difference in acting_differences(*AS_RUN[1:])}
    assert keys == {"data", "rewards", "reward_options"}
    second, third = (load_config(name).config.data.system_prompt for name in AS_RUN[1:])
    assert third == f"{second} Note that respond by English, NOT use other languages."


def test_experiments_1_and_2_differ_by_the_dataset_and_the_length():
    differing = {difference.key: (difference.left, difference.right) for difference in acting_differences(*AS_RUN[:2])}
    assert differing == {
        "data.hub_id": ("knoveleng/open-s1", "knoveleng/open-rs"),
        "rollout.max_completion_tokens": (4096, 3584),
    }


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_says_how_long_its_completions_are_and_who_says_so(name):
    rollout = load_config(name).config.rollout
    assert rollout.lengths.limit_tokens == rollout.max_completion_tokens
    assert rollout.lengths.mean_tokens < rollout.max_completion_tokens
    assert rollout.lengths.source


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("a40x4-full-exp1", 3000, 4000), ("a40x4-full-exp2", 2000, 3500), ("a40x4-full-exp3", 1000, 3500)],
)
def test_the_lengths_are_those_of_the_paper(name, low, high):
    """Open-RS, arXiv 2503.16219, sec. 3: near 4000 and then 3000 tokens; 2000 to 3500; 1000 to 3500."""
    for twin in (name, f"{name}-corrected"):
        assert low < load_config(twin).config.rollout.lengths.mean_tokens < high


@pytest.mark.parametrize("change", ["model.id=other/model", "data.path=other.jsonl"])
def test_lengths_fall_with_the_model_or_the_problems_that_they_were_sampled_on(change):
    assert load_config("single-gpu-lora").config.rollout.lengths.mean_tokens is not None
    assert load_config("single-gpu-lora", [change]).config.rollout.lengths.mean_tokens is None
    own = load_config("single-gpu-lora", [change, "rollout.lengths.mean_tokens=100"]).config.rollout.lengths
    assert (own.mean_tokens, own.source) == (100, None)


def test_the_system_prompt_is_the_published_one():
    r"""Doubled braces, the space before the full stop and the tags, as recipes/grpo.yaml has them."""
    prompt = load_config("a40x4-full-exp2").config.data.system_prompt
    assert prompt.startswith("A conversation between User and Assistant. The user asks a question, and the Assistant ")
    assert r" and put your final answer within \boxed{{}} . The reasoning process and answer are enclosed " in prompt
    assert prompt.endswith(
        "enclosed within <think> </think> and <answer> </answer> tags, respectively, i.e., "
        "<think> reasoning process here </think> <answer> answer here </answer>."
    )
    assert "\n" not in prompt
    assert "  " not in prompt


@pytest.mark.parametrize(
    ("name", "ranks", "micro_batches"),
    [
        ("a40x4-full-exp2", 3, 4),  # 72 completions / 3 ranks / 6
        ("a40x4-full-exp2-colocate", 4, 3),
        ("a40x1-full-exp2", 1, 12),
    ],
)
def test_other_cards_keep_the_estimator(name, ranks, micro_batches):
    """72 completions of 12 prompts in a step, whatever trains; data, rewards, loss and update stay the same."""
    config = load_config(name).config
    assert config.num_train_ranks == ranks
    assert config.completions_per_step == 72
    assert config.micro_batches_per_step == micro_batches
    changed = {difference.key.partition(".")[0] for difference in diff_presets("a40x4-full-exp2", name)}
    assert changed.isdisjoint({"data", "rewards", "algorithm", "optimizer", "model"})


def test_the_adapter_presets_carry_tinas_values():
    """Tina, arXiv 2504.15777: r 32, alpha 128, dropout 0.05, all linear modules, rate 1e-6, 8 prompts x 6."""
    for name in ("a40x4-lora-exp2", "single-gpu-lora", "single-gpu-qlora"):
        config = load_config(name).config
        tuning = config.model.tuning
        assert (tuning.rank, tuning.alpha, tuning.dropout, tuning.targets) == (32, 128.0, 0.05, "all-linear")
        assert (config.train.num_prompts, config.train.num_completions) == (8, 6)
        assert config.optimizer.learning_rate == 1.0e-6
        assert config.algorithm.kl_beta == 0.04
        assert config.rollout.temperature == 0.7


def test_one_card_trains_the_adapter_that_four_cards_train():
    """single-gpu-lora is written out for people to start from; it must not drift from a40x4-lora-exp2."""
    differing = {difference.key for difference in diff_presets("a40x4-lora-exp2", "single-gpu-lora")}
    assert differing == {
        "hardware.gpu",
        "hardware.num_gpus",
        "hardware.parallel",
        "rollout.max_model_tokens",
        "train.max_tokens_per_micro_batch",
        "log.completions_every_steps",
    }


def test_the_papers_presets_count_completions_and_adapters_on_one_card_take_what_it_has():
    """Those through unsloth count completions, as TRL's loop does."""
    budgets = {name: load_config(name).config.train.max_tokens_per_micro_batch for name in preset_names()}
    assert {name for name, budget in budgets.items() if budget == "auto"} == {
        "plain",
        "single-gpu-lora",
        "single-gpu-lora-long",
        "single-gpu-qlora",
    }
    assert set(budgets.values()) == {"auto", None}


@pytest.mark.parametrize("name", preset_names())
def test_no_preset_acts_on_an_account(name):
    config = load_config(name).config
    assert (config.tracking, config.hub.push_to) == ("none", None)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_fits_the_hardware_that_its_name_promises(name):
    """A laptop has 16 GiB of memory, a server at least as much for each of its cards."""
    config = load_config(name).config
    host_bytes = 16 * 2**30 * max(1, config.hardware.num_gpus)
    assert plan_run(config, host_bytes=host_bytes).verdict == "fits"
