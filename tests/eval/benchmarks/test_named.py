"""Benchmarks by name and by file, and what is wrong in a file, all of it at once."""

from pathlib import Path

import pytest

from leanrl.errors import ConfigError
from leanrl.eval.benchmarks.named import benchmark_names, find_benchmark

# Sizes that the sets' own publications state.
SIZES = {
    "aime24": 30, "aime25": 30, "amc23": 40, "math500": 500, "minerva": 272, "olympiadbench": 675,
    "gpqa-diamond": 198, "gsm8k": 1319, "svamp": 300,
}  # fmt: skip


def test_every_benchmark_is_described():
    assert set(benchmark_names()) == set(SIZES)
    for name, size in SIZES.items():
        benchmark = find_benchmark(name).benchmark
        assert benchmark.num_problems == size
        assert benchmark.about
        assert benchmark.licence
        assert benchmark.hub_id
        # Neither was seen by whoever wrote the file: a pin is made from data, never by hand.
        assert benchmark.sha256 is None
        assert benchmark.hub_revision is None


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ConfigError) as caught:
        find_benchmark("math5000")
    assert "math5000" in caught.value.message
    assert "math500`" in caught.value.hint
    assert "--list" in caught.value.hint


def test_a_benchmark_file_of_ones_own(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("about: sums\npath: sums.jsonl\nanswer_kind: number\n")
    named = find_benchmark(str(file))
    assert (named.name, named.file, named.benchmark.path) == ("mine", file, "sums.jsonl")


def test_a_file_of_problems_is_a_benchmark_with_the_dots_of_its_name(tmp_path: Path):
    file = tmp_path / "sums.v2.jsonl"
    file.write_text('{"problem": "2 + 2", "answer": "4"}\n')
    named = find_benchmark(str(file))
    assert (named.name, named.benchmark.path) == ("sums.v2", str(file))


def test_all_that_is_wrong_in_a_file_is_named(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("hub: me/sums\nnum_problems: 0\nanswer_kind: words\n")
    with pytest.raises(ConfigError) as caught:
        find_benchmark(str(file))
    assert [problem.where for problem in caught.value.problems] == ["answer_kind", "num_problems", "hub"]
    assert "hub_id" in caught.value.message


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("about: nothing\n", "path and hub_id"),
        ("path: a.jsonl\nhub_id: me/sums\n", "path and hub_id"),
        ("path: a.jsonl\nprompt_template: Answer.\n", "prompt_template"),
        ("path: a.jsonl\nchoices:\n  correct_column: right\n", "choices"),
    ],
)
def test_contradictions(tmp_path: Path, text: str, wrong: str):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        find_benchmark(str(file))
    assert [problem.where for problem in caught.value.problems] == [wrong]
