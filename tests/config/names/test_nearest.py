"""Names that people bring along from TRL, transformers, vLLM, verl and axolotl."""

import dataclasses
import re

import pytest

from leanrl.config.keys import schema_groups, schema_keys
from leanrl.config.load import load_config
from leanrl.config.names.elsewhere import NOT_HERE, NUMBER_MEANS, OTHERWISE, SAME, SECTION_MEANS, VALUES
from leanrl.config.names.nearest import hint_for_key, hint_for_value
from leanrl.config.overrides import parse_overrides
from leanrl.config.validation import validate
from leanrl.errors import ConfigError
from leanrl.seams.registry import SEAMS, choice_problems, known_plugins, option_parameters

OPTIONS = {
    f"algorithm.{seam}.{option}"
    for seam in SEAMS
    for maker in known_plugins(seam).values()
    for option in ("name", *option_parameters(maker))
}
KNOWN = schema_keys().keys() | schema_groups().keys() | OPTIONS
IN_A_MAP = ("rewards.", "model.chat_template_kwargs.")
KEY_IN_TEXT = re.compile(r"\b([a-z_]+(?:\.[a-z_0-9]+)+)\b(=[\w/.-]+)?")


def problems_of(*overrides):
    layer, unreadable = parse_overrides(overrides)
    config, invalid = validate(layer.values, {})
    return [*unreadable, *invalid, *choice_problems(config)]


def test_no_name_is_in_two_tables_and_none_is_ours():
    tables = [set(SAME), set(OTHERWISE), set(NOT_HERE)]
    assert sum(map(len, tables)) == len(set.union(*tables))
    assert not set.union(*tables) & KNOWN
    # Plug-ins have their options below a seam alone. The last words of eval.batch_size and schedules.X.steps are known.
    assert set.union(*tables) & {name.rpartition(".")[2] for name in KNOWN - OPTIONS} <= {"batch_size", "steps"}


@pytest.mark.parametrize(("name", "ours"), SAME.items())
def test_the_same_thing_leads_to_a_key_that_exists(name, ours):
    assert ours in schema_keys().keys() | OPTIONS
    assert hint_for_key(name) == f"Did you mean `{ours}`?"


@pytest.mark.parametrize(("name", "wanted"), [(name, wanted) for name, (wanted, _) in OTHERWISE.items()])
def test_another_way_of_setting_it_is_a_flag_that_validates(name, wanted):
    key, _, value = wanted.partition("=")
    assert key in schema_keys().keys() | OPTIONS or key.startswith(IN_A_MAP)
    if not value.isupper() and "FILE" not in value and "OWNER" not in value:
        assert problems_of(wanted) == []
    assert hint_for_key(name).startswith(f"Did you mean `{key}`? `-s {wanted}` is ")


@pytest.mark.parametrize(("name", "instead"), NOT_HERE.items())
def test_what_is_not_here_is_said_plainly(name, instead):
    assert hint_for_key(name) == f"leanrl has no such setting: {instead}"


@pytest.mark.parametrize(
    "text", [*NOT_HERE.values(), *(difference for _, difference in OTHERWISE.values())], ids=lambda text: text[:30]
)
def test_every_key_that_an_explanation_names_exists(text):
    for key, value in KEY_IN_TEXT.findall(text):
        assert key in KNOWN, text
        assert not value or problems_of(f"{key}{value}") == [], text


@pytest.mark.parametrize(
    ("key", "theirs", "ours"), [(key, theirs, ours) for key, table in VALUES.items() for theirs, ours in table.items()]
)
def test_a_value_from_elsewhere_leads_to_one_that_the_key_takes(key, theirs, ours):
    assert problems_of(f"{key}={ours}") == []
    (problem,) = problems_of(f"{key}={theirs}")
    if key in schema_keys():
        assert theirs not in schema_keys()[key].choices
        assert hint_for_value(schema_keys()[key], theirs) == problem.hint
    # Where a word is `true` to YAML, the map as a whole is refused.
    as_flag = f"`-s {key}={ours}` names a plug-in" if key in OPTIONS else None
    assert problem.hint in (f"Did you mean `{ours}`?", as_flag)


@pytest.mark.parametrize(("key", "takes_it"), NUMBER_MEANS.items())
def test_a_number_leads_to_the_key_that_takes_it(key, takes_it):
    (problem,) = problems_of(f"{key}=4")
    assert problem.hint == f"a number has a key of its own: `-s {takes_it}=4`"
    assert problems_of(f"{takes_it}=4") == []


@pytest.mark.parametrize("group", [name for name in schema_groups() if "." not in name or name == "model.tuning"])
def test_a_section_that_is_set_like_a_key_names_one_of_its_keys(group):
    assert SECTION_MEANS[group] in schema_keys()
    (problem,) = problems_of(f"{group}=x")
    assert f"`{SECTION_MEANS[group]}`" in problem.hint


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        # verl's dotted names; their last part alone would mean something else for some of them
        ("actor_rollout_ref.actor.optim.lr", "optimizer.learning_rate"),
        ("actor_rollout_ref.rollout.n", "train.num_completions"),
        ("actor_rollout_ref.rollout.name", "rollout.engine"),
        ("actor_rollout_ref.model.path", "model.id"),
        ("actor_rollout_ref.actor.kl_loss_coef", "algorithm.kl_beta"),
        ("actor_rollout_ref.rollout.gpu_memory_utilization", "rollout.gpu_memory_fraction"),
        ("data.train_batch_size", "train.num_prompts"),
        ("data.max_response_length", "rollout.max_completion_tokens"),
        ("data.train_files", "data.path"),
        ("trainer.save_freq", "checkpoints.every_steps"),
        ("trainer.n_gpus_per_node", "hardware.num_gpus"),
        ("algorithm.kl_ctrl.kl_coef", "algorithm.kl_beta"),
        # axolotl's and TRL's
        ("trl.num_generations", "train.num_completions"),
        ("trl.beta", "algorithm.kl_beta"),
        ("vllm.port", "rollout.server_port"),
        ("base_model", "model.id"),
        # ours, in the wrong place or mistyped
        ("train.learning_rate", "optimizer.learning_rate"),
        ("trainer.seed", "train.seed"),
        ("max_step", "train.max_steps"),
    ],
)
def test_dotted_names(name, ours):
    assert hint_for_key(name).startswith(f"Did you mean `{ours}`?")


@pytest.mark.parametrize(
    "name", ["critic.optim.lr", "reward_model.model.path", "actor_rollout_ref.rollout.multi_turn.enable"]
)
def test_a_key_in_a_section_of_what_is_not_here_says_so(name):
    assert hint_for_key(name).startswith("leanrl has no such setting: ")


def test_every_field_of_trls_own_config_has_an_answer():
    """A name of TRL's that leanrl does not know is answered by its table, not by what looks like it."""
    from transformers import TrainingArguments
    from trl import GRPOConfig

    theirs = {field.name for field in dataclasses.fields(GRPOConfig)}
    theirs -= {field.name for field in dataclasses.fields(TrainingArguments)}
    leaves = {name.rpartition(".")[2] for name in schema_keys()}
    missing = theirs - set(SAME) - set(OTHERWISE) - set(NOT_HERE) - leaves
    assert missing == set()


def test_a_section_of_another_library_is_answered_key_by_key(tmp_path):
    path = tmp_path / "verl.yaml"
    path.write_text(
        "extends: cpu-demo\nactor_rollout_ref:\n  actor:\n    optim: {lr: 1e-6}\n    kl_loss_coef: 0.1\n"
        "  rollout: {n: 8}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_config(str(path))
    hints = {problem.where.rpartition(".")[2]: problem.hint for problem in caught.value.problems}
    assert hints == {
        "lr": "Did you mean `optimizer.learning_rate`?",
        "kl_loss_coef": "Did you mean `algorithm.kl_beta`?",
        "n": "Did you mean `train.num_completions`?",
    }
