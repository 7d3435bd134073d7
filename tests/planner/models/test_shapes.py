"""A model's shape from its config.json, and the parameters it counts."""

import json
import re

import httpx
import pytest

from leanrl.errors import ConfigError, MissingError, NoFormulaError
from leanrl.planner.models.known_models import KNOWN_MODELS, find_shape
from leanrl.planner.models.shapes import shape_from_config

QWEN2 = {
    "model_type": "qwen2",
    "num_hidden_layers": 2,
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "tie_word_embeddings": True,
}


@pytest.mark.parametrize(
    ("model_id", "num_params"),
    [
        # Totals that the models' own pages state.
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 1_777_088_000),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 7_615_616_512),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", 134_515_008),
        ("HuggingFaceTB/SmolLM2-360M", 361_821_120),
        ("HuggingFaceTB/SmolLM2-1.7B", 1_711_376_384),
        ("Qwen/Qwen2.5-0.5B-Instruct", 494_032_768),
        ("Qwen/Qwen2.5-1.5B", 1_543_714_304),
        ("Qwen/Qwen2.5-3B", 3_085_938_688),
        ("Qwen/Qwen3-0.6B", 596_049_920),
        ("Qwen/Qwen3-1.7B", 1_720_574_976),
        ("Qwen/Qwen3-4B", 4_022_468_096),
        ("meta-llama/Llama-3.2-1B-Instruct", 1_235_814_400),
        ("meta-llama/Llama-3.2-3B", 3_212_749_824),
        ("Qwen/Qwen3-8B", 8_190_735_360),
        ("Qwen/Qwen3-14B", 14_768_307_200),
        ("Qwen/Qwen3-32B", 32_762_123_264),
        ("Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
        ("Qwen/Qwen2.5-14B", 14_770_033_664),
        ("Qwen/Qwen2.5-32B-Instruct", 32_763_876_352),
        ("Qwen/Qwen2.5-72B", 72_706_203_648),
        ("meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248),
        ("meta-llama/Llama-3.1-70B", 70_553_706_496),
        ("meta-llama/Llama-3.3-70B-Instruct", 70_553_706_496),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", 14_770_033_664),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", 32_763_876_352),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", 8_030_261_248),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 70_553_706_496),
        ("google/gemma-3-270m-it", 268_098_176),
        ("google/gemma-3-1b-it", 999_885_952),
        ("microsoft/Phi-4-mini-instruct", 3_836_021_760),
        ("mistralai/Mistral-7B-Instruct-v0.3", 7_248_023_552),
    ],
)
def test_parameters_of_known_models(model_id, num_params):
    assert KNOWN_MODELS[model_id].num_params == num_params


def test_qwen2_by_hand():
    """Embedding 100 x 8 = 800 (tied); a layer: q 8x8+8, k and v 2 (8x4+4), o 8x8, MLP 3 x 8 x 12, norms 16; norm 8.

    72 + 72 + 64 + 288 + 16 = 512; 800 + 2 x 512 + 8 = 1832. Untied adds 800.
    """
    shape = shape_from_config(QWEN2)
    assert (shape.head_dim, shape.key_value) == (2, 4)
    assert shape.num_params == 1832
    assert shape_from_config(QWEN2 | {"tie_word_embeddings": False}).num_params == 2632


def test_given_head_dim_and_missing_key_value_heads():
    """head_dim 16 with 4 heads: q, k and v are 64 wide though the hidden size is 8."""
    config = {key: value for key, value in QWEN2.items() if key != "num_key_value_heads"}
    shape = shape_from_config(config | {"model_type": "qwen3", "head_dim": 16})
    assert (shape.query, shape.key_value) == (64, 64)


def test_phi3_names_its_fused_layers():
    """qkv 8 -> 8 + 2 x 4, gate and up 8 -> 24."""
    shape = shape_from_config(QWEN2 | {"model_type": "phi3"})
    assert shape.linears == {"qkv_proj": (8, 16), "o_proj": (8, 8), "gate_up_proj": (8, 24), "down_proj": (12, 8)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sliding_window": None}, (None, 0)),
        ({"sliding_window": 512}, (512, 10)),  # 12 layers, every sixth attends to everything
        ({"sliding_window": 512, "layer_types": ["sliding_attention"] * 7 + ["full_attention"] * 5}, (512, 7)),
    ],
)
def test_gemma_sliding_layers(changes, expected):
    shape = shape_from_config(QWEN2 | {"model_type": "gemma3_text", "num_hidden_layers": 12} | changes)
    assert (shape.sliding_window, shape.num_sliding_layers) == expected


@pytest.mark.parametrize(("first", "expected"), [(0, (512, 4)), (3, (512, 1)), (4, (None, 0)), (28, (None, 0))])
def test_qwen2_layers_from_the_first_with_a_window(first, expected):
    window = {"num_hidden_layers": 4, "sliding_window": 512, "use_sliding_window": True, "max_window_layers": first}
    shape = shape_from_config(QWEN2 | window)
    assert (shape.sliding_window, shape.num_sliding_layers) == expected


def test_qwen2_window_is_off_unless_used():
    assert shape_from_config(QWEN2 | {"sliding_window": 4096, "use_sliding_window": False}).sliding_window is None


def test_unknown_family_is_named():
    with pytest.raises(NoFormulaError, match="model_type 'mamba', for whose layers the planner has no formula"):
        shape_from_config(QWEN2 | {"model_type": "mamba"})


def test_all_problems_at_once():
    broken = {key: value for key, value in QWEN2.items() if key != "vocab_size"} | {"hidden_size": -8, "head_dim": 0}
    with pytest.raises(ConfigError) as caught:
        shape_from_config(broken, where="x/config.json")
    text = str(caught.value)
    assert "x/config.json: vocab_size is missing" in text
    assert "hidden_size is -8" in text
    assert "head_dim is 0" in text


def test_heads_that_do_not_divide():
    with pytest.raises(ConfigError, match="4 attention heads cannot share 3 key-value heads"):
        shape_from_config(QWEN2 | {"num_key_value_heads": 3})


def test_kinds_of_layers_are_as_many_as_layers():
    with pytest.raises(ConfigError, match=r"layer_types has 1 entries for 2 layers"):
        shape_from_config(QWEN2 | {"num_hidden_layers": 2, "layer_types": ["full_attention"]})


def test_heads_are_checked_beside_other_problems():
    """All at once: a size that is no number, and heads that do not divide."""
    with pytest.raises(ConfigError) as caught:
        shape_from_config(QWEN2 | {"vocab_size": "many", "num_key_value_heads": 3})
    text = str(caught.value)
    assert "vocab_size is 'many'; it must be a whole number" in text
    assert "4 attention heads cannot share 3" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 10**30},
        {"intermediate_size": 12.0},
        {"vocab_size": True},
        {"sliding_window": "wide"},
        {"sliding_window": 4, "use_sliding_window": True, "max_window_layers": [1]},
        {"sliding_window": 4, "layer_types": 2},
        {"tie_word_embeddings": "yes"},
    ],
)
def test_sizes_that_make_no_sense(changes):
    key, value = list(changes.items())[-1]
    with pytest.raises(ConfigError, match=rf"{key} is {re.escape(repr(value))}; it must be"):
        shape_from_config(QWEN2 | changes)


@pytest.mark.parametrize("nothing", [None, 0, False])
def test_no_window_is_none(nothing):
    assert shape_from_config(QWEN2 | {"model_type": "mistral", "sliding_window": nothing}).sliding_window is None


def test_experts_have_no_formula():
    with pytest.raises(NoFormulaError, match="mixture of experts"):
        shape_from_config(QWEN2 | {"num_experts": 8})


def test_local_folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(QWEN2))
    assert find_shape(str(tmp_path)).num_params == 1832


def test_folder_without_config(tmp_path):
    with pytest.raises(MissingError, match="does not exist"):
        find_shape(str(tmp_path))


def test_broken_config_file(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="is no JSON"):
        find_shape(str(tmp_path))


def test_config_in_the_cache_of_the_hub(tmp_path, monkeypatch):
    """The cache's own layout: snapshots by commit, and a file that says which commit a branch is at."""
    repository = tmp_path / "models--somebody--small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "snapshots" / "abc" / "config.json").write_text(json.dumps(QWEN2))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert find_shape("somebody/small").num_params == 1832


def test_config_from_the_hub(monkeypatch):
    asked = []

    def answer(request):
        asked.append(str(request.url))
        return httpx.Response(200, text=json.dumps(QWEN2))

    monkeypatch.setattr("huggingface_hub.get_session", lambda: httpx.Client(transport=httpx.MockTransport(answer)))
    assert find_shape("somebody/small-of-the-hub", revision="v2").num_params == 1832
    assert len(asked) == 1
    assert asked[0].endswith("/somebody/small-of-the-hub/resolve/v2/config.json")


@pytest.mark.parametrize("name", ["nobody/nothing", "no/such/folder/here", "~/no such folder"])
def test_model_that_is_nowhere(name, monkeypatch):
    refuse = httpx.MockTransport(lambda request: httpx.Response(404, text="not found"))
    monkeypatch.setattr("huggingface_hub.get_session", lambda: httpx.Client(transport=refuse))
    with pytest.raises(MissingError, match="is not built into the planner") as caught:
        find_shape(name)
    assert repr(name) in str(caught.value)
    assert "-s model.id=" in str(caught.value)
