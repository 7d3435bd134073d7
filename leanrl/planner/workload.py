"""What one training rank and one rollout engine are asked to hold and do: the planner's reading of a run's config."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from leanrl.config.schema import ReferenceDevice, RunConfig
from leanrl.errors import ConfigError, Problem
from leanrl.hints import setting
from leanrl.planner.memory.base_sharing import shares_base
from leanrl.planner.models.shapes import ModelShape

Method = Literal["full", "lora", "qlora"]
OptimizerName = Literal["adamw", "adamw_8bit", "adamw_8bit_paged", "adamw_offloaded"]
# fsdp2 keeps gathered weights from the forward pass to the end of the backward pass; fsdp2_reshard drops each
# layer's at once. leanrl trains with the first three; the others are there to compare with.
Sharding = Literal["single", "ddp", "fsdp2", "fsdp2_reshard", "zero1", "zero2", "zero3"]
Activations = Literal["kept", "checkpointed", "offloaded"]
# leanrl's head is tiled over tokens and the vocabulary; the naive ones make whole logits.
Head = Literal["tiled", "naive", "naive_fp32"]
Attention = Literal["sdpa", "flash_attention_2", "eager"]
Engine = Literal["hf", "vllm-colocate", "vllm-server"]
# What a colocated vLLM keeps on the card between rollouts.
Residency = Literal["awake", "weights_only", "asleep"]
# By `rollout.sleep_level`; levels 1 and 2 leave the same on the card.
_RESIDENCIES: dict[int | str, Residency] = {0: "awake", "kv": "weights_only", 1: "asleep", 2: "asleep"}


@dataclass(frozen=True)
class Rows:
    """Rows of one length: how many, and the tokens of each."""

    count: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def num_tokens(self) -> int:
        return self.count * (self.prompt_tokens + self.completion_tokens)


def untiled_rows(prompt_tokens: int, completion_tokens: int, *, tile_tokens: int) -> Rows:
    """Return rows that fill a tile and no more, a little shorter than the longest ones that a run can have."""
    count = math.ceil(tile_tokens / (prompt_tokens + completion_tokens))
    length = tile_tokens // count
    scored = min(completion_tokens, length)
    return Rows(count, length - scored, scored)


@dataclass(frozen=True)
class Workload:
    """The numbers that decide bytes and seconds; sizes in tokens, completions and ranks."""

    method: Method = "full"
    lora_rank: int = 0
    lora_targets: tuple[str, ...] = ()
    lora_dropout: float = 0.0
    adapter_bytes_per_param: int = 4
    weight_bytes_per_param: int = 2
    compute_bytes: int = 2
    optimizer: OptimizerName = "adamw"
    sharding: Sharding = "single"
    num_ranks: int = 1
    activations: Activations = "checkpointed"
    # Of layers that are checkpointed otherwise: the last ones, which keep all of their activations and run whole.
    kept_layers: int = 0
    head: Head = "tiled"
    attention: Attention = "sdpa"
    # A CPU has no kernel that adds a bf16 product to an fp32 sum: it copies both factors first.
    on_cpu: bool = False
    # Tokens of a tile in which norms and MLPs run while they train; None runs them whole.
    tile_tokens: int | None = None
    # Whether rows of a micro-batch stand in one sequence, so that shorter ones cost less.
    packs_rows: bool = False
    micro_batch_completions: int = 1
    num_micro_batches: int = 1
    # Whether micro-batches are cut by a budget of tokens, those of full rows: more of shorter ones fit into one.
    counts_tokens: bool = False
    num_iterations: int = 1
    # Optimizer steps that share a rollout, each on a part of it; completions below are those of one step.
    updates_per_rollout: int = 1
    completions_per_rank: int = 1
    completions_per_step: int = 1
    # Completions of a rank's step that are trained, of those that are drawn and graded; None trains all.
    kept_per_rank: int | None = None
    prompts_per_step: int = 1
    prompt_tokens: int = 512
    completion_tokens: int = 1024
    reference: Literal["none", "adapter_off", "adapter"] | ReferenceDevice = "none"
    reference_bytes_per_param: int = 2
    # Whether activations in host memory have the same buffers in every micro-batch.
    reuses_host_buffers: bool = False
    engine: Engine = "hf"
    # Whether what generates reads NF4 weights; vLLM serves an adapter that is trained on NF4 on 16-bit ones by default.
    engine_is_nf4: bool = False
    # Whether vLLM is asked to score texts, besides drawing them: the self-test of an adapter on another base.
    engine_scores: bool = False
    num_rollout_gpus: int = 0
    engine_model_tokens: int = 1536
    engine_memory_fraction: float | None = None
    # Tokens of one scheduler step of vLLM; an estimate of what leanrl will ask for.
    engine_batch_tokens: int = 8192
    residency: Residency = "asleep"
    shares_base: bool = False
    # Whether a sleeping engine keeps its weights in host memory; else they are dropped.
    engine_keeps_weights: bool = True
    # Whether trained weights reach a server through a file in memory.
    publishes_weights: bool = False
    # Whether the optimizer's state waits in host memory while the engine holds the card.
    parks_optimizer: bool = False

    @property
    def rows_per_rank(self) -> int:
        """Completions that a rank trains in a step."""
        return self.completions_per_rank if self.kept_per_rank is None else self.kept_per_rank

    @property
    def row_tokens(self) -> int:
        """Tokens of the longest row: prompt and completion."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def micro_batch_tokens(self) -> int:
        return self.micro_batch_completions * self.row_tokens

    @property
    def micro_batch_scored_tokens(self) -> int:
        """Completion tokens of a micro-batch: the only ones whose hidden states reach the head."""
        return self.micro_batch_completions * self.completion_tokens

    @property
    def tokens_at_once(self) -> int:
        """Tokens over which a norm or an MLP runs at one time while it trains."""
        return min(self.micro_batch_tokens, self.tile_tokens or self.micro_batch_tokens)

    @property
    def is_tiled(self) -> bool:
        return self.tokens_at_once < self.micro_batch_tokens

    @property
    def longest_untiled(self) -> "Workload":
        """The same with the longest micro-batches that run whole, for they fit into one tile."""
        if not self.is_tiled:
            return self
        rows = untiled_rows(self.prompt_tokens, self.completion_tokens, tile_tokens=self.tokens_at_once)
        return replace(
            self,
            tile_tokens=None,
            micro_batch_completions=rows.count,
            prompt_tokens=rows.prompt_tokens,
            completion_tokens=rows.completion_tokens,
        )

    @property
    def is_autocast(self) -> bool:
        """fp32 weights that are cast to bf16 op by op; under FSDP2 the gathered weights are bf16 instead."""
        return self.weight_bytes_per_param == 4 and self.compute_bytes == 2 and not self.is_fsdp

    @property
    def is_fsdp(self) -> bool:
        return self.sharding in ("fsdp2", "fsdp2_reshard")

    def adapts(self, name: str) -> bool:
        """Whether an adapter is on linear layers of this name; a target is a name, or the end of one, as in PEFT."""
        return any(name == target or name.endswith(f".{target}") for target in self.lora_targets)

    @property
    def completions_per_engine(self) -> int:
        """Completions that one rollout engine makes at once: those of all steps on a rollout."""
        if self.engine == "vllm-server":
            return math.ceil(self.completions_per_step * self.updates_per_rollout / max(1, self.num_rollout_gpus))
        return self.completions_per_rank * self.updates_per_rollout


def workload_of(config: RunConfig, shape: ModelShape, *, vllm: str | None = None) -> Workload:
    """Return the workload that a config describes for a model of this shape, with a version of vLLM as in `Target`.

    Raises:
        ConfigError: if the config names LoRA targets that the model does not have, or keeps more layers than it has.
    """
    method = config.model.tuning.method
    is_full = method == "full"
    sharding = _sharding(config)
    is_shared = shares_base(config, shape, vllm=vllm)
    # Under FSDP2 accelerate turns the shards of trained weights into fp32 masters, whatever dtype was loaded.
    has_masters = config.model.dtype == "float32" or (is_full and sharding == "fsdp2")
    return Workload(
        method=method,
        lora_rank=0 if is_full else config.model.tuning.rank,
        lora_targets=() if is_full else _targets(config, shape),
        lora_dropout=0.0 if is_full else config.model.tuning.dropout,
        adapter_bytes_per_param=2 if config.model.tuning.adapter_dtype == "bfloat16" else 4,
        weight_bytes_per_param=4 if has_masters else 2,
        compute_bytes=4 if config.model.compute_dtype == "float32" else 2,
        optimizer=config.optimizer.name,
        sharding=sharding,
        num_ranks=config.num_train_ranks,
        activations=_activations(config),
        kept_layers=_kept_layers(config, shape),
        attention=_attention(config, shape),
        on_cpu=config.hardware.is_cpu,
        # Tiles find modules; an MLP in the code of its layer is none.
        tile_tokens=config.train.tile_tokens if shape.terms.has_mlp_module else None,
        packs_rows=config.packs_rows and _takes_packs(config, shape),
        micro_batch_completions=min(config.full_completions_per_micro_batch, max(1, config.rows_per_rank)),
        num_micro_batches=config.micro_batches_per_step,
        counts_tokens=config.train.max_tokens_per_micro_batch is not None,
        num_iterations=config.algorithm.num_iterations,
        updates_per_rollout=config.train.updates_per_rollout,
        completions_per_rank=max(1, config.completions_per_rank),
        completions_per_step=config.completions_per_step,
        kept_per_rank=None if config.most_rows_kept is None else max(1, config.rows_per_rank),
        prompts_per_step=config.train.num_prompts,
        prompt_tokens=config.rollout.max_prompt_tokens,
        completion_tokens=config.rollout.max_completion_tokens,
        reference=_reference(config),
        reference_bytes_per_param=4 if config.model.dtype == "float32" else 2,
        reuses_host_buffers=config.backend == "unsloth",
        engine=config.rollout.engine,
        engine_is_nf4=method == "qlora" and not config.serves_other_base,
        engine_scores=config.serves_other_base,
        num_rollout_gpus=config.rollout.num_gpus * config.hardware.num_nodes,
        engine_model_tokens=config.max_model_tokens,
        engine_memory_fraction=config.rollout.gpu_memory_fraction,
        residency=_residency(config, is_shared=is_shared),
        shares_base=is_shared,
        engine_keeps_weights=config.rollout.sleep_level != 2,
        publishes_weights=config.rollout.engine == "vllm-server" and config.rollout.weight_transport == "shm",
    )


def _attention(config: RunConfig, shape: ModelShape) -> Attention:
    """What attends; transformers' sdpa would leave a cap out (`models.attention.usable_attention`)."""
    return "eager" if shape.caps_attention and config.model.attention == "sdpa" else config.model.attention


def _takes_packs(config: RunConfig, shape: ModelShape) -> bool:
    """A state would go on from one row of a pack to the next, and a layer's own attention takes no bounds of rows."""
    is_stateless = shape.num_stateful_layers == 0 and shape.own_attention is None
    return is_stateless and _attention(config, shape) != "eager"


def _residency(config: RunConfig, *, is_shared: bool) -> Residency:
    """A base that the trainer computes with stays, whatever else is given back."""
    residency = _RESIDENCIES[config.rollout.sleep_level]
    return "weights_only" if residency == "asleep" and is_shared else residency


def _activations(config: RunConfig) -> Activations:
    if not config.train.gradient_checkpointing:
        return "kept"
    return "offloaded" if config.train.offload_activations else "checkpointed"


def _kept_layers(config: RunConfig, shape: ModelShape) -> int:
    kept = config.train.kept_layers
    if not config.train.gradient_checkpointing:
        return 0
    if kept > shape.num_layers:
        raise ConfigError(
            "the run cannot be planned.",
            problems=[
                Problem(
                    "train.kept_layers",
                    f"{kept} are more than the {shape.num_layers} decoder layers of {config.model.id}",
                    f"`{setting('train.kept_layers', shape.num_layers)}`",
                )
            ],
        )
    return kept


def _sharding(config: RunConfig) -> Sharding:
    if config.num_train_ranks == 1:
        return "single"
    return "fsdp2" if config.shares_weights else "ddp"


def _reference(config: RunConfig) -> Literal["none", "adapter_off", "adapter"] | ReferenceDevice:
    if config.algorithm.kl_beta == 0:
        return "none"
    if config.model.tuning.method == "full":
        return config.train.reference_device
    return "adapter_off" if config.schedules.reset_reference_every_steps is None else "adapter"


def _targets(config: RunConfig, shape: ModelShape) -> tuple[str, ...]:
    targets = config.model.tuning.targets
    if targets == "all-linear":
        return tuple(shape.linears)
    unknown = [name for name in targets if name not in shape.linears]
    if unknown:
        raise ConfigError(
            "the adapter cannot be planned.",
            problems=[
                Problem(
                    "model.tuning.targets",
                    f"{name!r} is no linear layer of a {shape.family} decoder",
                    f"its linear layers: {', '.join(shape.linears)}",
                )
                for name in unknown
            ],
        )
    return tuple(targets)
