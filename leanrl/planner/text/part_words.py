"""The parts of a phase in plain words: what lies in a card's memory."""

from leanrl.planner.phases import Phase

_GIB = 2**30
# Parts that print as 0.0 GiB are left out.
_LEAST_PRINTED_BYTES = _GIB // 20

PART_WORDS = {
    "weights": "the model that is trained",
    "adapter": "LoRA's own weights",
    "adapter casts": "LoRA's weights once more, in the precision of the computation",
    "reference": "a frozen copy of the model before training",
    "visiting reference": "a frozen copy of the model that comes for this phase alone",
    "optimizer state": "what Adam remembers of past gradients",
    "optimizer buffers": "room that the update takes and gives back",
    "gradient buckets": "gradients on their way between cards",
    "gradient buffers": "gradients that wait to be added up or sent",
    "gradients": "how the loss changes with each trained weight",
    "gathered weights": "the weights of all cards, brought together",
    "gathered tensor": "one tensor of all cards, brought together",
    "arriving weights": "weights on their way to the card",
    "moving adapter": "the LoRA weights on their way to the engine",
    "KV cache": "what each layer keeps of the tokens so far, for the next one",
    "generation": "room that generating takes beside the KV cache",
    "engine weights": "vLLM's own copy of the model",
    "engine activations": "what vLLM computes at one time",
    "engine sampler": "scores of the vocabulary, from which vLLM samples the next token",
    "engine adapter buffers": "vLLM's room for the LoRA weights",
    "engine CUDA graphs": "kernels that vLLM has recorded; they stay between rollouts",
    "kept activations": "layer inputs and outputs that wait for the backward pass",
    "layer at work": "the one layer whose backward pass runs",
    "forward pass": "what scoring computes at one time",
    "attention mask": "which token may look at which",
    "positions": "sines and cosines of the tokens' places",
    "inputs of layers": "what each layer reads beside the layer before it",
    "shared KV": "keys and values that several layers read",
    "head": "scores of the vocabulary, made in tiles",
    "activations": "what the step computes, as the simulation counted it",
    "within operators": "room that single operators take and give back",
}


def parts_in_words(phase: Phase) -> list[tuple[str, int, str]]:
    """Return name, bytes and words of the parts that are worth a line, largest first; of the largest always."""
    largest = sorted(phase.components.items(), key=lambda part: -part[1])
    shown = largest[:1] + [(name, size) for name, size in largest[1:] if size >= _LEAST_PRINTED_BYTES]
    return [(name, size, PART_WORDS.get(name, "")) for name, size in shown]
