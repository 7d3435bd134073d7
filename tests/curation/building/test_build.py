"""A build: its files, its ledger, equal bytes for equal inputs, and what ends it."""

import json
import random
import re
import resource
import shutil
from pathlib import Path

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.config.sections.data import DataConfig
from leanrl.curation.building.folder import read_manifest, sha256_of
from leanrl.curation.building.ledger import read_ledger
from leanrl.curation.recipes.files import recipe_names
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, DataError, DoesNotFitError, MissingError
from leanrl.storage.run_lock import hold
from tests.cli.run import leanrl, tiny_overrides
from tests.curation.building.recipes import Quiet, built, files_of, sums, write_recipe

ROWS = [
    *sums(6),
    {"id": "x", "problem": "Prove that 1 + 1 is 2.", "answer": "2"},
    {"id": "y", "problem": "", "answer": "2"},
    {"id": "z", "problem": "what is 1 + 2 APPLES", "answer": "3"},
]
STAGES = {"problem_kinds": {}, "exact_duplicates": {}, "column_values": {"column": "rank", "max": 3}}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built dataset; read it, never write to it."""
    folder = tmp_path_factory.mktemp("small")
    built(write_recipe(folder, ROWS, STAGES, mix=[{"part": "sums", "num_rows": 3, "level": "Easy"}]), folder / "out")
    return folder / "out"


def test_the_funnel(small: Path):
    """9 rows: one asks nothing, one asks for a proof, one is a copy, two have a rank above 3, one is not drawn."""
    steps = [(step["stage"], step["num_before"], step["num_after"]) for step in read_manifest(small)["funnel"]]
    assert steps == [
        ("read", 9, 8), ("problem_kinds", 8, 7), ("exact_duplicates", 7, 6), ("column_values", 6, 4),
        ("gold_verifies", 4, 4), ("mix", 4, 3),
    ]  # fmt: skip


def test_the_ledger_says_of_each_row_what_became_of_it(small: Path):
    records = list(read_ledger(small / "_curation" / "ledger.parquet"))
    dropped = {record.row_id: (record.stage, record.reason) for record in records if not record.kept}
    assert dropped["x"] == ("problem_kinds", "asks for a proof: 'Prove'")
    assert dropped["y"] == ("read", "no problem")
    assert dropped["z"] == ("exact_duplicates", "a copy: of s1")
    assert dropped["s5"] == ("column_values", "rank is 5")
    kept = {record.row_id for record in records if record.stage == "mix" and record.kept}
    assert len(kept) == 3
    assert {record.row_id for record in records if record.stage == "read"} == {row["id"] for row in ROWS}


def test_the_manifest_has_hashes_versions_and_licences(small: Path):
    manifest = read_manifest(small)
    assert manifest["sources"][0] | {"sha256": ""} == {
        "part": "sums", "name": "s", "origin": {"kind": "path", "value": manifest["sources"][0]["origin"]["value"]},
        "revision": None, "num_rows": 9, "published_rows": None, "sha256": "", "licence": "MIT",
    }  # fmt: skip
    assert {"leanrl", "datasets", "pyarrow"} <= set(manifest["versions"])
    for name, expected in manifest["files_sha256"].items():
        assert sha256_of(small / name) == expected
    assert manifest["recipe"]["parts"]["sums"]["stages"] == STAGES


def test_train_and_datasets_read_the_folder(small: Path, tmp_path: Path):
    import datasets

    rows = datasets.load_dataset(str(small), cache_dir=str(tmp_path))["train"]
    assert rows.column_names == ["id", "problem", "answer", "source", "rank", "part", "level"]
    assert set(rows["level"]) == {"Easy"}
    problems = load_problems(DataConfig(path=str(small)), seed=0)
    assert [row.id for row in problems.train] == list(rows["id"])
    assert problems.dropped == []


def test_equal_inputs_give_equal_bytes(tmp_path: Path):
    recipe = write_recipe(tmp_path, ROWS, STAGES)
    for name in ("one", "two"):
        built(recipe, tmp_path / name)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_a_whole_build_is_left_alone_and_another_recipe_is_refused(tmp_path: Path):
    recipe = write_recipe(tmp_path, ROWS, STAGES)
    assert built(recipe, tmp_path / "out").is_new
    before = files_of(tmp_path / "out")
    assert not built(recipe, tmp_path / "out").is_new
    with pytest.raises(ConfigError, match=r"recipe.seed is 5, and was 1"):
        built(recipe, tmp_path / "out", "seed=5")
    with pytest.raises(ConfigError, match="nothing is overwritten"):
        built(recipe, tmp_path)
    assert files_of(tmp_path / "out") == before


def test_one_process_at_a_time(tmp_path: Path):
    recipe = write_recipe(tmp_path, ROWS, STAGES)
    unfinished = tmp_path / "out" / "_curation" / "unfinished"
    unfinished.mkdir(parents=True)
    with hold(unfinished), pytest.raises(ConfigError, match="is being built by process"):
        built(recipe, tmp_path / "out")
    assert built(recipe, tmp_path / "out").is_new


def test_an_empty_result_names_its_stage(tmp_path: Path):
    recipe = write_recipe(tmp_path, ROWS, {**STAGES, "column_values": {"column": "rank", "min": 50}})
    with pytest.raises(DataError) as caught:
        built(recipe, tmp_path / "out")
    assert "Part sums: the stage column_values drops all 6 rows" in str(caught.value)
    assert "1 rows: rank is 0" in str(caught.value)
    assert "parts.sums.stages.column_values" in caught.value.hint


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path):
    recipe = write_recipe(tmp_path, ROWS, {}, source={"problem_column": "ask", "kept_columns": []})
    with pytest.raises(DataError) as caught:
        built(recipe, tmp_path / "out")
    assert "has no column 'ask' (parts.sums.sources.s.problem_column)" in str(caught.value)
    assert "Its columns are: id, problem, answer, rank." in str(caught.value)
    other = write_recipe(tmp_path / "b", ROWS, {}, source={"solution_column": "proof", "kept_columns": ["size"]})
    with pytest.raises(DataError) as caught:
        built(other, tmp_path / "b" / "out")
    assert "solution_column: there is no column 'proof'" in str(caught.value)
    assert "kept_columns: there is no column 'size'" in str(caught.value)


def test_broken_json_names_its_line(tmp_path: Path):
    recipe = write_recipe(tmp_path, ROWS, {})
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROWS[0]) + "\n{broken\n")
    with pytest.raises(DataError, match=r"rows.jsonl:2: not valid JSON"):
        built(recipe, tmp_path / "out")


def test_mixed_types_name_both_rows(tmp_path: Path):
    rows = [*sums(2), {"problem": "What is it?", "answer": "1", "rank": "low"}]
    with pytest.raises(DataError) as caught:
        built(write_recipe(tmp_path, rows, {}), tmp_path / "out")
    assert "'rank' holds a number" in str(caught.value)
    assert "rows.jsonl:1) and a text (" in str(caught.value)
    assert "rows.jsonl:3: 'low'" in str(caught.value)


def test_a_hub_that_is_not_reached_says_what_to_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_: object, **__: object) -> None:
        raise MissingError("the Hub cannot be reached")

    monkeypatch.setattr("leanrl.curation.building.reading.read_hub_source", unreachable)
    with pytest.raises(MissingError) as caught:
        built("open-deepscaler", tmp_path / "out")
    assert "hf download agentica-org/DeepScaleR-Preview-Dataset --repo-type dataset" in caught.value.hint
    assert "-s parts.open_deepscaler.sources.deepscaler.path=DeepScaleR-Preview-Dataset" in caught.value.hint


@pytest.mark.parametrize("max_rank", [9999, 1])
def test_a_disk_that_fills_is_gone_on_from(tmp_path: Path, max_rank: int):
    """The system refuses more than 80 KB in a file: the rows are more where all stay, the ledger where most go."""
    draw = random.Random(0)
    rows = [{**row, "problem": f"{row['problem']} {draw.randbytes(400).hex()}"} for row in sums(300)]
    recipe = write_recipe(tmp_path, rows, {"column_values": {"column": "rank", "max": max_rank}})
    whole = built(recipe, tmp_path / "whole")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, hard))
    try:
        with pytest.raises(DoesNotFitError, match="the disk takes no more") as caught:
            built(recipe, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the same command goes on" in caught.value.hint
    with pytest.raises(DataError, match="not finished"):
        read_manifest(tmp_path / "out")
    built(recipe, tmp_path / "out")
    assert files_of(tmp_path / "out") == files_of(whole.path)


def test_fewer_rows_than_the_mix_wants_are_said_and_not_forced(tmp_path: Path):
    listener = Quiet()
    mix = [{"part": "sums", "num_rows": 100}]
    made = built(write_recipe(tmp_path, sums(4), {}, mix=mix, published_rows=100), tmp_path / "out", listener=listener)
    assert made.manifest["num_rows"] == 4
    assert "warning: sums: 100 rows are wanted, and there are 4: all are taken" in listener.lines
    assert "sums: mix: 4 -> 4 (published: 100)" in listener.lines


def test_rows_that_another_part_drops(tmp_path: Path):
    tree = write_recipe(tmp_path, sums(6), {"column_values": {"column": "rank", "min": 4}})
    tree.write_text(tree.read_text() + "  easy:\n    dropped_by: {part: sums, stage: column_values}\n")
    made = built(tree, tmp_path / "out", "order=as_read")
    table = pyarrow.parquet.read_table(made.path / "data" / "train-00000-of-00001.parquet").to_pylist()
    assert [(row["part"], row["rank"]) for row in table] == [
        ("sums", 4),
        ("sums", 5),
        *(("easy", rank) for rank in range(4)),
    ]


def test_easy_to_hard(tmp_path: Path):
    recipe = tmp_path / "made.yaml"
    recipe.write_text("parts:\n  p:\n    sources:\n      s: {generator: sums, levels: [3, 1, 2], num_rows: 30}\n"
                      "order: easy_to_hard\n")  # fmt: skip
    rows = load_problems(
        DataConfig(path=str(built(recipe, tmp_path / "out").path)), seed=0, kept_columns=["level"]
    ).train
    assert [row.columns["level"] for row in rows] == [1] * 10 + [2] * 10 + [3] * 10


def test_levels_that_are_texts_are_sorted_by_their_number_or_refused(tmp_path: Path):
    rows = [row | {"level": f"Level {row['rank'] * 7 % 12}"} for row in sums(12)]
    source = {"kept_columns": ["level", "rank"]}
    made = built(write_recipe(tmp_path, rows, {}, source=source, order="easy_to_hard"), tmp_path / "out")
    table = pyarrow.parquet.read_table(made.path / "data" / "train-00000-of-00001.parquet").to_pylist()
    assert [row["level"] for row in table] == [f"Level {number}" for number in range(12)]
    rows[5]["level"] = "algebra"
    recipe = write_recipe(tmp_path, rows, {}, source=source, order="easy_to_hard")
    with pytest.raises(DataError, match="no place for row s5, whose level is 'algebra'"):
        built(recipe, tmp_path / "other")


def test_kept_columns_with_the_names_of_the_dataset_stay_beside_its_own(tmp_path: Path):
    rows = [row | {"source": "exam", "answer": f" {row['answer']} "} for row in sums(3)]
    made = built(write_recipe(tmp_path, rows, {}, source={"kept_columns": ["source", "answer"]}), tmp_path / "out")
    row = pyarrow.parquet.read_table(made.path / "data" / "train-00000-of-00001.parquet").to_pylist()[0]
    assert (row["source"], row["original_source"]) == ("s", "exam")
    assert row["original_answer"] == f" {row['answer']} "


def test_a_ledger_that_is_cut_or_gone_is_named(tmp_path: Path):
    made = built(write_recipe(tmp_path, sums(3), {}), tmp_path / "out")
    ledger = made.path / "_curation" / "ledger.parquet"
    ledger.write_bytes(ledger.read_bytes()[:-9])
    for _ in ("cut", "gone"):
        with pytest.raises(DataError, match=r"the ledger .* cannot be read") as caught:
            list(read_ledger(ledger))
        assert f"--replies-of {made.path}`" in caught.value.hint
        ledger.unlink(missing_ok=True)


def test_a_file_whose_name_holds_a_key_keeps_its_name(tmp_path: Path):
    """`data.path` of a message becomes the recipe's key; `my-data.path.jsonl` stays."""
    recipe = tmp_path / "small.yaml"
    recipe.write_text("parts:\n  p:\n    sources:\n      s: {path: my-data.path.jsonl}\n")
    with pytest.raises(DataError) as caught:
        built(recipe, tmp_path / "out")
    assert str(caught.value).startswith("parts.p.sources.s.path is my-data.path.jsonl, which cannot be read")
    assert "`-s parts.p.sources.s.path=FILE.jsonl`" in str(caught.value)


def test_several_answers_make_a_column_of_lists(tmp_path: Path):
    recipe = tmp_path / "made.yaml"
    recipe.write_text("parts:\n  p:\n    sources:\n      s: {generator: satisfiability, num_rows: 4}\n"
                      "      t: {generator: sums, num_rows: 4}\n")  # fmt: skip
    problems = load_problems(DataConfig(path=str(built(recipe, tmp_path / "out").path)), seed=0)
    assert len(problems.train) == 8
    assert problems.dropped == []


def test_mini_builds_offline_and_its_output_trains_in_a_mix(tiny_model: Path, tmp_path: Path):
    """Of 2 prompts a step one is easy; the report of the run shows how its dataset was made."""
    done = CliRunner().invoke(app, ["data", "build", "mini", "--out", str(tmp_path / "mini")], catch_exceptions=False)
    assert "900 rows" in done.stdout
    assert f"leanrl train -s data.path={tmp_path / 'mini'}" in done.stdout
    settings = [
        f"data.path={tmp_path / 'mini'}", "data.num_heldout=0", "eval.greedy=false", "rollout.max_prompt_tokens=256",
        "algorithm.choose_prompts.name=mix", "algorithm.choose_prompts.start={easy: 1, hard: 1}",
    ]  # fmt: skip
    run, column = tmp_path / "run", "algorithm.choose_prompts.column"
    arguments = ["train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *settings), "--run-dir", str(run), "-s"]
    error = CliRunner().invoke(app, [*arguments, f"{column}=grade"]).exception
    assert "algorithm.choose_prompts reads the column 'grade', and no row has it" in str(error)
    trained = leanrl(*arguments, f"{column}=part")
    assert trained.code == 0, trained.err
    rows = load_problems(DataConfig(path=str(tmp_path / "mini")), seed=0, kept_columns=["part"]).train
    parts = {row.problem: row.columns["part"] for row in rows}
    asked = [json.loads(line)["problem"] for line in (run / "prompts.jsonl").read_text().splitlines()]
    assert sorted(parts[problem] for problem in asked) == ["easy", "easy", "hard", "hard"]
    shutil.rmtree(tmp_path / "mini")
    assert CliRunner().invoke(app, ["report", str(run)]).exit_code == 0
    assert "Recipe mini: 900 rows" in (run / "report" / "index.html").read_text()


def test_show_prints_the_funnel_and_what_was_dropped(small: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    arguments = ["data", "show", str(small), "--html", str(page)]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert re.search(r"sums +exact_duplicates +7 +6 +1 ", printed)
    assert "sums: problem_kinds dropped 1" in printed
    assert "Prove that 1 + 1 is 2." in printed
    assert "a copy: of s1" in page.read_text()
    assert "<rect" in page.read_text()
    answer = json.loads(CliRunner().invoke(app, ["data", "show", str(small), "--json"]).stdout)
    assert answer["manifest"]["num_rows"] == 3
    assert {each["stage"]: each["num_dropped"] for each in answer["dropped"]}["column_values"] == 2
    error = CliRunner().invoke(app, ["data", "show", str(tmp_path)]).exception
    assert "no dataset that leanrl has built" in str(error)
    assert isinstance(CliRunner().invoke(app, arguments).exception, ConfigError)


def test_recipes_are_listed_and_printed():
    assert "open-rs " in CliRunner().invoke(app, ["data", "recipes"]).stdout
    assert set(json.loads(CliRunner().invoke(app, ["data", "recipes", "--json"]).stdout)) == set(recipe_names())
    printed = json.loads(CliRunner().invoke(app, ["data", "recipes", "open-s1", "--json"]).stdout)
    assert printed["published_rows"] == 18_615
    assert CliRunner().invoke(app, ["data", "recipes", "mini"]).stdout.startswith("# Tasks that leanrl makes itself")


def test_every_folder_that_is_not_there_is_named_before_anything_is_read(tmp_path: Path):
    recipe = write_recipe(tmp_path, sums(4), {})
    named = ["--replies-of", "no/replies", "--data-dir", "no/data"]
    error = CliRunner().invoke(app, ["data", "build", str(recipe), "--out", str(tmp_path / "out"), *named]).exception
    assert isinstance(error, ConfigError), error
    assert "--data-dir is no/data and --replies-of is no/replies, and there is no such folder." in error.message
    assert not (tmp_path / "out").exists()


def test_a_build_that_was_refused_does_not_keep_its_folder(tmp_path: Path):
    recipe = write_recipe(tmp_path, ROWS, {})
    with pytest.raises(DataError):
        built(recipe, tmp_path / "out", f"parts.sums.sources.s.path={tmp_path / 'nowhere.jsonl'}")
    built(recipe, tmp_path / "out")
    with pytest.raises(ConfigError, match="begun by another recipe"):
        built(recipe, tmp_path / "out", "seed=2")


def test_half_a_surrogate_pair_drops_its_row_with_the_reason(tmp_path: Path):
    halves = [{"problem": "\ud800 1 + 1", "answer": "2"}, {"id": "\udfff", "problem": "1 + 2", "answer": "3"}]
    built(write_recipe(tmp_path, [*sums(2), *halves], {}, source={"kept_columns": []}), tmp_path / "out")
    reasons = [each.reason for each in read_ledger(tmp_path / "out" / "_curation" / "ledger.parquet") if not each.kept]
    assert reasons == ["half a surrogate pair in the text, which no tokenizer can read"] * 2
