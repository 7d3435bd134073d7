"""Protocols: the published values, and how often a problem is asked."""

import pytest

from leanrl.errors import ConfigError
from leanrl.eval.benchmarks.protocols import PROTOCOLS, find_protocol


def test_the_papers_protocol():
    paper = find_protocol("open-rs")
    assert (paper.temperature, paper.top_p, paper.max_completion_tokens, paper.seed) == (0.6, 0.95, 32_768, 1234)
    assert {paper.samples(name, num_problems=n) for name, n in (("aime24", 30), ("math500", 500))} == {1}
    assert "\\boxed{ANSWER}" in paper.prompt_template
    assert paper.prompt_template.endswith("\n\n{problem}")


@pytest.mark.parametrize(
    ("protocol", "samples"),
    [
        ("sober", {"aime24": 10, "amc23": 10, "math500": 3, "minerva": 3}),
        ("robust", {"aime24": 16, "amc23": 16, "math500": 4, "minerva": 3}),
        ("greedy", {"aime24": 1, "amc23": 1, "math500": 1, "minerva": 1}),
    ],
)
def test_how_often_a_problem_is_asked(protocol: str, samples: dict[str, int]):
    sizes = {"aime24": 30, "amc23": 40, "math500": 500, "minerva": 272}
    assert {name: PROTOCOLS[protocol].samples(name, num_problems=sizes[name]) for name in samples} == samples


def test_samples_of_the_users_choice_hold_for_every_benchmark():
    chosen = find_protocol("robust").with_samples(2)
    assert {chosen.samples(name, num_problems=n) for name, n in (("aime24", 30), ("math500", 500), ("mine", 60))} == {2}


@pytest.mark.parametrize(("protocol", "samples"), [("robust", 0), ("robust", -1), ("greedy", 4), ("robust", 10**23)])
def test_samples_that_say_nothing(protocol: str, samples: int):
    with pytest.raises(ConfigError) as caught:
        find_protocol(protocol).with_samples(samples)
    assert str(samples) in caught.value.message
    assert caught.value.hint


def test_an_unknown_protocol_gets_the_nearest():
    with pytest.raises(ConfigError) as caught:
        find_protocol("openrs")
    assert "open-rs" in caught.value.hint
