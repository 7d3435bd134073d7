"""A plug-in that lets vLLM's linear layers keep their weights and compute with torch's own function, as on a card."""

import torch
from vllm.model_executor.layers import utils

from leanrl.rewards.registry import reward


def keep(layer, remove_weight):
    layer.cpu_linear = torch.nn.functional.linear


utils.dispatch_cpu_unquantized_gemm = keep
reward("unused_unpacked")(lambda sample: 0.0)  # a plug-in has to register one
