"""What a configuration asks of an account."""

import pytest

from leanrl.config.load import load_config
from leanrl.config.support import find_missing, require
from leanrl.errors import MissingError


def said_with(monkeypatch, token, *overrides):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    return [str(problem) for problem in find_missing(load_config("cpu-demo", overrides).config)]


def test_a_push_without_a_login_is_refused(monkeypatch):
    assert said_with(monkeypatch, None, "hub.push_to=me/sums") == [
        "hub.push_to: checkpoints go to me/sums, and nobody is logged in to the Hub (hint: hf auth login)"
    ]
    with pytest.raises(MissingError) as caught:
        require(load_config("cpu-demo", ["hub.push_to=me/sums"]).config)
    assert caught.value.exit_code == 5


def test_a_login_is_enough_for_a_push(monkeypatch):
    assert said_with(monkeypatch, "a token", "hub.push_to=me/sums") == []


def test_no_login_is_needed_without_a_push(monkeypatch):
    assert said_with(monkeypatch, None) == []
