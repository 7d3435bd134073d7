"""Fixtures of the tests with real vLLM; where it is not installed all of them are skipped."""

from importlib.util import find_spec

import pytest

from tests.vllm.policies import TrainedPolicy


def pytest_collection_modifyitems(items):
    absent = pytest.mark.skip(reason="vllm is not installed here; `make test-vllm` builds an environment with it")
    for item in items:
        if "tests/vllm/" in item.path.as_posix():
            item.add_marker(pytest.mark.vllm)
            if find_spec("vllm") is None:
                item.add_marker(absent)


@pytest.fixture
def trained(tiny_model):
    return TrainedPolicy(tiny_model)
