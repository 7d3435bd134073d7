"""Presets listed, shown, compared and taken as a start."""

import re

import pytest

from leanrl.config.catalog import FIRST_PRESETS, diff_presets, init_preset, list_presets, preset_text
from leanrl.config.files import shipped
from leanrl.config.keys import schema_keys
from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from tests.config.written import write_preset


def test_the_list_has_names_and_what_they_are_for():
    about = {preset.name: preset.about for preset in list_presets()}
    assert "135M" in about["cpu-demo"]
    first = list(about)[: len(FIRST_PRESETS)]
    assert first == list(FIRST_PRESETS)  # what one card or none can run
    assert list(about)[len(first) :] == sorted(set(about) - set(first))
    cards = [load_config(name).config.hardware.num_gpus for name in first]
    assert max(cards) == 1


def test_the_text_is_the_file_as_written(tmp_path):
    assert preset_text("cpu-demo").startswith("# A real pretrained language model")
    assert preset_text(write_preset(tmp_path, "train: {seed: 1} # mine\n")) == "train: {seed: 1} # mine\n"
    with pytest.raises(ConfigError, match="Did you mean `plain`"):
        preset_text("plane")


def test_presets_are_found_inside_a_wheel_and_beside_a_checkout(tmp_path, monkeypatch):
    """A wheel holds leanrl/presets; a checkout has presets/ beside leanrl/."""
    package = tmp_path / "leanrl"
    (package / "config" / "files").mkdir(parents=True)
    monkeypatch.setattr(shipped, "__file__", str(package / "config" / "files" / "shipped.py"))
    assert shipped.preset_folder() == tmp_path / "presets"
    (package / "presets").mkdir()
    (package / "presets" / "mine.yaml").write_text("about: mine")
    assert shipped.preset_folder() == package / "presets"
    assert shipped.preset_names() == ["mine"]


def test_a_difference_has_both_values_and_the_reason_of_either_side(tmp_path):
    left = write_preset(tmp_path, "extends: cpu-demo\nreasons: {train.seed: luck}\n", name="left.yaml")
    right = write_preset(
        tmp_path,
        """
        extends: cpu-demo
        train: {seed: 7}
        rewards: {one_box: null, accuracy: 2}
        eval: {batch_size: 4}
        reasons: {rewards: "the box is learnt"}
        """,
        name="right.yaml",
    )
    found = [(d.key, d.left, d.right, d.reason) for d in diff_presets(left, right)]
    assert found == [
        ("rewards.one_box", 0.5, None, "the box is learnt"),
        ("rewards.accuracy", 1.0, 2.0, "the box is learnt"),
        ("train.seed", 42, 7, "luck"),
        ("eval.batch_size", 16, 4, None),
    ]


def test_names_and_reasons_are_no_difference():
    assert diff_presets("plain", "plain") == []
    assert [d.key for d in diff_presets("single-gpu-lora", "single-gpu-lora-unsloth")] == [
        "backend",
        "algorithm.aggregation",
        "train.max_tokens_per_micro_batch",
        "train.offload_activations",
    ]


@pytest.mark.parametrize("name", ["cpu-demo", "a40x4-full-exp3", "single-gpu-qlora"])
def test_a_started_preset_loads_as_it_is(tmp_path, name):
    mine = write_preset(tmp_path, init_preset(name), name="mine.yaml")
    assert diff_presets(mine, name) == []
    assert load_config(mine).origins["train.seed"].startswith("preset ")


@pytest.mark.parametrize("name", ["cpu-demo", "a40x4-full-exp3", "single-gpu-qlora"])
def test_a_started_preset_holds_every_key_with_its_value(tmp_path, name):
    """With every # before a key taken away it still says the same, and no value is left to the parent."""
    opening, extends, keys = init_preset(name).partition("extends:")
    uncommented = re.sub(r"(?m)^( *)#(?! \S)(.+)$", r"\1\2", keys)
    mine = write_preset(tmp_path, opening + extends + uncommented, name="mine.yaml")
    assert diff_presets(mine, name) == []
    origins = load_config(mine).origins
    for key in schema_keys().values():
        if key.name not in ("name", "about", "reasons"):
            given = {origin for given, origin in origins.items() if f"{given}.".startswith(f"{key.name}.")}
            assert given == {f"preset {mine}"}, key.name
            assert key.about in keys


def test_a_preset_can_be_started_from_a_file(tmp_path):
    parent = write_preset(tmp_path, "extends: cpu-demo\ntrain: {seed: 5}\n", name="parent.yaml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    mine = write_preset(elsewhere, init_preset(parent))
    assert load_config(mine).config.train.seed == 5
