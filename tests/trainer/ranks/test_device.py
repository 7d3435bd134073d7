"""The GPUs that torch sees, through stand-ins for its two questions, and what a run makes of them."""

from types import SimpleNamespace

import pytest
import torch

from leanrl import pipeline
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.errors import DoesNotFitError, MissingError
from leanrl.planner.machine.this_machine import Gpu
from leanrl.preflight import checks
from leanrl.trainer.ranks.device import gpu_here, require_device
from tests.trainer.small_trainer import Notes

GIB = 2**30


@pytest.fixture
def cards(monkeypatch):
    """Three cards of 24, 3 and 1 GiB."""
    found = [
        SimpleNamespace(name=name, total_memory=gib * GIB)
        for name, gib in (("NVIDIA GeForce RTX 4090", 24), ("Some Card", 3), ("Old Card", 1))
    ]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(found))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: found[index])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(checks, "num_cards_here", lambda: len(found))


@pytest.mark.parametrize(
    ("num_gpus", "expected"),
    [
        (1, Gpu("NVIDIA GeForce RTX 4090", 24 * GIB)),
        (2, Gpu("Some Card", 3 * GIB)),
        (8, Gpu("Old Card", GIB)),
    ],
)
def test_the_smallest_of_the_cards_that_a_run_uses(cards, num_gpus, expected):
    assert gpu_here(num_gpus) == expected


def test_without_a_gpu_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert gpu_here(4) is None


def test_a_gpu_with_a_number_that_does_not_exist_is_named_before_ranks_are_started(cards, monkeypatch, tmp_path):
    """Ranks on GPUs 0 to 2, the server on 3; a rank that is launched sees the first three only."""
    config = load_config("a40x4-full-exp2", ["rollout.engine=hf", "rollout.num_gpus=0"]).config
    for refuse, who in (
        (lambda: pipeline.train(config, run_dir=tmp_path / "run", force=True, listener=Notes()), "there are"),
        (lambda: require_device(config), "torch sees"),
    ):
        with pytest.raises(MissingError, match=f"GPU 3 is used, and {who} 0 to 2") as caught:
            refuse()
        assert caught.value.hint.startswith("-s hardware.num_gpus=3")
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv("LEANRL_ROLLOUT_CARDS", "3")
    require_device(load_config("a40x4-full-exp2").config)


def test_a_run_is_planned_anew_for_the_card_that_is_here_and_says_so(monkeypatch, tmp_path):
    """A 1.5B model with an adapter, planned for an RTX 4090, on a card of 3 GiB: refused before anything is loaded."""
    card = SimpleNamespace(name="Some Card", total_memory=3 * GIB)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    config = RunConfig.model_validate(
        {
            "name": "mine",
            "hardware": {"gpu": "rtx4090"},
            "model": {"id": "Qwen/Qwen2.5-1.5B"},
            "data": {"generator": "one_digit_sums"},
            "rewards": {"accuracy": 1.0},
        }
    )
    notes = Notes()
    with pytest.raises(DoesNotFitError, match=r"leanrl plan -p mine --vram 3\.0"):
        pipeline.train(config, run_dir=tmp_path / "run", listener=notes)
    assert notes.said == [
        "mine was planned for rtx4090; planned anew for the Some Card that is here (3.0 GiB), "
        "which is not among the cards known by name."
    ]
    assert not (tmp_path / "run").exists()
