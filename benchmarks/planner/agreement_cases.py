"""Cases of plan_agreement.py: steps of one rank, drawn by a seed over everything that decides bytes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.planner.agreement_models import MODELS
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.planner.models.known_models import find_shape

# Tokens of a row and of a micro-batch, log-uniform between the bounds.
_ROW_TOKENS = (96, 16_384)
_MOST_TOKENS = 65_536
_TILES = (256, 512, 777, 1024, 1531, 2048, 3072, 4096, 5003, 8192)
_LORA_RANKS = (4, 8, 16, 24, 32, 64, 128, 200, 256)
_OPTIMIZERS = ("adamw", "adamw_8bit", "adamw_8bit_paged", "adamw_offloaded")


@dataclass(frozen=True)
class Case:
    """One step of one rank: `completions` of full length, `rows` of them in a micro-batch; `targets` None is all."""

    model: str
    method: str
    optimizer: str
    rows: int
    completions: int
    prompt_tokens: int
    completion_tokens: int
    dtype: str = "bfloat16"
    lora_rank: int = 16
    targets: tuple[str, ...] | None = None
    adapter_dtype: str = "float32"
    dropout: float = 0.0
    tile_tokens: int | None = None
    activations: str = "checkpointed"
    kl_beta: float = 0.0
    reference_device: str = "gpu"
    pack_rows: str = "auto"
    num_ranks: int = 1
    parallel: str = "auto"

    @property
    def num_micro_batches(self) -> int:
        return -(-self.completions // self.rows)

    @property
    def key(self) -> str:
        """A hash of all that decides bytes: settings that are not as usual, and the model's config.json."""
        usual = {field.name: field.default for field in fields(self)}
        settings = {name: value for name, value in asdict(self).items() if value != usual[name]}
        parts = {"case": settings, "config.json": MODELS[self.model]}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        row_tokens = self.prompt_tokens + self.completion_tokens
        parts = [self.model.rsplit("/", 1)[-1], self.method]
        parts += [f"{self.num_micro_batches} of {self.rows}x{row_tokens}", self.optimizer]
        parts += [self.dtype] if self.dtype != "bfloat16" else []
        parts += [f"r{self.lora_rank}", "+".join(self.targets or ["all"])] if self.method != "full" else []
        parts += ["bf16 adapter"] if self.adapter_dtype == "bfloat16" else []
        parts += [f"dropout {self.dropout}"] if self.dropout else []
        parts += [f"tiles of {self.tile_tokens}"] if self.tile_tokens else []
        parts += [self.activations] if self.activations != "checkpointed" else []
        parts += [f"reference {self.reference_device}"] if self.kl_beta else []
        parts += ["padded"] if self.pack_rows == "never" else []
        parts += [f"{self.num_ranks} ranks {self.parallel}"] if self.num_ranks > 1 else []
        return " ".join(parts)

    def config(self, folder: Path) -> RunConfig:
        """Return the run's config; a model that is not built in is written into a folder of `folder`.

        Raises:
            ConfigError: if leanrl refuses to train so.
        """
        values = {
            "model.id": _model_id(self.model, folder),
            "model.dtype": self.dtype,
            "model.compute_dtype": "bfloat16",
            "model.tuning.method": self.method,
            "model.tuning.rank": self.lora_rank,
            "model.tuning.dropout": self.dropout,
            "model.tuning.targets": "all-linear" if self.targets is None else json.dumps(self.targets),
            "model.tuning.adapter_dtype": self.adapter_dtype,
            "rollout.engine": "hf",
            "rollout.max_prompt_tokens": self.prompt_tokens,
            "rollout.max_completion_tokens": self.completion_tokens,
            "rollout.max_model_tokens": self.prompt_tokens + self.completion_tokens,
            "algorithm.kl_beta": self.kl_beta,
            "optimizer.name": self.optimizer,
            "hardware.num_gpus": self.num_ranks,
            "hardware.parallel": self.parallel,
            "train.gradient_checkpointing": str(self.activations != "kept").lower(),
            "train.offload_activations": str(self.activations == "offloaded").lower(),
            "train.tile_tokens": "null" if self.tile_tokens is None else self.tile_tokens,
            "train.reference_device": self.reference_device,
            "train.pack_rows": self.pack_rows,
            "train.num_prompts": self.num_ranks,
            "train.num_completions": self.completions,
            "train.micro_batch_completions": self.rows,
            "train.max_tokens_per_micro_batch": "null",
        }
        return load_config("plain", [f"{key}={value}" for key, value in values.items()]).config


def draw_cases(count: int, *, seed: int, folder: Path) -> list[Case]:
    """Return cases of a seed, in turns of one micro-batch and of several; a longer list begins with the shorter one.

    What leanrl refuses to train is drawn again.
    """
    random = Random(seed)
    several = [index % 2 == 1 for index in range(count)]
    return [next(_trainable(random, has_several=has_several, folder=folder)) for has_several in several]


def _trainable(random: Random, *, has_several: bool, folder: Path) -> Iterator[Case]:
    while True:
        case = _draw(random, has_several=has_several, folder=folder)
        try:
            case.config(folder)
        except ConfigError:
            continue
        yield case


def _draw(random: Random, *, has_several: bool, folder: Path) -> Case:
    model = random.choice(list(MODELS))
    method = random.choice(("full", "full", "lora", "lora", "qlora"))
    row_tokens = _log_uniform(random, *_ROW_TOKENS)
    rows = random.randint(1 if has_several else 2, 12)
    rows = max(1 if has_several else 2, min(rows, _MOST_TOKENS // row_tokens))
    most = rows * random.choice((2, 2, 3, 5, 8))
    prompt_tokens = max(1, int(row_tokens * random.uniform(0.03, 0.6)))
    num_ranks = random.choice((1, 1, 1, 1, 2, 3, 4, 8))
    tuning: dict[str, Any] = _draw_full(random) if method == "full" else _draw_adapter(random, model, method, folder)
    return Case(
        model=model,
        method=method,
        rows=rows,
        completions=random.randint(rows + 1, most) if has_several else random.randint(2, rows),
        prompt_tokens=prompt_tokens,
        completion_tokens=row_tokens - prompt_tokens,
        tile_tokens=random.choice((None, *_TILES)) if random.random() < 0.6 else None,
        activations=random.choice(("checkpointed", "checkpointed", "checkpointed", "offloaded", "kept")),
        pack_rows=random.choice(("auto", "auto", "auto", "never")),
        num_ranks=num_ranks,
        parallel=random.choice(("auto", "auto", "ddp")) if num_ranks > 1 else "auto",
        **tuning,
    )


def _draw_full(random: Random) -> dict[str, Any]:
    """Settings of a run that trains all weights: its reference is a copy, which may live elsewhere."""
    kl_beta = random.choice((0.0, 0.0, 0.04))
    return {
        "optimizer": random.choice(_OPTIMIZERS),
        "dtype": random.choice(("bfloat16", "bfloat16", "float32")),
        "kl_beta": kl_beta,
        "reference_device": random.choice(("gpu", "gpu", "host", "disk")) if kl_beta else "gpu",
    }


def _draw_adapter(random: Random, model: str, method: str, folder: Path) -> dict[str, Any]:
    names = list(find_shape(_model_id(model, folder)).linears)
    some = tuple(name for name in names if random.random() < 0.5)
    return {
        "optimizer": random.choice(("adamw", "adamw", *_OPTIMIZERS)),
        "dtype": random.choice(("bfloat16",) * 5 + ("float32",)) if method == "lora" else "bfloat16",
        "kl_beta": random.choice((0.0, 0.0, 0.04)),
        "lora_rank": random.choice(_LORA_RANKS),
        "targets": some if some and random.random() < 0.3 else None,
        "adapter_dtype": random.choice(("float32", "float32", "bfloat16")),
        "dropout": random.choice((0.0, 0.0, 0.0, 0.05)),
    }


def _log_uniform(random: Random, low: int, high: int) -> int:
    return int(low * (high / low) ** random.random())


def _model_id(model: str, folder: Path) -> str:
    """Return what `model.id` is: a Hub id, or a folder with the model's config.json, which is written here."""
    content = MODELS[model]
    if content is None:
        return model
    path = folder / model.rsplit("/", 1)[-1].split(" ", 1)[0] / "config.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return str(path.parent)
