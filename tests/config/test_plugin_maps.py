"""The maps of a step's plug-ins over layers: a name brings its options, and takes those of another plug-in away."""

import pytest

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.config.sections.algorithm import USUAL
from leanrl.errors import ConfigError
from leanrl.seams.registry import SEAMS
from tests.config.written import LEAST, write_preset

PARENT = f"""{LEAST}
    algorithm:
      advantage: {{name: group, baseline: leave_one_out, scale: batch}}
      keep_rows: {{name: pods, rows: 4}}
      refill: {{name: until_full, max_rounds: 3}}
"""


def algorithm_of(path, *overrides):
    return load_config(path, overrides).config.algorithm


@pytest.fixture
def parent(tmp_path):
    return write_preset(tmp_path, PARENT, name="parent.yaml")


def test_without_a_word_every_seam_is_as_usual():
    algorithm = RunConfig().algorithm
    for seam in SEAMS:
        choice = algorithm.choice(seam)
        assert (None if choice is None else choice.name) == USUAL.get(seam)


def test_settings_of_the_command_line_make_one_map(tmp_path):
    path = write_preset(tmp_path)
    resolved = load_config(path, ["algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=4"])
    assert resolved.config.algorithm.keep_rows == {"name": "pods", "rows": 4}
    origins = {key: origin for key, origin in resolved.origins.items() if key.startswith("algorithm.keep_rows")}
    assert origins == {"algorithm.keep_rows.name": "--set", "algorithm.keep_rows.rows": "--set"}


def test_an_option_alone_is_one_of_the_usual_plug_in(tmp_path):
    resolved = load_config(write_preset(tmp_path), ["algorithm.advantage.scale=none"])
    assert resolved.config.algorithm.advantage == {"name": "group", "scale": "none"}
    assert resolved.origins["algorithm.advantage.name"] == "default"
    assert resolved.origins["algorithm.advantage.scale"] == "--set"


def test_the_same_name_keeps_the_options_below_it(tmp_path, parent):
    assert algorithm_of(parent, "algorithm.keep_rows.name=pods").keep_rows == {"name": "pods", "rows": 4}
    # A file may leave the usual name out, and it is the same one all the same.
    nameless = write_preset(tmp_path, f"{LEAST}\n    algorithm: {{advantage: {{scale: none}}}}\n")
    assert algorithm_of(nameless, "algorithm.advantage.name=group").advantage == {"name": "group", "scale": "none"}


@pytest.mark.parametrize(
    ("overrides", "seam", "expected"),
    [
        (["algorithm.keep_rows.name=signal"], "keep_rows", {"name": "signal"}),
        (
            ["algorithm.keep_rows.by=reward", "algorithm.keep_rows.name=signal"],
            "keep_rows",
            {"name": "signal", "by": "reward"},
        ),
        (["algorithm.advantage.name=max_rl"], "advantage", {"name": "max_rl"}),
        (["algorithm.advantage.name=max_rl"], "refill", {"name": "until_full", "max_rounds": 3}),
    ],
)
def test_another_name_lets_go_of_the_options_below_it(parent, overrides, seam, expected):
    assert getattr(algorithm_of(parent, *overrides), seam) == expected


@pytest.mark.parametrize("key", ["refill", "refill.name"])
def test_null_takes_a_plug_in_away(tmp_path, parent, key):
    assert algorithm_of(parent, f"algorithm.{key}=null").refill == {}
    assert algorithm_of(write_preset(tmp_path), f"algorithm.{key}=null").refill == {}, "and nothing where none is"


def test_null_leaves_the_usual_plug_in_with_its_defaults(parent):
    assert algorithm_of(parent, "algorithm.advantage=null").advantage == {"name": "group"}


def test_null_in_a_file_takes_a_plug_in_of_its_parent_away(tmp_path, parent):
    child = write_preset(tmp_path, f"    extends: {parent}\n    algorithm: {{refill: null, keep_rows: null}}\n")
    algorithm = algorithm_of(child)
    assert (algorithm.keep_rows, algorithm.refill) == ({}, {})
    assert algorithm.advantage == {"name": "group", "baseline": "leave_one_out", "scale": "batch"}


def test_a_map_that_is_taken_away_can_be_filled_anew(tmp_path, parent):
    child = write_preset(tmp_path, f"    extends: {parent}\n    algorithm: {{refill: null, keep_rows: null}}\n")
    assert algorithm_of(child, "algorithm.keep_rows.name=pods", "algorithm.keep_rows.rows=2").keep_rows["rows"] == 2


@pytest.mark.parametrize(
    ("override", "where", "hint"),
    [
        ("algorithm.keep_rows=pods", "algorithm.keep_rows", "`-s algorithm.keep_rows.name=pods` names a plug-in"),
        ("algorithm.correction=false", "algorithm.correction", "`-s algorithm.correction.name=none` names a plug-in"),
        ("algorithm.correction.name=no", "algorithm.correction", "`-s algorithm.correction.name=none`"),
        ("algorithm.refill.name=3", "algorithm.refill", "`leanrl plugins` lists them"),
        ("algorithm.keep_row.name=pods", "algorithm.keep_row.name", "`algorithm.keep_rows.name`"),
        ("algorithm.advantage_baseline=mean", "algorithm.advantage_baseline", "`algorithm.advantage.baseline`"),
        ("algorithm.advantage_scale=none", "algorithm.advantage_scale", "`algorithm.advantage.scale`"),
        ("algorithm.importance_correction=none", "algorithm.importance_correction", "`algorithm.correction.name`"),
        ("algorithm.importance_clip=3", "algorithm.importance_clip", "`algorithm.correction.clip`"),
        ("algorithm.importance_mask_low=1", "algorithm.importance_mask_low", "`algorithm.correction.mask_low`"),
        ("algorithm.importance_mask_high=1", "algorithm.importance_mask_high", "`algorithm.correction.mask_high`"),
    ],
)
def test_what_was_most_likely_meant_is_named(tmp_path, override, where, hint):
    with pytest.raises(ConfigError) as caught:
        load_config(write_preset(tmp_path), [override])
    (problem,) = caught.value.problems
    assert problem.where == where
    assert hint in problem.hint


def test_a_key_of_a_file_that_has_another_name_is_named(tmp_path):
    old = f"{LEAST}\n    algorithm: {{advantage_scale: none, importance_clip: 3.0}}\n"
    with pytest.raises(ConfigError) as caught:
        load_config(write_preset(tmp_path, old))
    hints = {problem.where: problem.hint for problem in caught.value.problems}
    assert hints == {
        "algorithm.advantage_scale": "Did you mean `algorithm.advantage.scale`?",
        "algorithm.importance_clip": "Did you mean `algorithm.correction.clip`?",
    }
