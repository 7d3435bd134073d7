"""The three ways to a GGUF file: leanrl's writer, llama.cpp's converter, and the commands for it."""

import shlex
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from leanrl.errors import ConfigError, LeanRLError
from leanrl.models.merging.merge import merge_run
from leanrl.storage.checkpoint_files import seal
from tests.models.conftest import MakeRun
from tests.models.gguf.test_file import smollm_tokenizer

pytest.importorskip("gguf", reason="GGUF needs the package gguf")

# What llama.cpp's converter takes; it writes down what it was asked.
CONVERTER = """
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("--outfile", type=pathlib.Path)
parser.add_argument("--outtype", choices=["f32", "f16", "bf16", "q8_0", "auto"])
given = parser.parse_args()
assert (given.model / "model.safetensors").is_file()
given.outfile.write_text(given.outtype)
"""
FAILING = "import sys\nprint('loading')\nsys.exit('Model NoSuchForCausalLM is not supported')\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that puts a converter where LLAMA_CPP says."""

    def make(text: str) -> Path:
        folder = tmp_path / "my llama.cpp"
        folder.mkdir()
        (folder / "convert_hf_to_gguf.py").write_text(text)
        monkeypatch.setenv("LLAMA_CPP", str(folder))
        return folder

    return make


def test_leanrls_own_file_is_read_back_and_has_a_modelfile(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(family="qwen2")
    smollm_tokenizer().save_pretrained(run.checkpoint(7))
    seal(run.checkpoint(7), step=7)
    out = tmp_path / "tuned"
    report = merge_run(run.path, out, gguf="q8_0")
    assert (out / "tuned-Q8_0.gguf").is_file()
    assert "GGUF: tuned-Q8_0.gguf (Q8_0), read back: log-probs differ" in report.text()
    assert f"ollama create NAME -f {out / 'Modelfile'}" in report.text()
    assert "tuned-Q8_0.gguf (Q8_0), read back" in (out / "README.md").read_text()
    assert (out / "Modelfile").read_text().startswith("FROM ./tuned-Q8_0.gguf\n")


def test_a_tokenizer_without_a_name_in_llama_cpp_gets_the_commands(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is merged all the same; the second command names the files as they are."""
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    out = tmp_path / "my model"
    text = merge_run(make_run().path, out, gguf="Q8_0").text()
    assert "the tokenizer splits text into words as none of" in text
    first, second = (shlex.split(line) for line in text.splitlines() if line.startswith("    "))
    assert first[:2] == ["git", "clone"]
    assert second == [
        "python",
        "llama.cpp/convert_hf_to_gguf.py",
        str(out),
        "--outfile",
        str(out / "my model-Q8_0.gguf"),
        "--outtype",
        "q8_0",
    ]
    AutoModelForCausalLM.from_pretrained(out)
    assert (out / "Modelfile").read_text().startswith("FROM ./my model-Q8_0.gguf\n")


def test_llama_cpps_converter_is_called_where_it_is(make_run: MakeRun, tmp_path: Path, checkout) -> None:
    checkout(CONVERTER)
    heard: list[str] = []
    report = merge_run(make_run().path, tmp_path / "out", gguf="BF16", say=heard.append)
    assert (tmp_path / "out" / "out-BF16.gguf").read_text() == "bf16"
    assert "converted by llama.cpp" in report.text()
    assert any("converting to out-BF16.gguf" in line for line in heard)


def test_a_converter_that_fails_is_heard_and_costs_no_merge(make_run: MakeRun, tmp_path: Path, checkout) -> None:
    folder = checkout(FAILING)
    with pytest.raises(LeanRLError, match="Model NoSuchForCausalLM is not supported") as caught:
        merge_run(make_run().path, tmp_path / "out", gguf="F16")
    AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert not (tmp_path / "out" / "out-F16.gguf").exists()
    words = shlex.split((caught.value.hint or "").split(": ", 1)[1])
    assert words[1:3] == [str(folder / "convert_hf_to_gguf.py"), str(tmp_path / "out")]


def test_a_variable_that_names_no_checkout_ends_before_any_work(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_CPP", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match=r"LLAMA_CPP is .*nothing, and there is no convert_hf_to_gguf\.py"):
        merge_run(make_run().path, tmp_path / "out", gguf="F16")
    assert not (tmp_path / "out").exists()


def test_a_merge_says_what_it_does(make_run: MakeRun, tmp_path: Path) -> None:
    heard: list[str] = []
    merge_run(make_run().path, tmp_path / "out", say=heard.append)
    for word in ("loading", "sampling", "folding", "writing", "reading the files back"):
        assert any(word in line for line in heard), word
