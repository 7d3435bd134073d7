"""unsloth where there is no GPU: its import let through, its patch forced, a card pretended. Import this file first.

Run by children of the tests: what unsloth patches stays patched for the life of a process.
"""

import os
import sys
from types import SimpleNamespace

# unsloth's own switch for machines like this one: the import goes on, and TRL's trainers are left alone. Without the
# last its loss computes in fp16 where training is in fp32, which transformers says to nobody.
ALLOWED = {"UNSLOTH_ALLOW_CPU": "1", "TORCHDYNAMO_DISABLE": "1", "ACCELERATE_MIXED_PRECISION": "no"}


def force_patch():
    """Let unsloth patch TRL as it does on a card; call it after its import."""
    from unsloth import FastLanguageModel
    from unsloth.models.rl import PatchFastRL

    os.environ["UNSLOTH_ALLOW_CPU"] = "0"
    PatchFastRL(FastLanguageModel=FastLanguageModel)


def pretend_card():
    """Answer what unsloth's loader asks of a card; tensors stay on the CPU, and nothing can be run on it."""
    import torch

    memory = 24 * 2**30
    card = SimpleNamespace(name="pretended", total_memory=memory, major=8, minor=6, multi_processor_count=1)
    torch.cuda.get_device_properties = lambda *_: card
    torch.cuda.mem_get_info = lambda *_: (memory, memory)
    torch.cuda.get_device_capability = lambda *_: (8, 6)
    torch.cuda.current_device = lambda: torch.device("cpu")
    for name, module in list(sys.modules.items()):
        if name.startswith("unsloth") and hasattr(module, "SUPPORTS_BFLOAT16"):
            module.SUPPORTS_BFLOAT16 = True  # found out at import, and each has its own


def give_switches(model):
    """Give a model of PEFT's the two switches that unsloth's loader gives; they set the mode and nothing else."""
    model.for_training = lambda **_: model.train()
    model.for_inference = lambda **_: model.eval()
    return model
