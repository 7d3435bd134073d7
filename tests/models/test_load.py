"""What a run loads, and what it refuses to load."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoTokenizer

from leanrl.config.schema import ModelConfig, TuningConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.models.adapters.adapter import check_targets, lora_config
from leanrl.models.chat_template import require_chat_template
from leanrl.models.load import load_policy, load_tokenizer
from leanrl.models.locate import LocatedModel, locate_model
from tests.tiny_model import make_tiny_model

PROJECTIONS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def located(folder: Path) -> LocatedModel:
    return locate_model(ModelConfig(id=str(folder)))


def edit_json(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_weights_come_in_the_asked_dtype(tiny_model: Path, dtype: str) -> None:
    model = ModelConfig(id=str(tiny_model), dtype=dtype, compute_dtype="bfloat16", attention="eager")
    policy = load_policy(model, located(tiny_model), device="cpu")
    assert {weight.dtype for weight in policy.parameters()} == {getattr(torch, dtype)}
    assert policy.config._attn_implementation == "eager"
    stored = load_file(tiny_model / "model.safetensors")["model.norm.weight"]
    assert torch.equal(policy.model.norm.weight, stored.to(getattr(torch, dtype)))


def test_training_keeps_no_cache_and_generation_does(tiny_model: Path) -> None:
    policy = load_policy(ModelConfig(id=str(tiny_model)), located(tiny_model), device="cpu")
    assert policy(torch.tensor([[1, 2]])).past_key_values is None
    assert policy.generation_config.use_cache is True


def test_what_this_version_lacks_is_missing(tiny_model: Path) -> None:
    model = ModelConfig(id=str(tiny_model), dtype="bfloat16", compute_dtype="float32")
    with pytest.raises(MissingError, match="compute_dtype float32") as caught:
        load_policy(model, located(tiny_model), device="cpu")
    assert "-s model." in (caught.value.hint or "")


@pytest.mark.skipif(find_spec("flash_attn") is not None, reason="flash_attn is installed here")
def test_an_attention_that_is_not_installed_is_missing(tiny_model: Path) -> None:
    model = ModelConfig(id=str(tiny_model), attention="flash_attention_2")
    with pytest.raises(MissingError, match="flash_attn is not installed") as caught:
        load_policy(model, located(tiny_model), device="cpu")
    assert caught.value.hint == "-s model.attention=sdpa"


def test_a_model_that_generates_nothing_is_refused(folder: Path) -> None:
    edit_json(folder / "config.json", model_type="vit")
    with pytest.raises(ConfigError, match="no causal language model"):
        load_policy(ModelConfig(id=str(folder)), located(folder), device="cpu")


def test_code_out_of_a_model_is_not_run(folder: Path) -> None:
    (folder / "modeling_own.py").write_text("raise SystemExit('this ran')\n")
    edit_json(folder / "config.json", model_type="own", auto_map={"AutoConfig": "modeling_own.OwnConfig"})
    with pytest.raises(ConfigError, match="no model that transformers knows"):
        load_policy(ModelConfig(id=str(folder)), located(folder), device="cpu")


def test_a_quantised_model_is_refused(folder: Path) -> None:
    edit_json(folder / "config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})
    with pytest.raises(ConfigError, match="quantised already"):
        load_policy(ModelConfig(id=str(folder)), located(folder), device="cpu")


def test_missing_weights_are_never_drawn_at_random(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.self_attn.q_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"lacks 1 of the weights .* model\.layers\.1\.self_attn\.q_proj\.weight"):
        load_policy(ModelConfig(id=str(folder)), located(folder), device="cpu")


def test_a_tokenizer_keeps_a_pad_token_that_is_not_its_end(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(ModelConfig(id=str(tiny_model)), located(tiny_model))
    assert (tokenizer.pad_token, tokenizer.eos_token) == ("<|endoftext|>", "<|im_end|>")


@pytest.mark.parametrize("pad", [None, "<|im_end|>"])
def test_padding_that_would_end_an_answer_is_replaced(folder: Path, pad: str | None) -> None:
    edit_json(folder / "tokenizer_config.json", pad_token=pad)
    tokenizer = load_tokenizer(ModelConfig(id=str(folder)), located(folder))
    assert tokenizer.pad_token == "<|endoftext|>"
    assert len(tokenizer) == AutoConfig.from_pretrained(folder).vocab_size


def test_where_nothing_else_is_there_the_end_pads(folder: Path) -> None:
    edit_json(folder / "tokenizer_config.json", pad_token=None, eos_token="<|endoftext|>", unk_token=None)
    tokenizer = load_tokenizer(ModelConfig(id=str(folder)), located(folder))
    assert tokenizer.pad_token == "<|endoftext|>"


def test_a_template_file_replaces_the_model_own(tiny_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.jinja"
    file.write_text("{% for message in messages %}[{{ message.content }}]{% endfor %}")
    model = ModelConfig(id=str(tiny_model), chat_template=str(file))
    tokenizer = load_tokenizer(model, located(tiny_model))
    assert tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False) == "[hi]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("{% for message in messages %}", "does not render"),
        ("Hello.", "does not contain the user's message"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused(
    tiny_model: Path, tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "own.jinja"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_tokenizer(ModelConfig(id=str(tiny_model), chat_template=str(file)), located(tiny_model))


def test_messages_need_a_template_and_the_error_says_which_key(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    model = ModelConfig(id=str(folder))
    tokenizer = load_tokenizer(model, located(folder))
    with pytest.raises(ConfigError, match="has no chat template") as caught:
        require_chat_template(tokenizer, model)
    assert "-s model.chat_template=FILE" in (caught.value.hint or "")


def test_a_tokenizer_that_parses_answers_is_refused(folder: Path) -> None:
    """TRL would parse completions with it, `</think>` would be gone, and a format reward would be 0 for ever."""
    edit_json(folder / "tokenizer_config.json", response_template={"fields": {}})
    assert AutoTokenizer.from_pretrained(folder).response_template is not None
    with pytest.raises(ConfigError, match="response_template"):
        load_tokenizer(ModelConfig(id=str(folder)), located(folder))


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_all_linear_adapts_every_projection_and_never_the_head(tmp_path: Path, family: str) -> None:
    """2 layers x 7 projections; the head is tied in one family and of its own in the other."""
    folder = make_tiny_model(tmp_path, family=family)
    policy = load_policy(ModelConfig(id=str(folder)), located(folder), device="cpu")
    adapted = get_peft_model(policy, lora_config(TuningConfig(rank=4, alpha=8.0, dropout=0.1)))
    assert len(adapted.targeted_module_names) == 14
    assert {name.rsplit(".", 1)[-1] for name in adapted.targeted_module_names} == PROJECTIONS
    layer = adapted.base_model.model.model.layers[0].self_attn.q_proj
    assert (layer.r["default"], layer.scaling["default"], layer.lora_dropout["default"].p) == (4, 2.0, 0.1)


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (["q_prj"], ["no linear module q_prj", "did you mean q_proj?"]),
        (["q_proj", "lm_head"], ["lm_head is the head"]),
        (["embed_tokens", "nothing"], ["no linear module embed_tokens", "no linear module nothing"]),
        ([], ["model.tuning.targets does not fit"]),
    ],
)
def test_targets_that_match_nothing_are_listed_with_what_there_is(
    tiny_model: Path, targets: list[str], words: list[str]
) -> None:
    model = ModelConfig(id=str(tiny_model), tuning=TuningConfig(targets=targets))
    with pytest.raises(ConfigError) as caught:
        load_policy(model, located(tiny_model), device="cpu")
    for word in [*words, "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"]:
        assert word in str(caught.value)


def test_targets_may_be_named_by_their_last_parts(tiny_model: Path) -> None:
    policy = load_policy(ModelConfig(id=str(tiny_model)), located(tiny_model), device="cpu")
    check_targets(policy, TuningConfig(targets=["self_attn.q_proj", "v_proj"]))


@pytest.mark.parametrize("end", ["<|im_end|>", None])
def test_a_pad_token_that_the_embedding_has_no_row_for_is_replaced(folder: Path, end: str | None) -> None:
    """Fine-tunes of Llama 2 add [PAD] to the tokenizer and not to the weights."""
    saved = AutoTokenizer.from_pretrained(folder)
    saved.add_special_tokens({"pad_token": "[PAD]"})
    saved.save_pretrained(folder)
    edit_json(folder / "tokenizer_config.json", eos_token=end)
    tokenizer = load_tokenizer(ModelConfig(id=str(folder)), located(folder))
    assert AutoTokenizer.from_pretrained(folder).pad_token_id == len(saved) - 1
    assert tokenizer.pad_token == "<|endoftext|>"
    assert tokenizer.pad_token_id < AutoConfig.from_pretrained(folder).vocab_size


def test_padding_takes_the_end_or_any_row_where_the_embedding_leaves_no_other(folder: Path) -> None:
    """Every special token but one lies beyond the rows; then all of them do."""
    config = AutoConfig.from_pretrained(folder)
    for num_rows, pad in ((1, "<|endoftext|>"), (2, "<|endoftext|>")):
        edit_json(folder / "config.json", vocab_size=num_rows)
        edit_json(folder / "tokenizer_config.json", pad_token="<|im_end|>", eos_token="<|endoftext|>", unk_token=None)
        assert load_tokenizer(ModelConfig(id=str(folder)), located(folder)).pad_token == pad
    assert config.vocab_size > 2


@pytest.mark.parametrize(
    "own",
    [
        {"temperature": 0.9, "top_p": 0.6},
        {"early_stopping": "soon", "num_beams": 4},
        {"num_return_sequences": 3, "max_new_tokens": -1},
        {"watermarking_config": {"seeding_scheme": "none of these"}},
    ],
)
def test_an_invalid_generation_config_is_loaded_and_can_be_saved(folder: Path, tmp_path: Path, own: dict) -> None:
    """Llama 2 and Vicuna have sampling values without do_sample; transformers refuses to save those."""
    (folder / "generation_config.json").write_text(json.dumps(own | {"eos_token_id": [2, 0], "max_length": 99}))
    policy = load_policy(ModelConfig(id=str(folder)), located(folder), device="cpu")
    policy.save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / "generation_config.json").read_text())
    assert (saved["eos_token_id"], saved["max_length"]) == ([2, 0], 99)
