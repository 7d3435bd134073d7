"""What a resumed run starts with: every tensor of its checkpoint, or an error that names those that differ."""

import shutil

import pytest
import torch
from peft import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from leanrl.errors import ConfigError
from leanrl.models.load import load_as_saved
from leanrl.models.locate import LocatedModel
from leanrl.models.weights.compare import require_read_whole
from leanrl.trainer.checkpoints.restore import check_optimizer, restore_weights
from tests.tiny_model import make_tiny_tokenizer
from tests.trainer.small_trainer import Notes, small_config, small_trainer

MEASURED = ("seconds", "cpu_share", "peak_bytes", "phase_peak_bytes")


def trained(config, run_path, *, checkpoint=None):
    """Return the trainer after its last step, and what it said of each step."""
    notes = Notes()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    trainer.train_from(checkpoint)
    return trainer, [{k: v for k, v in step.items() if k not in MEASURED} for step in notes.steps]


def weights(trainer):
    return {name: weight.detach().clone() for name, weight in trainer.model.state_dict().items()}


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype, name
        assert torch.equal(one[name], other[name]), name


def three_steps(folder, **sections):
    more = {"train": {"max_steps": 3}, "checkpoints": {"keep_last": 3}}
    return small_config(folder, **{name: more.get(name, {}) | sections.get(name, {}) for name in more | sections})


def assert_resumes_as_if_never_stopped(config, tmp_path):
    """Three steps in one go, and the third again from the checkpoint of the second: same weights, same metrics."""
    whole, steps = trained(config, tmp_path / "whole")
    again, later = trained(config, tmp_path / "again", checkpoint=whole.run.checkpoint(2))
    assert later == steps[2:]
    assert_same_weights(weights(again), weights(whole))


def tuning(**keys):
    return {"dtype": "float32", "compute_dtype": "float32", "tuning": {"rank": 4, **keys}}


@pytest.fixture(scope="module")
def start_adapter(tiny_model, tmp_path_factory):
    """A trained adapter whose B is far from 0."""
    trainer, *_ = small_trainer(small_config(tiny_model), tmp_path_factory.mktemp("start") / "run", listener=Notes())
    torch.manual_seed(1)
    for name, weight in trainer.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    trainer.train_from(None)
    return trainer.run.checkpoint(2)


@pytest.mark.parametrize("kl_beta", [0.0, 0.1], ids=["no-kl", "kl"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_run_from_an_adapter_resumes_where_it_was(tiny_model, start_adapter, tmp_path, kl_beta, dtype):
    model = {"id": str(tiny_model), **tuning(start_adapter=str(start_adapter), adapter_dtype=dtype)}
    config = three_steps(tiny_model, model=model, algorithm={"kl_beta": kl_beta})
    assert_resumes_as_if_never_stopped(config, tmp_path)


@pytest.mark.parametrize("method", ["lora", "qlora"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_adapter_keeps_its_dtype(tiny_model, tmp_path, method, dtype):
    model = {"id": str(tiny_model), **tuning(method=method, adapter_dtype=dtype)}
    if method == "qlora":
        model |= {"dtype": "bfloat16", "compute_dtype": "bfloat16"}
    assert_resumes_as_if_never_stopped(three_steps(tiny_model, model=model), tmp_path)


SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.1,
}


def qwen3_moe(ids):
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "decoder_sparse_step": 1}
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(**SIZES, **ids, **experts, num_key_value_heads=1, head_dim=32))


def gpt_neox(ids):
    return GPTNeoXForCausalLM(GPTNeoXConfig(**SIZES, **ids, hidden_dropout=0.0, attention_dropout=0.0))


def gemma3_wrapper(ids):
    """The multimodal class, whose language model lies deeper in memory than on disk."""
    vision = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    text = {**SIZES, **ids, "num_key_value_heads": 1, "head_dim": 32, "sliding_window": 512}
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4, **ids_of_tokens(ids))
    return Gemma3ForConditionalGeneration(config)


def ids_of_tokens(ids):
    return {name: value for name, value in ids.items() if name != "vocab_size"}


@pytest.mark.parametrize("make", [qwen3_moe, gpt_neox, gemma3_wrapper])
def test_names_that_differ_on_disk_and_in_memory_bring_their_weights_back(tmp_path, make):
    folder = write_model(make, tmp_path / "model")
    model = {"id": str(folder), **tuning(method="full")}
    config = three_steps(folder, model=model, algorithm={"kl_beta": 0.04})
    assert_resumes_as_if_never_stopped(config, tmp_path)


def write_model(make, folder):
    tokenizer = make_tiny_tokenizer()
    ids = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        make(ids).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


# --- what does not fit is named ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def adapter_run(tiny_model, tmp_path_factory):
    trainer, _ = trained(small_config(tiny_model), tmp_path_factory.mktemp("adapter") / "run")
    return trainer


@pytest.fixture(scope="module")
def full_run(tiny_model, tmp_path_factory):
    config = small_config(tiny_model, model={"id": str(tiny_model), **tuning(method="full")})
    trainer, _ = trained(config, tmp_path_factory.mktemp("full") / "run")
    return trainer


def without_one(tensors):
    del tensors[sorted(tensors)[1]]


def with_one_more(tensors):
    tensors["base_model.model.model.layers.9.mlp.up_proj.lora_A.weight"] = torch.zeros(4, 64)


def of_another_dtype(tensors):
    name = sorted(tensors)[0]
    tensors[name] = tensors[name].bfloat16()


def of_another_shape(tensors):
    name = sorted(tensors)[0]
    tensors[name] = tensors[name][:2].clone()


ADAPTER_CHANGES = [
    (without_one, "is not in the checkpoint"),
    (with_one_more, "layers.9.mlp.up_proj.lora_A.weight is in the checkpoint only"),
    (of_another_dtype, "is bfloat16 in the checkpoint and float32 in this run"),
    (of_another_shape, "in the checkpoint and (4, 128) in this run"),
]


@pytest.mark.parametrize(("change", "said"), ADAPTER_CHANGES)
def test_an_adapter_that_does_not_fit_is_refused_by_the_name_of_its_tensors(adapter_run, tmp_path, change, said):
    checkpoint = shutil.copytree(adapter_run.run.checkpoint(2), tmp_path / "step-000002")
    file = checkpoint / "adapter_model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    with pytest.raises(ConfigError, match="does not fit what was loaded from it") as caught:
        restore_weights(adapter_run.model, checkpoint)
    assert said in caught.value.message


@pytest.mark.parametrize("change", [without_one, of_another_dtype])
def test_a_whole_model_that_does_not_fit_is_refused(full_run, tmp_path, change):
    checkpoint = shutil.copytree(full_run.run.checkpoint(2), tmp_path / "step-000002")
    file = checkpoint / "model.safetensors"
    tensors = load_file(file)
    changed = sorted(tensors)[0 if change is of_another_dtype else 1]
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(ConfigError) as caught:
        restore_weights(full_run.model, checkpoint)
    assert changed in caught.value.message


def test_a_reference_adapter_that_the_run_has_not_is_named(adapter_run, tmp_path):
    checkpoint = shutil.copytree(adapter_run.run.checkpoint(2), tmp_path / "step-000002")
    shutil.copytree(checkpoint, checkpoint / "ref")
    with pytest.raises(ConfigError, match="ref is in the checkpoint only"):
        restore_weights(adapter_run.model, checkpoint)


def test_a_file_whose_values_are_not_restored_is_named(adapter_run, monkeypatch):
    """The comparison does not trust the copy: without it every tensor is named."""
    monkeypatch.setattr("leanrl.trainer.checkpoints.restore._copy", lambda saved, held: None)
    before = get_peft_model_state_dict(adapter_run.model)
    first = adapter_run.run.checkpoint(1)
    assert not torch.equal(before[name := sorted(before)[-1]], load_file(first / "adapter_model.safetensors")[name])
    with pytest.raises(ConfigError, match="has other values than in the checkpoint"):
        restore_weights(adapter_run.model, first)


def test_optimizer_state_of_another_dtype_or_step_is_named(adapter_run, tmp_path):
    checkpoint = shutil.copytree(adapter_run.run.checkpoint(2), tmp_path / "step-000002")
    check_optimizer(adapter_run.optimizer, checkpoint)
    state = torch.load(checkpoint / "optimizer.pt", weights_only=True)
    state["state"][0]["exp_avg"] = state["state"][0]["exp_avg"].bfloat16()
    state["state"][1]["step"] = torch.tensor(9.0)
    torch.save(state, checkpoint / "optimizer.pt")
    with pytest.raises(ConfigError) as caught:
        check_optimizer(adapter_run.optimizer, checkpoint)
    assert "0.exp_avg is bfloat16 in the checkpoint and float32 in this run" in caught.value.message
    assert "1.step has other values" in caught.value.message


def test_a_merge_and_a_sample_compare_the_whole_model_too(full_run, tmp_path):
    """The same comparison, after the files are cast to the dtype that was asked for."""
    checkpoint = full_run.run.checkpoint(2)
    located = LocatedModel(str(checkpoint), None, "folder")
    model = load_as_saved(located, dtype=torch.bfloat16)
    require_read_whole(model, checkpoint)
    with torch.no_grad():
        model.model.norm.weight[3] += 1
    with pytest.raises(ConfigError, match=r"model\.norm\.weight has other values"):
        require_read_whole(model, checkpoint)
