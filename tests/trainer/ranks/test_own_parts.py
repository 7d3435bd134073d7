"""Full parameters that two gloo ranks share (FSDP2), with optimizers that update parts: weights, state, checkpoints."""

import pytest
import torch
from safetensors.torch import load_file

from leanrl.storage.run_folder import RunFolder
from tests.engine.optimizers.test_own_parts import ON_PARTS
from tests.trainer.ranks.two_ranks_own_parts import train
from tests.two_ranks import run_two_ranks

pytestmark = pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU")


@pytest.fixture(scope="module")
def out(tiny_model, tmp_path_factory):
    """The folder of what two ranks trained.

    They have compared the state themselves: after a skipped step, in a resumed run, and of another number of ranks.
    """
    folder = tmp_path_factory.mktemp("parts")
    run_two_ranks("tests.trainer.ranks.two_ranks_own_parts", str(tiny_model), str(folder), *ON_PARTS)
    return folder


@pytest.mark.parametrize("name", ON_PARTS)
def test_two_ranks_train_as_one_process_does(tiny_model, out, name):
    """Metrics and the way that the weights went, clipped to a hundredth of their gradients.

    8-bit moments have other blocks in parts, or none below 4096 numbers: as tests/engine/optimizers/test_own_parts.py
    has it.
    """
    alone, _ = train(tiny_model, out, name)
    for one, other in zip(alone, torch.load(out / f"{name}-2-0.pt"), strict=True):
        for metric in ("loss", "grad_norm", "nonfinite_steps"):
            assert other[metric] == pytest.approx(one[metric], rel=1e-5)
    assert [step["grad_norm"] > 1.0 for step in alone] == [True, False, True]
    ends = [load_file(RunFolder(out / f"{name}-{world}").checkpoint(3) / "model.safetensors") for world in (1, 2)]
    start = load_file(tiny_model / "model.safetensors")
    way, difference = (
        torch.cat([(other[key] - ends[0][key]).flatten() for key in ends[0]]).norm() for other in (start, ends[1])
    )
    assert difference < (1e-5 if name == "adamw_offloaded" else 0.02) * way
