"""What is other than at the start of a run: which of it is dangerous, and what the message says."""

import json

import pytest

from leanrl.storage.fingerprints import changes, facts_of_folder, keep_config, note
from leanrl.storage.run_folder import RunFolder

KEPT = {
    "data": {"sha256": "a" * 64, "num_train_rows": 90, "num_heldout_rows": 10},
    "model": {"config": "b" * 64, "weights": "c" * 64, "tokenizer": "d" * 64},
    "chat_template": "e" * 64,
    "plugins": {"00-own.py": "f" * 64},
    "config": {"train": {"max_steps": 5, "num_prompts": 4}, "rewards": {"accuracy": 1.0}, "data": {"path": "a.jsonl"}},
}


def _other(**parts):
    return json.loads(json.dumps(KEPT)) | parts


def test_the_same_again_has_no_changes():
    found = changes(KEPT, _other())
    assert (found.dangerous, found.harmless) == ([], [])


@pytest.mark.parametrize(
    ("parts", "where", "words"),
    [
        ({"data": {"sha256": "9" * 64, "num_train_rows": 91, "num_heldout_rows": 10}}, "data", "91 rows to train on"),
        ({"data": {"sha256": "9" * 64, "num_train_rows": 90, "num_heldout_rows": 10}}, "data", "SHA-256 999999999999"),
        ({"model": KEPT["model"] | {"weights": "9" * 64}}, "model", "the tensors of the base model is 999999999999"),
        ({"model": KEPT["model"] | {"config": "9" * 64}}, "model", "config.json of the base model"),
        ({"model": KEPT["model"] | {"tokenizer": "9" * 64}}, "model", "the tokenizer of the base model"),
        ({"chat_template": "9" * 64}, "chat template", "had eeeeeeeeeeee"),
        ({"chat_template": None}, "chat template", "is gone, and had the SHA-256 eeeeeeeeeeee"),
        ({"config": KEPT["config"] | {"rewards": {"format": 1.0}}}, "rewards.accuracy", "is not there, and was 1.0"),
        ({"config": KEPT["config"] | {"train": {"max_steps": 5, "num_prompts": 8}}}, "train.num_prompts", "is 8"),
    ],
)
def test_what_makes_another_run_of_it_is_dangerous(parts, where, words):
    found = changes(KEPT, _other(**parts))
    assert where in [problem.where for problem in found.dangerous]
    assert words in " ".join(map(str, found.dangerous))
    assert not found.harmless


@pytest.mark.parametrize(
    ("section", "values", "line"),
    [
        ("train", {"max_steps": 9, "num_prompts": 4}, "train.max_steps is 9, and was 5 when the run was last started"),
        ("data", {"path": "b.jsonl"}, "data.path is 'b.jsonl', and was 'a.jsonl' when the run was last started"),
    ],
)
def test_what_changes_no_number_is_listed(section, values, line):
    """The place of the data is harmless: its content has a hash of its own."""
    found = changes(KEPT, _other(config=KEPT["config"] | {section: values}))
    assert (found.dangerous, found.harmless) == ([], [line])


def test_a_run_without_fingerprints_has_nothing_to_compare():
    found = changes({}, KEPT)
    assert (found.dangerous, found.harmless) == ([], [])


def test_facts_of_a_folder_are_noted_beside_those_of_others(tmp_path):
    run = RunFolder(tmp_path)
    keep_config(run, {"train": {"max_steps": 5}})
    note(run, {"data": KEPT["data"]})
    (tmp_path / "own.py").write_text("pass\n")
    run.keep_plugins([tmp_path / "own.py"])
    run.keep_template("{{ messages }}")
    note(run, facts_of_folder(run))
    kept = json.loads(run.fingerprints.read_text())
    assert kept["data"] == KEPT["data"]
    assert kept["config"] == {"train": {"max_steps": 5}}
    # by sha256sum
    assert kept["plugins"] == {"00-own.py": "9f56e761d79bfdb34304a012586cb04d16b435ef6130091a97702e559260a2f2"}
    assert kept["chat_template"] == "f24189f08c85a1eb19a737306c3a13e85462ee33d964f28108d64a2485fa2171"
