"""A run folder with a LoRA checkpoint on a tiny base, and a Hub to push to."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from peft import get_peft_model

from leanrl.config.schema import EvalConfig, ModelConfig, RunConfig, TrainConfig, TuningConfig
from leanrl.config.sections.data import DataConfig
from leanrl.models.adapters.adapter import lora_config
from leanrl.models.load import load_policy
from leanrl.models.locate import LocatedModel
from leanrl.storage.checkpoint_files import seal
from leanrl.storage.run_folder import RunFolder, create_run_folder, write_json
from tests.models.small_hub import HubState, SmallHub
from tests.tiny_model import make_tiny_model, make_tiny_tokenizer

MakeRun = Callable[..., RunFolder]


def add_checkpoint(run: RunFolder, step: int) -> None:
    """Add a complete checkpoint of another step, with the weights of step 7."""
    shutil.copytree(run.checkpoint(7), run.checkpoint(step))
    seal(run.checkpoint(step), step=step)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A function that writes a run of `family`, trained in `dtype`, with a complete checkpoint at step 7.

    `base` is a folder with another base than the tiny model's.
    """

    def make(
        *,
        family: str = "llama",
        dtype: str = "bfloat16",
        effect: float = 0.05,
        method: str = "lora",
        base: Path | None = None,
    ) -> RunFolder:
        base = base or make_tiny_model(tmp_path / f"tiny-{family}", family=family)
        model = ModelConfig(id=str(base), dtype=dtype, tuning=TuningConfig(method=method, rank=4, alpha=8.0))
        config = RunConfig(
            name="tiny-lora",
            model=model,
            data=DataConfig(generator="one_digit_sums", num_heldout=5),
            eval=EvalConfig(greedy=True),
            rewards={"accuracy": 1.0, "one_box": 0.5},
            train=TrainConfig(max_steps=7, num_prompts=4, num_completions=8, micro_batch_completions=8),
        )
        run = create_run_folder(tmp_path / "run")
        write_json(run.config, config.model_dump(mode="json"))
        write_json(run.env, {"versions": {"leanrl": "0.1.0", "torch": "2.13.0"}, "commit": "abc123"})
        write_json(
            run.summary,
            {"greedy_before": 0.25, "greedy_after": 0.75, "num_eval": 8, "checkpoint": "step-000007"},
        )
        write_adapter(model, run.partial_checkpoints, effect=effect)
        make_tiny_tokenizer().save_pretrained(run.partial_checkpoints)
        run.publish_checkpoint(run.partial_checkpoints, 7)
        return run

    return make


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubState]:
    """A Hub on this machine in place of the real one, and a token."""
    server = SmallHub(HubState())
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.address)
    template = huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE.split("/{repo_id}")[1]
    monkeypatch.setattr(
        huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{server.address}/{{repo_id}}{template}"
    )
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server.state
    server.shutdown()
    server.server_close()


def write_adapter(model: ModelConfig, folder: Path, *, effect: float) -> None:
    """Save an adapter with random A and B; `effect` is the standard deviation of B."""
    policy = load_policy(model, LocatedModel(model.id, None, "folder"), device="cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        adapted = get_peft_model(policy, lora_config(model.tuning, policy))
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=effect)
    adapted.save_pretrained(folder)
