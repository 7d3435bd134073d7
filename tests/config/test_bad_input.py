"""What is said when a configuration cannot be used."""

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from tests.config.written import LEAST, write_preset


def said(preset, overrides=()) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(preset, overrides)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_unknown_preset_names_the_nearest_and_where_all_are_listed():
    message = said("cpu-dmo")
    assert "There is no preset `cpu-dmo`." in message
    assert "Did you mean `cpu-demo`?" in message
    assert "`leanrl presets` lists" in message
    assert "a40x4" not in message


def test_a_run_folder_is_no_preset_but_its_config_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "monday").mkdir(parents=True)
    (tmp_path / "runs" / "monday" / "config.json").write_text("{}")
    assert "`runs/monday/config.json`" in said("runs/monday")


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [
        ("train.max_step", "train.max_steps"),  # mistyped
        ("max_steps", "train.max_steps"),  # section forgotten
        ("train.learning_rate", "optimizer.learning_rate"),  # wrong section
        ("optimizr.learning_rate", "optimizer"),  # mistyped section
        ("beta", "algorithm.kl_beta"),  # TRL's name
        ("train.num_generations", "train.num_completions"),
        ("model.name", "model.id"),
        ("lora_r", "model.tuning.rank"),
    ],
)
def test_unknown_key_names_the_nearest(unknown, meant):
    message = said("cpu-demo", [f"{unknown}=1"])
    assert "there is no such key (--set)" in message
    assert f"Did you mean `{meant}`?" in message


@pytest.mark.parametrize(
    ("unknown", "meant"), [("Rewards", "rewards"), ("train.Max_Steps", "train.max_steps"), ("DATA.PATH", "data")]
)
def test_a_name_in_other_letters_is_the_nearest(unknown, meant):
    assert f"Did you mean `{meant}`?" in said("cpu-demo", [f"{unknown}=1"])
    assert "Did you mean `cpu-demo`?" in said("CPU-Demo")


def test_a_character_that_a_terminal_does_not_show_is_shown():
    assert r"There is no preset `cpu-demo\x01`." in said("cpu-demo\x01")


def test_a_dotted_key_of_a_file_is_not_answered_with_itself(tmp_path):
    message = said(write_preset(tmp_path, "train.seed: 3\nmodel.tuning.rank: 4\n"))
    assert "train.seed: there is no such key" in message
    assert "(hint: a file has it below its section: `train: {seed: ...}`)" in message
    assert "`model: {tuning: {rank: ...}}`" in message
    assert "Did you mean `train.seed`" not in message


@pytest.mark.parametrize("written", ['{"a": 1, "a": 2}', '{"train": {"seed": 1, "seed": 2}}'])
def test_a_name_twice_in_json_is_refused_as_in_yaml(tmp_path, written):
    file = tmp_path / "mine.json"
    file.write_text(written)
    assert "is written twice in one object" in said(file)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("train.seed=yes", "train.seed: must be a whole number >= 0, is true (--set)"),
        ("optimizer.weight_decay=no", "optimizer.weight_decay: must be a number >= 0, is false (--set)"),
        ("train.seed=", "train.seed: must be a whole number >= 0, is null (--set)"),
        ("optimizer=null", "optimizer: is a section, is set to null (--set)"),
        ("model.id=", "model.id: must be text, is null (--set)"),
    ],
)
def test_values_are_shown_in_the_words_of_yaml(override, line):
    message = said("cpu-demo", [override])
    assert line in message
    assert "quotes" not in message


def test_unknown_key_without_a_neighbour_points_to_the_docs():
    assert "zyzzyva: there is no such key (--set) (hint: `leanrl keys` lists every key)" in said(
        "cpu-demo", ["zyzzyva=1"]
    )


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("algorithm.clip_low=7", "algorithm.clip_low: must be a number >= 0 and <= 1, is 7 (--set)"),
        ("train.max_steps=0", "train.max_steps: must be a whole number > 0 or null, is 0 (--set)"),
        ("train.max_steps=1.5", "train.max_steps: must be a whole number > 0 or null, is 1.5 (--set)"),
        ("train.max_steps=many", "train.max_steps: must be a whole number > 0 or null, is 'many' (--set)"),
        ("train.max_steps=true", "train.max_steps: must be a whole number > 0 or null, is true (--set)"),
        (
            "train.max_steps=-1",
            "train.max_steps: must be a whole number > 0 or null, is -1 (--set) (hint: Did you mean `null`?)",
        ),
        ("rollout.temperature=.inf", "rollout.temperature: must be a number > 0, is inf (--set)"),
        ("rewards.accuracy=.nan", "rewards.accuracy: must be a number, is nan (--set)"),
        ("rewards.accuracy=high", "rewards.accuracy: must be a number, is 'high' (--set)"),
        ("reward_options.accuracy=4", "reward_options.accuracy: must be a map from names to values, is 4 (--set)"),
        ("eval.greedy=1", "eval.greedy: must be true or false, is 1 (--set)"),
        ("model.tuning.targets=4", "model.tuning.targets: must be a list of names or all-linear, is 4 (--set)"),
        ("rollout.min_p=2", "rollout.min_p: must be a number >= 0 and <= 1 or null, is 2 (--set)"),
        (
            "hardware.device=cud",
            "hardware.device: must be auto, cpu or cuda, is 'cud' (--set) (hint: Did you mean `cuda`?)",
        ),
        (
            "data.generator=one_digit_sum",
            "data.generator: must be one_digit_sums, sums, products, gcd, linear_equations, base_conversion, "
            "satisfiability, json_objects, python or null, is 'one_digit_sum' (--set) "
            "(hint: Did you mean `one_digit_sums`?)",
        ),
        (
            "optimizer=3",
            "optimizer: is a section, is set to 3 (--set) (hint: set a key in it: `optimizer.<key>`, ",
        ),
        ("data.examples=[{problm: 1 + 1}]", "data.examples: must be a list of maps with problem and answer, is [{"),
        (
            "rewards.one_bix=null",
            "rewards.one_bix: --set removes it, but nothing set it (hint: Did you mean `one_box`?)",
        ),
        ("extends=plain", "extends: there is no such key (--set) (hint: a file extends one parent, named on its"),
    ],
)
def test_a_bad_value_is_named_with_what_is_wanted(override, line):
    assert f"  - {line}" in said("cpu-demo", [override])


def test_the_file_of_a_bad_value_is_named(tmp_path):
    file = write_preset(tmp_path, LEAST + "    train: {seed: -1}\n")
    assert f"train.seed: must be a whole number >= 0, is -1 (preset {file})" in said(file)


def test_a_number_for_text_in_a_file_is_told_to_be_quoted(tmp_path):
    file = write_preset(tmp_path, "extends: single-gpu-lora\nmodel: {revision: 1234567}\n")
    assert "model.revision: must be text or null, is 1234567" in said(file)
    assert "put the text in quotes" in said(file)


@pytest.mark.parametrize("override", ["train.max_steps", "=3", "train..seed=1", ""])
def test_an_override_without_key_or_value(override):
    assert f"--set {override}: is not of the form key=value" in said("cpu-demo", [override])


def test_an_override_that_is_no_yaml():
    message = said("cpu-demo", ["train.seed=[1, 2"])
    assert "train.seed: the value `[1, 2` cannot be read, line 1, column 1: the [ that opens here is not" in message


def test_everything_is_told_at_once(tmp_path):
    """Six faults of five kinds in one message, a contradiction among the good keys with them."""
    file = write_preset(tmp_path, LEAST + "    trian: {seed: 1}\n    algorithm: {clip_low: 2}\n")
    message = said(
        file, ["optimizer.lr=1e-3", "nonsense", "rewards.gone=null", "hardware.num_gpus=5", "train.num_prompts=12"]
    )
    assert "has 6 problems:" in message
    for expected in (
        "--set nonsense: is not of the form key=value",
        "rewards.gone: --set removes it",
        f"trian: there is no such key (preset {file}) (hint: Did you mean `train`?)",
        "optimizer.lr: there is no such key (--set) (hint: Did you mean `optimizer.learning_rate`?)",
        "algorithm.clip_low: must be a number >= 0 and <= 1, is 2",
        "12 prompts x 6 completions over 5 training ranks",
    ):
        assert expected in message


def test_no_contradiction_is_told_of_a_key_whose_own_value_is_bad():
    """With the bad value left out, hardware.num_gpus would be 1 and contradict the CPU: nobody set that."""
    message = said("cpu-demo", ["hardware.num_gpus=-1"])
    assert "has one problem:" in message
    assert "hardware.num_gpus: must be a whole number >= 0, is -1" in message


def test_broken_yaml_has_a_place(tmp_path):
    file = write_preset(tmp_path, "train:\n  seed: 1\n  max_steps: [1, 2\nmodel: 3\n")
    assert said(file).startswith(f"{file}, line 3, column 14: the [ that opens here is not closed")


def test_a_key_that_is_written_twice_has_a_place(tmp_path):
    file = write_preset(tmp_path, "train:\n  seed: 1\n  seed: 2\n")
    assert said(file).startswith(f"{file}, line 3, column 3: `seed` is written twice")


def test_a_key_that_is_no_name_has_a_place(tmp_path):
    file = write_preset(tmp_path, "train:\n  [1, 2]: 3\n")
    assert said(file).startswith(f"{file}, line 2, column 3: ")


def test_broken_json_has_a_place(tmp_path):
    file = write_preset(tmp_path, '{"train": {"seed": 1}\n', name="config.json")
    assert said(file).startswith(f"{file}, line 2, column 1: ")


def test_a_file_that_holds_no_keys(tmp_path):
    file = write_preset(tmp_path, "- 1\n- 2\n")
    assert said(file).startswith(f"{file} holds a list, not keys with values.\nhint: write `key: value`")


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00")
    assert "mine.yaml is not UTF-8: byte 1 (0xff)" in said(tmp_path / "mine.yaml")


def test_a_file_that_is_not_there(tmp_path):
    message = said(tmp_path / "none.yaml")
    assert message.startswith(f"There is no file {tmp_path / 'none.yaml'}.")


def test_parents_in_a_circle(tmp_path):
    write_preset(tmp_path, "extends: b.yaml\n", name="a.yaml")
    write_preset(tmp_path, "extends: a.yaml\n", name="b.yaml")
    assert "a.yaml extends itself, by way of a.yaml -> b.yaml." in said(tmp_path / "a.yaml")


def test_more_than_one_parent(tmp_path):
    file = write_preset(tmp_path, "extends: [cpu-demo, plain]\n")
    assert "`extends` must be the name of one preset or file, is ['cpu-demo', 'plain']" in said(file)


def test_an_unknown_parent_is_named_like_an_unknown_preset(tmp_path):
    file = write_preset(tmp_path, "extends: cpu-dmo\n")
    assert "Did you mean `cpu-demo`?" in said(file)
