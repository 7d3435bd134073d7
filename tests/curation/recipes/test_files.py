"""Recipes: the shipped ones, a user's own, and everything that can be wrong with one."""

from pathlib import Path

import pytest
import yaml

from leanrl.curation.recipes.files import load_recipe, recipe_names, recipe_text
from leanrl.errors import ConfigError

PLAIN = {
    "parts": {"a": {"sources": {"s": {"path": "rows.jsonl"}}, "stages": {"exact_duplicates": {}}}},
}


def written(tmp_path: Path, tree: dict) -> str:
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    return str(file)


def error_of(tmp_path: Path, tree: dict, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_recipe(written(tmp_path, tree), overrides)
    return str(caught.value)


def test_shipped_recipes_have_the_papers_counts():
    """arXiv 2503.16219, section 2."""
    assert recipe_names() == ["mini", "open-deepscaler", "open-rs", "open-s1"]

    def published(name: str) -> list[int | None]:
        part = load_recipe(name).parts[0]
        sources = [source.published_rows for source in part.config.sources.values()]
        return [*sources, *(stage.published_rows for stage in part.stages if stage.published_rows)]

    assert published("open-s1") == [59_029, 31_323, 21_533, 18_615]
    assert published("open-deepscaler") == [40_315, 21_044]
    rs = load_recipe("open-rs")
    assert [(each.part, each.num_rows, each.level) for each in rs.mix] == [
        ("open_s1", 3000, "Hard"), ("open_deepscaler", 3000, "Hard"), ("easy", 1000, "Easy"),
    ]  # fmt: skip
    assert rs.recipe.published_rows == 7000
    assert set(rs.recipe.models) == {"s1_solver", "deepscaler_solver", "judge"}
    assert all(source.revision is None for part in rs.parts for source in part.config.sources.values())


def test_a_part_comes_behind_the_one_it_takes_rows_from(tmp_path: Path):
    tree = {"parts": {"easy": {"dropped_by": {"part": "a", "stage": "gold_verifies"}}, **PLAIN["parts"]}}
    assert [part.name for part in load_recipe(written(tmp_path, tree)).parts] == ["a", "easy"]


def test_every_part_ends_with_golds_that_verify(tmp_path: Path):
    assert [stage.name for stage in load_recipe(written(tmp_path, PLAIN)).parts[0].stages] == [
        "exact_duplicates", "gold_verifies",
    ]  # fmt: skip


def test_overrides(tmp_path: Path):
    overrides = ["seed=9", "parts.a.sources.s.path=other.jsonl", "parts.a.stages.exact_duplicates.text=whole"]
    recipe = load_recipe(
        written(tmp_path, {**PLAIN, "mix": [{"part": "a", "num_rows": 1}]}), [*overrides, "mix.0.num_rows=5"]
    )
    assert (recipe.recipe.seed, recipe.parts[0].config.sources["s"].path) == (9, "other.jsonl")
    assert recipe.parts[0].stages[0].parameters.text == "whole"
    assert recipe.mix[0].num_rows == 5
    assert "mix.7: 7 is no number" in error_of(tmp_path, {**PLAIN, "mix": [{"part": "a"}]}, "mix.7=1")
    assert "not of the form key=value" in error_of(tmp_path, PLAIN, "seed")
    assert "seed.deep: seed has no keys" in error_of(tmp_path, {**PLAIN, "seed": 1}, "seed.deep=1")


def changed(**part: object) -> dict:
    return {"parts": {"a": {**PLAIN["parts"]["a"], **part}}}


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({**PLAIN, "sead": 1}, "sead: there is no such key (hint: Did you mean `seed`?)"),
        ({**PLAIN, "seed": "x"}, "seed: should be a valid integer, is 'x'"),
        ({}, "parts: there is none"),
        (
            changed(sources={"s": {"paht": "x"}}),
            "parts.a.sources.s.paht: there is no such key (hint: Did you mean `path`?)",
        ),
        (changed(sources={"s": {}}), "parts.a.sources.s: names no source"),
        (changed(sources={"s": {"path": "x", "hub_id": "y"}}), "names several sources: hub_id, path"),
        (changed(sources={"s": {"generator": "sum", "num_rows": 3}}), "Did you mean `sums`?"),
        (changed(sources={"s": {"generator": "sums", "num_rows": 3, "levels": [9]}}), "sums has the levels 1 to 6"),
        (
            changed(sources={"s": {"generator": "json_objects", "num_rows": 3}}),
            "does not judge answers of json_objects",
        ),
        (changed(sources={"s": {"generator": "sums"}}), "as many rows as are asked for"),
        (changed(sources={}), "parts.a: needs either sources or dropped_by"),
        (changed(dropped_by={"part": "a", "stage": "x"}), "parts.a: needs either sources or dropped_by"),
        (changed(sources={}, dropped_by={"part": "b", "stage": "x"}), "there is no part 'b'"),
        (changed(sources={}, dropped_by={"part": "a", "stage": "gold_verifies"}), "from itself"),
        (changed(stages={"exact_duplicate": {}}), "Did you mean `exact_duplicates`?"),
        (changed(stages={"exact_duplicates": {"txt": "whole"}}), "exact_duplicates.txt: there is no such key"),
        (
            changed(stages={"x": {"kind": "pass_rate", "model": "m"}}),
            "'m' is none of the recipe's models (there are none)",
        ),
        (changed(stages={"pass_rate": {"model": "m", "min_rate": 0.5, "max_rate": 0.1}}), "above max_rate 0.1"),
        (changed(stages={"boxed_answer": {}}), "source s has no solution_column"),
        (changed(stages={"column_values": {"column": "level", "min": 1}}), "no column that source s keeps"),
        ({**PLAIN, "mix": [{"part": "b"}]}, "mix[0].part: there is no part 'b'"),
        ({**PLAIN, "mix": [{"part": "a"}, {"part": "a"}]}, "mix[1].part: a is there twice"),
        (
            {**PLAIN, "models": {"m": {}}, **changed(stages={"pass_rate": {"model": "m"}})},
            "models.m.id: names no model",
        ),
        (
            changed(stages={"exact_duplicates": {"published_rows": "many"}}),
            "exact_duplicates.published_rows: should be a valid integer, is 'many'",
        ),
        (changed(stages={"x": {"kind": 3}}), "parts.a.stages.x.kind: should be a valid string, is 3"),
        ({"parts": {"../a": PLAIN["parts"]["a"]}}, "parts.../a: is no name"),
        (changed(sources={"s": "rows.jsonl"}), "parts.a.sources.s: should be a valid map of keys, is 'rows.jsonl'"),
        (changed(sources={"s": {"path": "x", "kept_columns": ["part"]}}), "has a column `part` of its own"),
        ({**PLAIN, "order": "easy_to_hard"}, "order: easy_to_hard sorts by the columns level and pass_rate, and no"),
        ({"parts": {"a": {"recipe": "open-s1"}}, "models": ["x"]}, "models: should be a valid map of keys"),
        ({"parts": {"a": {"recipe": "mini"}}}, "has not exactly one part"),
        ({**PLAIN, "models": {"m": {"endpoint": "host:8000/v1"}}}, "models.m.endpoint: is host:8000/v1, which is no"),
        ({**PLAIN, "models": {"m": {"endpoint": "http://me:pw@host/v1"}}}, "models.m.endpoint: holds a name or a pass"),
        ({**PLAIN, "models": {"m": {"endpoint": "http://host/v1?key=x"}}}, "models.m.endpoint: goes on behind a ?"),
        ({"parts": {"a": {"recipe": "open-s1", "stages": {}}}}, "has no keys of its own"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, tree: dict, said: str):
    assert said in error_of(tmp_path, tree)


def test_all_problems_at_once(tmp_path: Path):
    tree = {**changed(stages={"exact_duplicate": {}}, sources={"s": {}}), "mix": [{"part": "b"}]}
    assert error_of(tmp_path, tree).count("\n  - ") == 3


def test_files_that_are_no_recipe(tmp_path: Path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("parts:\n  a: [1, 2\n")
    listed, latin = tmp_path / "listed.yaml", tmp_path / "latin.yaml"
    listed.write_text("- a\n- b\n")
    latin.write_bytes("about: gr\u00f6\u00dfer\n".encode("latin-1"))
    for name, said in (
        (str(broken), "broken.yaml"),
        ("open-s2", "Did you mean `open-s1`?"),
        (str(tmp_path), "no recipe"),
        (str(listed), "listed.yaml holds a list, not keys with values"),
        (str(latin), "latin.yaml:1: byte 10 of the line (0xf6) is not UTF-8"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_recipe(name)
        assert said in str(caught.value)
    with pytest.raises(ConfigError, match="open-rs"):
        recipe_text("open-r")
