"""A LeanGRPOTrainer put together from its parts."""

from collections.abc import Sequence

import torch
from accelerate import Accelerator
from datasets import Dataset
from huggingface_hub import HfApi
from peft import PeftConfig
from transformers import PreTrainedModel, PreTrainedTokenizerBase, set_seed
from transformers.integrations import TensorBoardCallback
from transformers.trainer_callback import PrinterCallback
from trl import GRPOConfig

from leanrl.config.schema import RunConfig
from leanrl.engine.optimizers.choice import optimizer_class, shared_optimizer_class
from leanrl.models.adapters.adapter import adapter_weights, set_adapter_dtype
from leanrl.models.structure.attention import usable_attention
from leanrl.planner.prediction import Plan
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.hub import CheckpointUploads
from leanrl.trainer.evaluations.callback import EvaluationCallback
from leanrl.trainer.evaluations.evaluations import Evaluations
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.proofs.causality import require_causal
from leanrl.trainer.proofs.packing import pack_if_proved
from leanrl.trainer.ranks.sharding import admit_sharding_on_cpu, sharding_reference_by_layer
from leanrl.trainer.records.callbacks import SignalStop, StepRecorder
from leanrl.trainer.scoring.scoring import Reward
from leanrl.trainer.trl_args import grpo_arguments
from leanrl.trainer.unsloth.trainer import UnslothTrainer
from leanrl.types import Grader, Listener, Row


def build_trainer(
    config: RunConfig,
    *,
    model: PreTrainedModel,
    adapter: PeftConfig | None,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Row],
    rewards: Sequence[Reward],
    grader: Grader,
    run: RunFolder,
    listener: Listener,
    plan: Plan | None = None,
    heldout: Sequence[Row] = (),
) -> tuple[LeanGRPOTrainer, StepRecorder, SignalStop]:
    """Return the trainer and its two callbacks, which know afterwards what was warned of and what ended the run."""
    start_weights = adapter_weights(model)
    set_seed(config.train.seed)  # before TRL draws the adapter's first weights; TRL 1.16 seeds there by itself
    attention = usable_attention(model.config, config.model.attention).name
    arguments = GRPOConfig(**grpo_arguments(config, output_dir=run.partial_checkpoints, attention=attention))
    if arguments.device.type == "cpu":
        arguments.__dict__["_setup_devices"] = torch.device("cpu")  # torch.load finds no way to "cpu:0", a rank's
    keep_to_one_card(arguments)
    admit_sharding_on_cpu(arguments)
    with sharding_reference_by_layer(config.train):
        trainer = _trainer_class(config)(
            config=config,
            rows=rows,
            rewards=rewards,
            grader=grader,
            run=run,
            plan=plan,
            uploads=_uploads(config, listener),
            model=model,
            peft_config=adapter,
            processing_class=tokenizer,
            train_dataset=_dataset(rows),
            args=arguments,
        )
    if config.model.tuning.method != "full":
        dtype = getattr(torch, config.model.tuning.adapter_dtype)
        set_adapter_dtype(trainer.model, dtype, weights=start_weights)
    require_causal(trainer)
    pack_if_proved(trainer, listener=listener)
    chosen = shared_optimizer_class if config.shares_weights else optimizer_class
    trainer.optimizer_cls_and_kwargs = chosen(config.optimizer)  # GRPOTrainer takes no such argument
    _exchange_in_place(trainer.accelerator)
    nothing_ends = trainer.stopping.warning()
    if nothing_ends is not None:
        listener.warn(nothing_ends)
    recorder = StepRecorder(trainer, config=config, run=run, listener=listener)
    stop = SignalStop(listener, steps_per_save=config.steps_per_save)
    trainer.remove_callback(PrinterCallback)
    _keep_tensorboard_files(trainer, run)
    trainer.add_callback(recorder)
    if config.watchdog.level == "act":
        trainer.publishing.keeps.append(recorder.watch.to_keep)
    trainer.evaluations = Evaluations(trainer, rows=heldout, grader=grader, listener=listener)
    if config.eval.every_steps is not None:
        trainer.add_callback(EvaluationCallback(trainer.evaluations, stop, keep_best=config.checkpoints.keep_best))
    trainer.add_callback(stop)
    return trainer, recorder, stop


def _trainer_class(config: RunConfig) -> type[LeanGRPOTrainer]:
    return UnslothTrainer if config.backend == "unsloth" else LeanGRPOTrainer


def keep_to_one_card(arguments: GRPOConfig) -> None:
    """Train on one card where a process that is no rank sees several: transformers would take all of them."""
    arguments._n_gpu = min(1, arguments.n_gpu)


def _exchange_in_place(accelerator: Accelerator) -> None:
    """Let gradients be views of DDP's buckets once ranks have exchanged them, instead of a second copy.

    transformers makes the handler without it and has no argument for it; DDP wraps the model when training begins.
    """
    if accelerator.ddp_handler is not None:
        accelerator.ddp_handler.gradient_as_bucket_view = True


def _uploads(config: RunConfig, listener: Listener) -> CheckpointUploads | None:
    if config.hub.push_to is None:
        return None
    uploads = CheckpointUploads(
        config.hub.push_to, private=config.hub.private, base=config.model.id, listener=listener, api=HfApi()
    )
    uploads.open()
    return uploads


def _keep_tensorboard_files(trainer: LeanGRPOTrainer, run: RunFolder) -> None:
    """Move TensorBoard's files, unless the user names a folder: by default they lie among half-written checkpoints."""
    tensorboard = trainer.pop_callback(TensorBoardCallback)
    if tensorboard is not None:
        tensorboard.logging_dir = tensorboard.logging_dir or str(run.tensorboard)
        trainer.add_callback(tensorboard)


def _dataset(rows: Sequence[Row]) -> Dataset:
    """Return the prompts with the number of their row: the trainer looks up what else a row holds."""
    return Dataset.from_dict({"prompt": [row.prompt for row in rows], "row": list(range(len(rows)))})
