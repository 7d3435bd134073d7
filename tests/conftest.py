"""Fixtures for every room."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says nothing on a machine that others use too.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their kind: packed ones hold the time, and workers that collect other names refuse to start."""
    return "bytes" if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the trainer's tests first: its largest file would be the last one, and the other workers would wait."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/trainer/"))


@pytest.fixture(scope="session", autouse=True)
def simulations_of_these_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep simulations in a folder of this session, never in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEANRL_CACHE", str(tmp_path_factory.mktemp("leanrl-cache")))
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer Llama and its tokenizer; read it, never write to it."""
    from tests.tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("tiny-llama"))


@pytest.fixture(scope="session")
def nf4_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny model whose files are NF4 already; it needs bitsandbytes."""
    from leanrl.models.load import load_nf4
    from leanrl.models.locate import LocatedModel

    folder = Path(shutil.copytree(tiny_model, tmp_path_factory.mktemp("nf4") / "model"))
    (folder / "model.safetensors").unlink()
    load_nf4(LocatedModel(str(tiny_model), None, "folder"), device="cpu").save_pretrained(folder)
    return folder
