"""A real vLLM under unsloth's patched trainer: only the adapter travels, and the self-test watches it."""

import os
import sys
from importlib.util import find_spec

import pytest

from leanrl.rollout.selftest import FP32_TOLERANCE
from leanrl.rollout.server.command import server_environment
from leanrl.rollout.server.place import free_port
from leanrl.rollout.server.process import ServerProcess
from leanrl.rollout.vllm.engine_arguments import server_flags
from tests.vllm.policies import small_arguments

IS_HERE = find_spec("vllm") is not None
# A user's server may run in an environment of its own; this names its Python.
PYTHON = os.environ.get("LEANRL_VLLM_PYTHON") or (sys.executable if IS_HERE else None)
needs_vllm = pytest.mark.skipif(not IS_HERE, reason="vllm is not installed beside unsloth here")
needs_server = pytest.mark.skipif(PYTHON is None, reason="no vllm here; LEANRL_VLLM_PYTHON=... names a Python with one")


@pytest.fixture(scope="module")
def server_url(tiny_model, tmp_path_factory):
    with pytest.MonkeyPatch.context() as other:
        other.setattr(sys, "executable", PYTHON)
        process = ServerProcess(
            server_flags(small_arguments(tiny_model) | {"served_model_name": "base"}),
            port=free_port(),
            log=tmp_path_factory.mktemp("server") / "server.log",
            environment=server_environment([]),
            start_seconds=300.0,
        )
        process.start()
    yield process.url
    process.stop()


@needs_vllm
@pytest.mark.parametrize("engine", ["vllm-colocate", "vllm-server"])
def test_vllm_draws_from_the_adapter_that_unsloth_trains(tiny_model, tmp_path, run_child, engine):
    _assert_healthy(run_child("tests.unsloth.rollout_steps", tiny_model, tmp_path / "run", engine, "none"))


@needs_server
def test_so_does_a_users_server(tiny_model, tmp_path, run_child, server_url):
    _assert_healthy(run_child("tests.unsloth.rollout_steps", tiny_model, tmp_path / "run", server_url, "none"))


@needs_server
def test_a_stale_adapter_on_a_users_server_is_caught_before_the_next_update(
    tiny_model, tmp_path, run_child, server_url
):
    found = run_child("tests.unsloth.rollout_steps", tiny_model, tmp_path / "run", server_url, "stale_adapter")
    assert (found["ended_by"]["fault"], found["ended_by"]["step"]) == ("stale adapter", 2)


@needs_vllm
@pytest.mark.parametrize("planted", ["stale_adapter", "ignored_adapter", "wrong_temperature"])
def test_a_fault_of_a_colocated_vllm_is_caught_by_name(tiny_model, tmp_path, run_child, planted):
    found = run_child("tests.unsloth.rollout_steps", tiny_model, tmp_path / "run", "vllm-colocate", planted)
    assert (found["ended_by"]["fault"], found["ended_by"]["step"]) == (planted.replace("_", " "), 2)


def _assert_healthy(found):
    """In fp32 vLLM and unsloth's own scoring agree token by token; dropout is in training alone."""
    assert found["ended_by"] is None
    assert len(found["steps"]) == 4
    for step, is_padded in zip(found["steps"], found["padded"], strict=True):
        assert step["sampling_logprob_difference"] < FP32_TOLERANCE
        if not is_padded:
            assert step["rollout_mismatch"]["logprob_difference_max"] < 10 * FP32_TOLERANCE
            assert step["rollout_mismatch"]["effective_share"] == pytest.approx(1.0, abs=1e-3)
        assert step["grad_norm"] > 0
