"""Bytes of a token that the norms of a decoder layer keep, and the size of what they give.

torch's LayerNorm runs in fp32 under autocast: it copies an input of 16 bits and gives fp32, of which every linear layer
makes its own copy. It keeps mean and root, and no normalised numbers. An fp32 stream is copied by none.
"""

from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

# Five fp32 tensors exist at the peak of a norm's backward pass, which has let go of its normalised numbers (traced).
NORM_BACKWARD = 5 * 4


def residual_bytes_per_number(workload: Workload) -> int:
    """Size of a number between layers: fp32 where autocast meets fp32 weights, whose embedding starts the stream."""
    return 4 if workload.is_autocast else workload.compute_bytes


def gives_fp32(shape: ModelShape) -> bool:
    """Whether the norms over the hidden size give fp32 to layers that compute in 16 bits."""
    return shape.terms.norm_code == "torch"


def norm_output_bytes(shape: ModelShape, workload: Workload) -> int:
    """Size of a number that a norm gives to attention and MLP."""
    return 4 if gives_fp32(shape) else residual_bytes_per_number(workload)


def norms_bytes(shape: ModelShape, workload: Workload) -> int:
    """What all norms over the hidden size keep, beside the layer's input where that is its checkpoint."""
    return shape.norms_per_layer * norm_bytes(shape, workload) - _shared_inputs(shape, workload)


def norm_bytes(shape: ModelShape, workload: Workload) -> int:
    """The input, in fp32 but for torch's own, and the inverse root; the normalised numbers too where it is trained.

    One that takes the mean away keeps the difference as well.
    """
    roots = root_bytes(shape)
    inputs = residual_bytes_per_number(workload) if _keeps_the_stream(shape, workload) else 4
    numbers = (inputs + 4 * shape.terms.centres) * shape.hidden
    return numbers + normalised_bytes(shape, workload) + roots


def root_bytes(shape: ModelShape) -> int:
    """The inverse root of a norm, what it was taken of where that is kept, and the mean that torch's norms keep."""
    return 4 if shape.terms.norm_code == "own" and not shape.terms.keeps_squares else 8


def _keeps_the_stream(shape: ModelShape, workload: Workload) -> bool:
    """Whether a norm keeps the stream itself, for it needs no copy in fp32; of a mean it keeps the distance, twice."""
    if shape.terms.centres:
        return False
    return shape.terms.norm_code == "torch_without_autocast" or residual_bytes_per_number(workload) == 4


def _shared_inputs(shape: ModelShape, workload: Workload) -> int:
    """Bytes of inputs that are kept once: the layer's own, which its checkpoint is, and what two norms of it read."""
    if not _keeps_the_stream(shape, workload):
        return 0
    num_readers = {"behind": 0, "parallel_pair": 2}.get(shape.norms, 1)
    shared = max(0, num_readers - 1) if workload.activations == "kept" else num_readers
    return shared * residual_bytes_per_number(workload) * shape.hidden


def normalised_bytes(shape: ModelShape, workload: Workload) -> int:
    """Some multiply by their weight in fp32 (Gemma, OLMo 2), the others in the dtype of the stream."""
    if shape.terms.norm_code != "own":
        return 0
    in_fp32 = shape.terms.weighs_in_fp32 or shape.terms.centres
    number = 4 if in_fp32 else residual_bytes_per_number(workload)
    return number * shape.hidden * (workload.method == "full")


def query_norms_bytes(shape: ModelShape, workload: Workload) -> int:
    """The same of the norms over queries, keys and values; they never run in tiles."""
    if shape.terms.query_norm == "none" or shape.mixer is not None:
        return 0
    num_heads = shape.num_heads if shape.terms.query_norm == "head" else 1
    of_queries = _head_norm_bytes(shape, workload) * shape.query + root_bytes(shape) * num_heads
    return of_queries + key_value_norms_bytes(shape, workload)


def key_value_norms_bytes(shape: ModelShape, workload: Workload) -> int:
    """Those over keys and values alone; that over values has no weight."""
    if shape.borrows_kv or shape.terms.query_norm == "none":
        return 0
    roots = root_bytes(shape) * (shape.num_kv_heads if shape.terms.query_norm == "head" else 1)
    of_values = (4 * shape.key_value + roots) * shape.terms.norms_values
    return _head_norm_bytes(shape, workload) * shape.key_value + roots + of_values


def _head_norm_bytes(shape: ModelShape, workload: Workload) -> int:
    """What a norm over heads keeps of a number."""
    return 4 + (4 if shape.terms.weighs_in_fp32 else workload.compute_bytes) * (workload.method == "full")


def norms_again_bytes(shape: ModelShape, workload: Workload) -> int:
    """What norms before attention have kept when a whole layer runs again, beside its checkpoint; 0 in tiles."""
    if workload.is_tiled or shape.norms == "behind":
        return 0
    shared = residual_bytes_per_number(workload) * shape.hidden * _keeps_the_stream(shape, workload)
    return _num_norms_first(shape) * (norm_bytes(shape, workload) - shared)


def _num_norms_first(shape: ModelShape) -> int:
    return 2 if shape.norms == "parallel_pair" and shape.terms.norms_first else 1


def held_results_bytes(shape: ModelShape, workload: Workload) -> int:
    """Results of norms that a layer's code holds while attention runs, and no linear layer keeps as its input."""
    if shape.norms == "behind":
        return 0
    is_kept = norm_output_bytes(shape, workload) == workload.compute_bytes
    return (_num_norms_first(shape) - is_kept) * norm_output_bytes(shape, workload) * shape.hidden


def held_bytes(shape: ModelShape, workload: Workload) -> int:
    """What a layer's code holds while its MLP runs again, and nothing keeps.

    The stream, unless the MLP or a norm keeps it; in a parallel block that is the layer's input, and attention's result
    waits for the sum. The norm's result where it is fp32, of which linear layers keep copies. Some layers hold more.
    """
    reads_fp32 = norm_output_bytes(shape, workload) > workload.compute_bytes
    holds_stream = shape.norms in ("before", "both") and not _keeps_the_stream(shape, workload)
    holds_stream |= shape.norms == "behind" and reads_fp32
    held = residual_bytes_per_number(workload) * holds_stream
    held += 4 * (reads_fp32 and shape.norms != "behind")
    held += workload.compute_bytes * (shape.is_parallel or shape.terms.holds_attention)
    held += 4 * (shape.terms.holds_first_norm and shape.norms_per_layer > 1)
    return held * shape.hidden
