"""A run's adapter becomes a model that says what base + adapter say, or nothing at all."""

import errno
import json
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from leanrl.errors import ConfigError, DoesNotFitError, LeanRLError, MissingError
from leanrl.models.merging import weights as merged
from leanrl.models.merging.merge import merge_run
from leanrl.storage.checkpoint_files import seal
from leanrl.storage.run_folder import step_of
from leanrl.trained import merge
from tests.evaluation.test_card_scores import write_evaluation
from tests.families.table import named
from tests.families.tiny import make_tiny_family
from tests.models.conftest import MakeRun
from tests.models.small_hub import HubState
from tests.tiny_model import make_tiny_tokenizer


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_a_merged_run_answers_as_base_and_adapter_do(make_run: MakeRun, tmp_path: Path, family: str) -> None:
    """In fp32 nothing is rounded, so the two agree to fp32's last digits; the base alone does not."""
    run = make_run(family=family)
    report = merge_run(run.path, tmp_path / "out", dtype="float32")
    ids = AutoTokenizer.from_pretrained(tmp_path / "out")("3 + 4 = \\boxed{7}", return_tensors="pt").input_ids
    base = AutoModelForCausalLM.from_pretrained(tmp_path / f"tiny-{family}", dtype=torch.bfloat16).float()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    with torch.no_grad():
        of_base = base(ids).logits
        of_adapter = PeftModel.from_pretrained(base, str(run.checkpoint(7)))(ids).logits
        of_merged = merged(ids).logits
    assert merged.dtype == torch.float32
    assert (of_merged - of_adapter).abs().max() < 1e-4
    assert (of_merged - of_base).abs().max() > 0.1
    assert (report.num_modules, report.origin.checkpoint, report.pushed_to) == (14, "step-000007", None)


def test_the_sum_is_rounded_once(make_run: MakeRun, tmp_path: Path) -> None:
    """Every saved weight is bf16(W + scale B A), the sum taken in fp32 from the bf16 base."""
    run = make_run(effect=1e-3)
    merge_run(run.path, tmp_path / "out", dtype="bfloat16")
    base = load_file(tmp_path / "tiny-llama" / "model.safetensors")
    adapter = load_file(run.checkpoint(7) / "adapter_model.safetensors")
    merged = load_file(tmp_path / "out" / "model.safetensors")
    name = "model.layers.0.mlp.down_proj"
    a, b = (adapter[f"base_model.model.{name}.lora_{side}.weight"] for side in "AB")
    exact = base[f"{name}.weight"].to(torch.bfloat16).float() + b @ a * (8.0 / 4)
    assert torch.equal(merged[f"{name}.weight"], exact.to(torch.bfloat16))
    assert {weight.dtype for weight in merged.values()} == {torch.bfloat16}


def test_everything_a_model_needs_is_there_and_nothing_else(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    report = merge_run(run.path, tmp_path / "deep" / "out")
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == [
        "README.md",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "leanrl_prompt.json",
        "merge.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    card = (tmp_path / "deep" / "out" / "README.md").read_text()
    assert "| preset | tiny-lora, none of leanrl's own |" in card
    assert "25.0% (7% to 59%) before training, 75.0% (41% to 93%) after" in card
    config = json.loads((tmp_path / "deep" / "out" / "config.json").read_text())
    assert (config["dtype"], config["use_cache"]) == ("bfloat16", True)
    assert report.verification.difference_max <= report.verification.rounding_max + report.verification.tolerance
    assert "verified" in report.text()


def test_an_adapter_alone_is_merged_into_the_base_that_it_names(make_run: MakeRun, tmp_path: Path) -> None:
    """Without a run the base is held as its files hold it (fp32 here); the card says what is not known."""
    adapter = Path(shutil.copytree(make_run().checkpoint(7), tmp_path / "adapter"))
    report = merge_run(adapter, tmp_path / "out", dtype="float32")
    assert report.origin.base == "tiny-llama"
    assert report.verification.difference_max < 1e-4
    assert "not evaluated" in (tmp_path / "out" / "README.md").read_text()


def test_rounding_that_rivals_the_adapter_is_warned_of(make_run: MakeRun, tmp_path: Path) -> None:
    report = merge_run(make_run(effect=1e-5).path, tmp_path / "out", dtype="bfloat16")
    assert report.verification.rounding_share > 0.1
    assert "warning: rounding to bfloat16 moves log-probs" in report.text()
    assert "`--dtype float32` rounds nothing" in report.text()


def test_a_model_that_differs_is_refused_and_leaves_nothing(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One weight of the written file is changed before it is read back, as a failing disk would."""
    load = merged.load_as_saved

    def load_after_damage(located, **choices):
        file = Path(located.path_or_id) / "model.safetensors"
        if located.path_or_id.endswith(".partial"):
            weights = load_file(file)
            weights["model.layers.0.self_attn.v_proj.weight"][:] = 0
            save_file(weights, file, metadata={"format": "pt"})
        return load(located, **choices)

    run = make_run()
    monkeypatch.setattr(merged, "load_as_saved", load_after_damage)
    with pytest.raises(LeanRLError, match="is not base \\+ adapter, and was not written") as caught:
        merge_run(run.path, tmp_path / "models" / "out")
    assert caught.value.exit_code == 1
    assert list((tmp_path / "models").iterdir()) == []


def test_the_card_shows_the_scores_of_the_checkpoint_that_is_merged(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    step = step_of(run.complete_checkpoints()[-1])
    write_evaluation(run.path / "evals" / f"step-{step}-robust", "gsm8k", num_right=3)
    merge(run.path, tmp_path / "out")
    (result,) = ModelCard.load(tmp_path / "out" / "README.md").data.eval_results
    assert (result.dataset_type, result.metric_value) == ("openai/gsm8k", 75.0)


def test_an_existing_folder_is_never_written_over(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").touch()
    with pytest.raises(ConfigError, match="exists already"):
        merge_run(make_run().path, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious"]


def test_an_unknown_dtype_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none of bfloat16, float16, float32"):
        merge_run(tmp_path, tmp_path / "out", dtype="int8")


def test_a_push_without_a_login_fails_before_any_work(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    run = make_run()
    shutil.rmtree(tmp_path / "tiny-llama")  # any work would meet a base that is not there
    with pytest.raises(MissingError, match="needs a login"):
        merge_run(run.path, tmp_path / "out", push="ada/tiny")
    assert not (tmp_path / "out").exists()


def test_a_push_sends_the_verified_model(make_run: MakeRun, tmp_path: Path, hub: HubState) -> None:
    report = merge_run(make_run().path, tmp_path / "out", push="tiny")
    assert hub.repos == {"ada/tiny": True}
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(hub.files)
    assert hub.files["model.safetensors"] == (tmp_path / "out" / "model.safetensors").read_bytes()
    assert not any(str(tmp_path).encode() in content for content in hub.files.values())
    assert (report.pushed_to or "").endswith("/ada/tiny")
    assert "pushed: " in report.text()


def test_a_large_model_is_written_in_shards(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged, "SHARD_SIZE", "60KB")
    report = merge_run(make_run().path, tmp_path / "out", dtype="float32")
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    shards = set(index["weight_map"].values())
    assert len(shards) > 2
    assert all((tmp_path / "out" / shard).is_file() for shard in shards)
    assert report.verification is not None
    assert report.verification.difference_max < 1e-4


def test_the_chat_template_and_generation_config_of_the_base_come_along(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    template = run.checkpoint(7) / "chat_template.jinja"
    template.write_text(template.read_text() + "{# of this run #}")
    seal(run.checkpoint(7), step=7)
    file = tmp_path / "tiny-llama" / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"temperature": 0.6, "do_sample": True}))
    merge_run(run.path, tmp_path / "out")
    assert (tmp_path / "out" / "chat_template.jinja").read_text().endswith("{# of this run #}")
    assert json.loads((tmp_path / "out" / "generation_config.json").read_text())["temperature"] == 0.6


def test_one_of_several_adapters_is_merged(make_run: MakeRun, tmp_path: Path) -> None:
    checkpoint = make_run().checkpoint(7)
    shutil.copytree(checkpoint, checkpoint / "draft", ignore=shutil.ignore_patterns("COMPLETE"))
    weights = load_file(checkpoint / "draft" / "adapter_model.safetensors")
    save_file({name: weight * 0 for name, weight in weights.items()}, checkpoint / "draft/adapter_model.safetensors")
    merge_run(checkpoint, tmp_path / "default", dtype="float32")
    merge_run(checkpoint, tmp_path / "draft", dtype="float32", adapter="draft")
    base = load_file(tmp_path / "tiny-llama" / "model.safetensors")
    name = "model.layers.0.mlp.down_proj.weight"
    of_draft = load_file(tmp_path / "draft" / "model.safetensors")[name]
    assert torch.equal(of_draft, base[name].to(torch.bfloat16).float())
    assert not torch.equal(of_draft, load_file(tmp_path / "default" / "model.safetensors")[name])


def test_a_wholly_trained_model_is_copied_and_the_report_says_why(
    make_run: MakeRun, tmp_path: Path, tiny_model: Path
) -> None:
    run = make_run(method="full")
    shutil.rmtree(run.checkpoint(7))
    shutil.copytree(tiny_model, run.checkpoint(7))
    (run.checkpoint(7) / "COMPLETE").touch()
    report = merge_run(run.path, tmp_path / "out", dtype="bfloat16")
    assert "copied step-000007, bfloat16: all weights were trained, so there is nothing to fold" in report.text()
    source = load_file(tiny_model / "model.safetensors")
    copied = load_file(tmp_path / "out" / "model.safetensors")
    assert copied.keys() == source.keys()
    assert all(torch.equal(copied[name], source[name].to(torch.bfloat16)) for name in source)
    assert "| trained | all weights |" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_a_model_held_in_bf16_is_compared_with_the_multipliers_of_its_files(
    make_run: MakeRun, tmp_path: Path, method: str
) -> None:
    """Falcon-H1's multipliers are in no file: 0.6016 where the model was trained, 0.6 where fp32 files are loaded."""
    if method == "qlora":
        pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")
    base = make_tiny_family(tmp_path / "tiny-falcon_h1", named("falcon_h1"))
    run = make_run(method=method, base=base)
    if method == "full":
        shutil.rmtree(run.checkpoint(7))
        held = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
        held.save_pretrained(run.checkpoint(7))
        make_tiny_tokenizer().save_pretrained(run.checkpoint(7))
        (run.checkpoint(7) / "COMPLETE").touch()
    report = merge_run(run.path, tmp_path / "out", dtype="float32")
    assert report.verification.difference_max < 1e-5


def test_what_float16_cannot_hold_is_refused_by_name(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    file = tmp_path / "tiny-llama" / "model.safetensors"
    weights = load_file(file)
    weights["model.layers.1.mlp.up_proj.weight"][3, 4] = 70_000.0
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"model\.layers\.1\.mlp\.up_proj\.weight holds 7\.\d*e\+04.* ends at 65504"):
        merge_run(run.path, tmp_path / "out", dtype="float16")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own error for a full disk, raised where the tokenizer is written."""
    run = make_run()
    save = PreTrainedTokenizerBase.save_pretrained

    def save_on_a_full_disk(self, folder, **more):
        if ".partial" in str(folder):
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(self, folder, **more)

    monkeypatch.setattr(PreTrainedTokenizerBase, "save_pretrained", save_on_a_full_disk)
    with pytest.raises(DoesNotFitError, match=r"the disk is full: .* Nothing is left of it"):
        merge_run(run.path, tmp_path / "models" / "out")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_push_that_failed_goes_on_without_merging_again(
    make_run: MakeRun, tmp_path: Path, hub: HubState, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, out = make_run(), tmp_path / "out"
    hub.forbidden = True
    with pytest.raises(MissingError, match="may not write there"):
        merge_run(run.path, out, push="tiny")
    made = (out / "model.safetensors").stat().st_mtime_ns
    hub.forbidden = False
    report = merge_run(run.path, out, push="tiny")
    assert "holds this merge already" in report.text()
    assert (out / "model.safetensors").stat().st_mtime_ns == made
    assert hub.files["model.safetensors"] == (out / "model.safetensors").read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        merge_run(run.path, out, push="tiny", dtype="float32")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"base": "nf4"}, "--base: nf4 is none of original, dequantised"),
        ({"base": "dequantised"}, r"was trained on 16-bit weights \(lora\)"),
        ({"gguf": "Q4_K_M"}, "--gguf: Q4_K_M is none of F16, BF16, Q8_0"),
        ({"adapter": "best"}, "--adapter is best, and .* holds default"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(
    make_run: MakeRun, tmp_path: Path, chosen: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        merge_run(make_run().path, tmp_path / "out", **chosen)
    assert not (tmp_path / "out").exists()
