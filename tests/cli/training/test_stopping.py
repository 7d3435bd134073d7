"""A model whose files disagree about end and padding: everything that leanrl does ends where a turn ends."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides
from tests.tiny_model import make_tiny_model

END_OF_TEXT, END_OF_TURN = 0, 2
LONGEST = 24
# Llama 2 and Vicuna have sampling values without do_sample. The other two would change every completion.
OWN_GENERATION = {
    "eos_token_id": END_OF_TEXT,
    "temperature": 0.9,
    "top_p": 0.6,
    "min_new_tokens": LONGEST,
    "repetition_penalty": 1.3,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that ends turns, which only its tokenizer calls an end, and a pad token that has no row."""
    folder = make_tiny_model(tmp_path_factory.mktemp("model"), family="qwen2")
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"][END_OF_TURN] *= 5
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": END_OF_TEXT}))
    (folder / "generation_config.json").write_text(json.dumps(OWN_GENERATION))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    assert tokenizer.pad_token_id == config["vocab_size"]
    return folder


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Problems of different lengths, so that rows are padded."""
    file = tmp_path_factory.mktemp("data") / "problems.jsonl"
    rows = [{"problem": "1 + 1" + " + 1" * number, "answer": str(number + 2)} for number in range(12)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module", params=["lora", pytest.param("full", marks=pytest.mark.long)])
def run(model: Path, problems: Path, tmp_path_factory: pytest.TempPathFactory, request) -> RunFolder:
    """A run whose rate is too small to move an answer: what differs between before and after is the stop rule."""
    folder = tmp_path_factory.mktemp("runs") / request.param
    outcome = leanrl(
        "train",
        "-p",
        "cpu-demo",
        *tiny_overrides(
            model,
            f"model.tuning.method={request.param}",
            f"data.path={problems}",
            "data.num_heldout=6",
            "optimizer.learning_rate=1.0e-12",
            f"rollout.max_completion_tokens={LONGEST}",
            "rollout.max_prompt_tokens=200",
        ),
        "--run-dir",
        folder,
    )
    assert outcome.code == 0, outcome.err
    return RunFolder(folder)


@pytest.fixture(scope="module")
def merged(run: RunFolder) -> Path:
    out = run.path.with_name(run.path.name + "-merged")
    outcome = leanrl("merge", run.path, "--out", out, "--dtype", "float32")
    assert outcome.code == 0, outcome.err
    return out


def test_answers_before_and_after_training_stop_alike(run: RunFolder) -> None:
    before, after = (list(read_jsonl(run.path / f"greedy_{name}.jsonl")) for name in ("before", "after"))
    assert before == after
    assert any(len(answer["completion"]) < LONGEST / 2 for answer in before), "nothing ends, so the test says nothing"


def test_rollouts_end_with_the_turn(run: RunFolder) -> None:
    lengths = [step["completion_tokens"] for step in read_jsonl(run.metrics)]
    assert all(step["min"] < LONGEST / 2 for step in lengths)


def test_a_sample_is_the_answer_of_the_evaluation(run: RunFolder) -> None:
    answer = next(iter(read_jsonl(run.path / "greedy_after.jsonl")))
    outcome = leanrl("sample", run.path, answer["problem"])
    assert outcome.code == 0, outcome.err
    assert outcome.out == answer["completion"] + "\n"


def test_a_merged_model_ends_by_itself(run: RunFolder, merged: Path) -> None:
    """transformers alone, without leanrl, stops behind the turn; what else its files say is kept where it is valid."""
    written = json.loads((merged / "generation_config.json").read_text())
    assert set(written["eos_token_id"]) == {END_OF_TURN, END_OF_TEXT}
    assert written["pad_token_id"] == END_OF_TEXT
    assert written["repetition_penalty"] == OWN_GENERATION["repetition_penalty"]
    assert "temperature" not in written
    loaded = AutoModelForCausalLM.from_pretrained(merged)
    tokenizer = AutoTokenizer.from_pretrained(merged)
    asked = [{"role": "user", "content": "1 + 1"}]
    ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer = loaded.generate(**ids, min_new_tokens=0, max_new_tokens=200)[0, ids["input_ids"].shape[1] :]
    assert len(answer) < 200
    assert answer[-1] in (END_OF_TURN, END_OF_TEXT)


def test_a_checkpoint_of_all_weights_names_every_end(run: RunFolder) -> None:
    files = list(run.complete_checkpoints()[-1].glob("generation_config.json"))
    assert len(files) == (1 if run.path.name == "full" else 0)
    for file in files:
        written = json.loads(file.read_text())
        assert set(written["eos_token_id"]) == {END_OF_TURN, END_OF_TEXT}
        assert written["repetition_penalty"] == OWN_GENERATION["repetition_penalty"]
