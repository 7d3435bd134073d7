"""The gradients of one process, on two ranks with unequal work."""

import pytest

from tests.tiny_model import make_tiny_model
from tests.torchrun import torchrun_two_ranks


@pytest.mark.parametrize("family", ["qwen2", pytest.param("llama", marks=pytest.mark.long)])
def test_ddp_and_fsdp2_reach_the_gradients_of_one_process(tmp_path, family):
    """A trained head, untied and tied; both ranks run as many passes, though one has a single row that teaches."""
    folder = make_tiny_model(tmp_path / "model", family=family)
    assert "equal" in torchrun_two_ranks("-m", "tests.engine.two_ranks", str(folder))
