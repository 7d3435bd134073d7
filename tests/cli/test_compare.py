"""`leanrl compare`: what it says of evaluations and published rows, and what it refuses."""

import json

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, DataError
from leanrl.eval.compare.reference import reference_rows
from leanrl.eval.scores.benchmark_score import score
from leanrl.eval.scores.score_file import scores_as_json
from tests.eval.scores.records import answer

ASKED = {
    "format": 1,
    "model": {"source": "me/model"},
    "protocol": {"name": "robust", "temperature": 0.8, "top_p": 0.9, "max_completion_tokens": 32768, "seed": 0},
    "benchmarks": {"aime24": {"sha256": "ab", "num_problems": 30, "num_samples": 4}},
    "prompt_sha256": {"aime24": "cd", "amc23": "of the base alone"},
    "grader": "leanrl",
    "engine": "vllm",
    "dtype": "bfloat16",
    "versions": {"vllm": "0.28"},
}


def evaluation(folder, counts, *, benchmark="aime24", num_samples=4, asked=ASKED):
    """Write what `leanrl eval` leaves of problems with so many right answers each."""
    answers = [
        answer(name=f"p{number}", sample=sample, box="4" if sample < count else "5")
        for number, count in enumerate(counts)
        for sample in range(num_samples)
    ]
    content = scores_as_json({benchmark: score(answers, [f"p{n}" for n in range(len(counts))], num_samples)})
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps(content))
    if asked is not None:
        (folder / "evaluation.json").write_text(json.dumps(asked))
    return folder


def printed(*arguments):
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    assert result.exit_code == 0, result.exception
    return result.stdout


def refused(*arguments):
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    assert isinstance(result.exception, (ConfigError, DataError)), result.exception
    return result.exception


@pytest.fixture
def base(tmp_path):
    return evaluation(tmp_path / "base", [0, 1, 2, 3, 4] * 6)


def test_a_difference_that_was_shown(base, tmp_path):
    """Every problem but the solved ones gains one of four samples: 24 of 30 by 25 points, 20 points in all."""
    text = printed(base, evaluation(tmp_path / "other", [1, 2, 3, 4, 4] * 6))
    assert f"base:  {base} (me/model)" in text
    assert "\ngrader: leanrl\n" in text
    assert "aime24: a difference was shown: +20.0 points (95 % interval +16.2 to +23.8)." in text
    assert "In sum: a difference was shown on 1 of 1 benchmark: aime24 +20.0 points." in text
    assert "<0.001" in text


def test_a_difference_that_was_not_shown_comes_with_what_could_have_been(base, tmp_path):
    text = printed(base, evaluation(tmp_path / "other", [1, 0, 3, 2, 4, 0, 2, 2, 3, 4] * 3))
    assert "aime24: no difference was shown; this design sees " in text
    assert "To show the +2.5 points that were found takes " in text
    assert "In sum: no difference was shown on 1 benchmark." in text


def test_two_evaluations_of_equal_scores(base, tmp_path):
    text = printed(base, evaluation(tmp_path / "other", [0, 1, 2, 3, 4] * 6))
    assert "no difference was shown; this design sees " in text
    assert "To show" not in text


def test_an_evaluation_and_itself(base, tmp_path, monkeypatch):
    """It is named by its folder, its file, a link or a relative path; neither --force nor --json lets it pass."""
    (tmp_path / "link").symlink_to(base)
    monkeypatch.chdir(tmp_path)
    for name in (base, base / "scores.json", "link", "base/../base"):
        for flags in ((), ("--force", "--json")):
            error = refused(base, name, *flags)
            assert error.exit_code == 2
            assert f"{name}: is the same evaluation as {base} ({base / 'scores.json'})" in error.message
            assert error.hint == f"name another one: `leanrl compare {base} OTHER`"


def test_what_is_named_twice_among_others(base, tmp_path):
    other = evaluation(tmp_path / "other", [1, 2, 3, 4, 4] * 6)
    error = refused(base, other, "open-rs3", other / "scores.json", "sober:open-rs3")
    assert [problem.where for problem in error.problems] == [str(other / "scores.json"), "sober:open-rs3"]
    assert error.hint == f"leanrl compare {base} {other} open-rs3"


def test_json_has_the_numbers_of_the_text(base, tmp_path):
    found = json.loads(printed(base, evaluation(tmp_path / "other", [1, 2, 3, 4, 4] * 6), "--json"))
    (comparison,) = found["comparisons"]
    assert comparison["benchmarks"]["aime24"]["difference"] == pytest.approx(0.2)
    assert comparison["benchmarks"]["aime24"]["test"] == "sign_flip"
    assert comparison["benchmarks"]["aime24"]["is_shown"] is True
    assert comparison["is_forced"] is False
    assert comparison["sentence"].startswith("In sum: a difference was shown")


def test_several_checkpoints_are_each_compared_with_the_first(base, tmp_path):
    others = [evaluation(tmp_path / f"step-{step}", [1, 2, 3, 4, 4] * 6) for step in (50, 100)]
    text = printed(base, *others)
    assert text.count("base:  ") == 2
    assert "Holm over 2 tests" in text
    assert "2 evaluations were compared with one base" in text
    assert "The best of 3 equal ones looks better than each by luck, in points: aime24 " in text


def test_problems_of_one_alone_are_told(base, tmp_path):
    text = printed(base, evaluation(tmp_path / "more", [0, 1, 2, 3, 4] * 7))
    assert "aime24: 5 problems of one alone are left out" in text


def changed(**changes):
    return ASKED | changes


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (changed(protocol=ASKED["protocol"] | {"temperature": 0.6}), "protocol.temperature: 0.8 and 0.6"),
        (
            changed(protocol=ASKED["protocol"] | {"system_prompt": "Think."}),
            'protocol.system_prompt: null and "Think."',
        ),
        (changed(prompt_sha256={"aime24": "ee"}), 'prompt_sha256.aime24: "cd" and "ee"'),
        (changed(grader="math-verify"), 'grader: "leanrl" and "math-verify"'),
        (
            changed(benchmarks={"aime24": ASKED["benchmarks"]["aime24"] | {"sha256": "ff"}}),
            'benchmarks.aime24.sha256: "ab" and "ff"',
        ),
        (
            changed(benchmarks={"aime24": ASKED["benchmarks"]["aime24"] | {"num_samples": 16}}),
            "benchmarks.aime24.num_samples: 4 and 16",
        ),
        (None, "has no evaluation.json"),
    ],
)
def test_what_was_asked_otherwise_is_refused_and_marked_when_forced(base, tmp_path, asked, said):
    other = evaluation(tmp_path / "other", [1, 2, 3, 4, 4] * 6, asked=asked)
    error = refused(base, other)
    assert error.exit_code == 2
    assert said in error.message
    assert "--force" in error.hint
    text = printed(base, other, "--force")
    assert any(line.startswith("FORCED") and line.endswith(said) for line in text.splitlines())
    assert "In sum (forced): " in text
    assert json.loads(printed(base, other, "--force", "--json"))["comparisons"][0]["is_forced"] is True


def test_all_that_differs_is_named_at_once(base, tmp_path):
    one = evaluation(tmp_path / "one", [1] * 30, asked=changed(prompt_sha256={"aime24": "ee"}, grader="math-verify"))
    two = evaluation(tmp_path / "two", [1] * 30, asked=changed(prompt_sha256={"aime24": "ff"}))
    assert len(refused(base, one, two).problems) == 3


@pytest.mark.parametrize(
    "changes",
    [{"grader": "leanrl, math-verify"}, {"prompt_sha256": {"aime24": "cd"}}, {"model": {"source": "you/other"}}],
)
def test_a_second_grader_and_other_benchmarks_beside_do_not_matter(base, tmp_path, changes):
    assert "FORCED" not in printed(base, evaluation(tmp_path / "other", [1] * 30, asked=changed(**changes)))


@pytest.mark.parametrize("changes", [{"seed": 7}, {"name": "mine"}])
def test_another_seed_or_name_is_no_other_protocol(base, tmp_path, changes):
    other = evaluation(tmp_path / "other", [1] * 30, asked=changed(protocol=ASKED["protocol"] | changes))
    assert "FORCED" not in printed(base, other)


def test_another_engine_is_told_and_not_refused(base, tmp_path):
    asked = changed(engine="hf", versions={"vllm": "0.29"})
    text = printed(base, evaluation(tmp_path / "other", [1] * 30, asked=asked))
    assert 'differs, too: engine: "vllm" and "hf"' in text
    assert 'differs, too: versions.vllm: "0.28" and "0.29"' in text


def test_published_rows_are_compared_by_a_z_test():
    text = printed("sober:r1-distill-1.5b", "sober:open-rs3")
    assert "In sum: no difference was shown on 6 benchmarks." in text
    assert "z test of means, problems not paired; Holm over 6 tests." in text
    assert "numbers of draws are assumed" in text


def test_published_rows_are_listed():
    text = printed("--list")
    assert (
        "\n    paper:open-rs3  aime24 46.7, math500 84.4, amc23 72.5, minerva 26.8, olympiadbench 51.3  (step 50)\n"
        in text
    )
    rows = json.loads(printed("--list", "--json"))
    assert [f"{row['source']}:{row['name']}" for row in rows] == [row.label for row in reference_rows()]


def test_the_papers_base_row_is_of_another_harness():
    error = refused("paper:r1-distill-1.5b", "paper:open-rs3")
    assert "copied from DeepScaleR's README" in error.message
    assert "FORCED" in printed("paper:r1-distill-1.5b", "paper:open-rs3", "--force")


def test_the_papers_gain_over_50_steps_is_no_difference():
    """46.7 and 30.0 are single draws of 30 problems."""
    found = json.loads(printed("curve:exp3@100", "curve:exp3@50", "--json"))["comparisons"][0]
    assert found["benchmarks"]["aime24"]["is_shown"] is False
    assert found["is_published"] is True


def test_an_own_evaluation_beside_a_published_row(base):
    text = printed(base, "sober:open-rs1")
    assert "z test" in text
    assert "not compared, since one of them lacks it: aime25, amc23, math500, minerva, olympiadbench" in text
    assert "protocol.temperature: 0.8 and 0.6" in refused(base, "paper:open-rs1").message


def test_a_part_of_a_benchmark_is_not_what_was_published(tmp_path):
    error = refused(evaluation(tmp_path / "part", [1] * 5), "sober:open-rs1")
    assert "aime24: 5 problems, and the published score is of 30" in error.message


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["sober:open-rs1"], "sober:open-rs1 alone", "leanrl compare sober:open-rs1 OTHER"),
        (["my dir"], "my dir alone", "leanrl compare 'my dir' OTHER"),
        ([], "given: none", "leanrl compare --list"),
        (["sober:openrs1", "sober:open-rs1"], "sober:openrs1 is no folder or file", "Did you mean `sober:open-rs1`?"),
    ],
)
def test_what_names_nothing_is_refused(words, said, hint):
    error = refused(*words)
    assert error.exit_code == 2
    assert said in error.message
    assert hint in error.hint


def test_folders_without_scores(base, tmp_path):
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "evaluation.json").write_text("{}")
    assert "its evaluation is not finished" in refused(base, unfinished).message
    empty = tmp_path / "an empty one"
    empty.mkdir()
    assert "leanrl eval '" not in refused(base, empty).hint
    (empty / "config.json").write_text("{}")
    assert refused(base, empty).hint == f"`leanrl eval '{empty}'` makes one"
    greedy = [greedy_file(empty / f"greedy_{when}.jsonl", ["correct"]) for when in ("before", "after")]
    assert f"`leanrl compare '{greedy[0]}' '{greedy[1]}'`" in refused(base, empty).hint
    evaluation(tmp_path / "run" / "evals" / "step-50-robust", [1] * 30)
    assert refused(base, tmp_path / "run").hint == f"name one: {tmp_path / 'run' / 'evals' / 'step-50-robust'}"


@pytest.mark.parametrize(
    "content", ['{"results": {"gsm8k": {"exact_match,strict-match": 0.4}}}', "PK", '{"benchmarks": {"aime24": {}}}']
)
def test_results_of_other_programs_are_not_said_to_be_written_anew(base, tmp_path, content):
    file = tmp_path / "results_2026.json"
    file.write_text(content)
    assert "name the folder that `leanrl eval` wrote" in refused(base, file).hint


@pytest.mark.parametrize("text", ["{", "[]", '{"protocol": 3}', '{"benchmarks": [], "model": "x"}'])
def test_a_broken_evaluation_file_is_no_fault_of_leanrls(base, tmp_path, text):
    other = evaluation(tmp_path / "other", [1] * 30)
    (other / "evaluation.json").write_text(text)
    refused(base, other)


def test_evaluations_that_share_nothing(base, tmp_path):
    amc = evaluation(tmp_path / "amc", [1] * 30, benchmark="amc23")
    assert "share no benchmark: aime24 and amc23" in refused(base, amc).message
    content = json.loads((base / "scores.json").read_text())
    counts = content["benchmarks"]["aime24"]["per_problem"]
    content["benchmarks"]["aime24"]["per_problem"] = {f"other-{name}": pair for name, pair in counts.items()}
    other = evaluation(tmp_path / "other", [1] * 30)
    (other / "scores.json").write_text(json.dumps(content))
    assert "share no problem" in refused(base, other).message


def greedy_file(path, verdicts):
    path.parent.mkdir(exist_ok=True)
    lines = [{"problem": f"{n} + 1", "gold": str(n + 1), "verdict": verdict} for n, verdict in enumerate(verdicts)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_run_before_and_after_its_training(tmp_path):
    """8 of 26 right before, 13 after; 2 of the 8 are lost and 7 won: 2 * (1 + 9 + 36) / 2^9 = 0.1797."""
    right, wrong = "correct", "wrong"
    before = greedy_file(tmp_path / "run" / "greedy_before.jsonl", [right] * 8 + [wrong] * 18)
    after = greedy_file(tmp_path / "run" / "greedy_after.jsonl", [right] * 6 + [wrong] * 2 + [right] * 7 + [wrong] * 11)
    found = json.loads(printed(before, after, "--json"))["comparisons"][0]["benchmarks"]["heldout"]
    assert (found["base"], found["other"]) == (8 / 26, 13 / 26)
    assert found["p_value"] == pytest.approx(92 / 512)
    assert found["is_shown"] is False
    elsewhere = greedy_file(tmp_path / "another" / "greedy_after.jsonl", [right] * 26)
    assert "greedy scores of two runs, whose prompts and problems are not known to be equal: " in (
        refused(before, elsewhere).message
    )


@pytest.mark.parametrize("text", ["", "{", "3\n", '{"problem": "1 + 1"}\n', "\udcff"])
def test_a_file_that_holds_no_greedy_answers(base, tmp_path, text):
    path = tmp_path / "greedy_after.jsonl"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert str(path) in refused(base, path).message
