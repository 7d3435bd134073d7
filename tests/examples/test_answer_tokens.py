"""examples/answer_tokens.py: only the tokens behind the closing tag are trained."""

import runpy
from pathlib import Path
from random import Random

import pytest
import torch

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.protocols import Group
from leanrl.seams.registry import make_plugin
from leanrl.types import Sample

FILE = Path(__file__).parents[2] / "examples" / "answer_tokens.py"


@pytest.fixture(autouse=True, scope="module")
def _plugin_is_registered():
    runpy.run_path(str(FILE), run_name="leanrl_plugin_answer_tokens")


def _weights(completions, closing_ids):
    samples = [Sample("?", "1", "", len(ids), 99, False) for ids in completions]
    group = Group("a", samples, completions, [0.0] * len(samples), [False] * len(samples), Random(0))
    plugin = make_plugin(Choice("credit_tokens", "answer_tokens", {"closing_ids": closing_ids}))
    credits = plugin(group, torch.zeros(len(samples)))
    assert all(credit.advantages_T is None and credit.last_token is None for credit in credits)
    return [credit.weights_T.tolist() for credit in credits]


def test_it_is_an_algorithm_in_under_40_lines():
    assert len(FILE.read_text().splitlines()) < 40


def test_only_tokens_behind_the_tag_have_weight():
    """Tag 7: behind its first place; at the end or missing, nothing is left."""
    completions = [[1, 7, 2, 3], (4, 7, 5, 7, 6), [7], [1, 2], []]
    assert _weights(completions, [7]) == [[0, 0, 1, 1], [0, 0, 1, 1, 1], [0], [0, 0], []]


def test_a_tag_may_be_several_tokens():
    assert _weights([[1, 7, 8, 9, 2], [7, 7, 8, 9, 3, 3], [7, 8, 1, 9]], [7, 8, 9]) == [
        [0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0],
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"closing_ids": "</think>"}, {"closing_ids": [1.5]}])
def test_the_tag_has_to_be_token_ids(options):
    with pytest.raises(ConfigError) as caught:
        make_plugin(Choice("credit_tokens", "answer_tokens", options))
    assert [problem.where for problem in caught.value.problems] == ["algorithm.credit_tokens.closing_ids"]
