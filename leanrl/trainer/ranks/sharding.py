"""Full parameters in shards over the training ranks (FSDP2), as the planner counts them.

fp32 master shards, bf16 compute, gradients reduced in fp32. Gathered weights are kept from the forward pass to the end
of the backward pass, the counterpart of the paper's ZeRO-2. A reference drops them after each layer: no backward pass
ever comes to free them. Its shards may live in host memory, from where each layer's are fetched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin, TorchDynamoPlugin
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, OffloadPolicy, fully_shard
from trl import GRPOConfig, GRPOTrainer
from trl.trainer import grpo_trainer

from leanrl.config.schema import TrainConfig

# What transformers hands to accelerate. The sharding itself is done here: accelerate would make a unit of the last norm
# and the head, and the head's own forward is never called (engine/head/scoring.py takes its weight).
FSDP_ARGUMENTS = {
    "fsdp": True,
    "fsdp_config": {
        "version": 2,
        "auto_wrap_policy": "NO_WRAP",
        "reshard_after_forward": False,
        "state_dict_type": "FULL_STATE_DICT",
        "cpu_ram_efficient_loading": False,
    },
}


def admit_sharding_on_cpu(arguments: GRPOConfig) -> None:
    """Let accelerate shard on a CPU, which its list of devices leaves out: it would train with plain DDP, silently.

    Call it between the arguments, which make accelerate forget its state, and the trainer, which finds this one.
    """
    if not (arguments.fsdp and arguments.use_cpu):
        return
    plugin = FullyShardedDataParallelPlugin(**arguments.fsdp_plugin_args)
    state = AcceleratorState(
        mixed_precision=arguments.mixed_precision,
        cpu=True,
        dynamo_plugin=TorchDynamoPlugin(),
        fsdp_plugin=plugin,
        _from_accelerator=True,
    )
    if arguments.mixed_precision != "no":
        plugin.set_mixed_precision(arguments.mixed_precision)
    state.distributed_type = DistributedType.FSDP
    state.fsdp_plugin = plugin
    PartialState._shared_state["distributed_type"] = DistributedType.FSDP


def shard_weights(trainer: GRPOTrainer) -> None:
    """Leave each rank its part of the policy, in fp32; nothing where ranks do not share it.

    Call it before anything runs the model: accelerate takes a model that is in shards as it is.
    """
    if not trainer.is_fsdp_enabled:
        return
    model = trainer.accelerator.unwrap_model(trainer.model)
    on = trainer.accelerator.device.type
    _shard(model.float(), on=on, home=OffloadPolicy(), in_bf16=trainer.args.bf16, keeps_gathered=True)


def drop_gathered_weights(model: nn.Module) -> None:
    """Leave each rank its part of weights that a forward pass without a backward pass has gathered.

    Nothing where ranks do not share them. An optimizer is made of the weights that it finds: those of a gathered model
    would be copies that no shard ever hears of.
    """
    for unit in model.modules():
        if isinstance(unit, FSDPModule):
            unit.reshard()


@contextmanager
def sharding_reference_by_layer(train: TrainConfig) -> Iterator[None]:
    """Let a trainer that is made within it shard its reference layer by layer, where `train` wants it to live.

    TRL makes one unit of all of it, with the policy's plan: the whole reference would be gathered, and stay.
    """
    theirs = grpo_trainer.prepare_fsdp

    def ours(model: nn.Module, accelerator: Accelerator) -> nn.Module:
        on, in_bf16 = accelerator.device.type, accelerator.mixed_precision == "bf16"
        home = CPUOffloadPolicy(pin_memory=on == "cuda") if train.reference_device == "host" else OffloadPolicy()
        _shard(model, on=on, home=home, in_bf16=in_bf16, keeps_gathered=False)
        return model.eval()

    grpo_trainer.prepare_fsdp = ours
    try:
        yield
    finally:
        grpo_trainer.prepare_fsdp = theirs


def _shard(model: nn.Module, *, on: str, home: OffloadPolicy, in_bf16: bool, keeps_gathered: bool) -> None:
    """Shard every decoder layer, and what is around them, in place.

    Args:
        on: the type of the devices that compute.
        home: where shards are between passes.
        keeps_gathered: to the end of a backward pass, instead of that of each layer's forward pass.
    """
    policy: dict[str, Any] = {
        "mesh": init_device_mesh(on, (torch.distributed.get_world_size(),)),
        "reshard_after_forward": not keeps_gathered,
        "offload_policy": home,
        "mp_policy": MixedPrecisionPolicy(
            param_dtype=torch.bfloat16, reduce_dtype=torch.float32, output_dtype=torch.bfloat16
        )
        if in_bf16
        else MixedPrecisionPolicy(),
    }
    for layer in model.get_submodule("model.layers").children():
        fully_shard(layer, **policy)
    fully_shard(model, **policy)
