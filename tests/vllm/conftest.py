"""Fixtures of the tests with real vLLM; where it is not installed all of them are skipped."""

from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items):
    absent = pytest.mark.skip(reason="vllm is not installed here; `make test-vllm` builds an environment with it")
    for item in items:
        if "tests/vllm/" in item.path.as_posix():
            item.add_marker(pytest.mark.vllm)
            if find_spec("vllm") is None:
                item.add_marker(absent)


_FAULTS = pytest.StashKey[list]()


@pytest.fixture
def fault_table(pytestconfig):
    """Rows (planted, caught as, difference in nats) that are printed when all tests have run."""
    return pytestconfig.stash.setdefault(_FAULTS, [])


def pytest_sessionfinish(session):
    """Hand a worker's rows to the process that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["faults"] = session.config.stash.get(_FAULTS, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash.setdefault(_FAULTS, []).extend(getattr(node, "workeroutput", {}).get("faults", []))


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(_FAULTS, [])
    if rows:
        terminalreporter.section("faults planted in a rollout, each caught within one step")
        for planted, caught, difference in [("planted", "caught as", "mean |dlogp|"), *rows]:
            terminalreporter.write_line(f"{planted:40} {caught:24} {difference}")


@pytest.fixture
def trained(tiny_model):
    from tests.vllm.policies import TrainedPolicy

    return TrainedPolicy(tiny_model)
