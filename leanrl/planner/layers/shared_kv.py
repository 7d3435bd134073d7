"""Bytes of keys and values that layers lend to layers behind them.

transformers hands them on in a dictionary that lives as long as any layer has to run again. A lender that runs again
puts its new ones there, with the graph that made them: what that graph keeps stays when the lender is done.
"""

from leanrl.planner.layers.linear_inputs import adapter_products, linear_inputs
from leanrl.planner.layers.norms import key_value_norms_bytes, norm_bytes, residual_bytes_per_number
from leanrl.planner.memory.weights import frozen_cast_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def lent_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of a token of all that is lent; keys are turned in the dtype of the stream."""
    return _of_keys_and_values(workload) * sum(sizes.key_value for sizes in shape.layers if sizes.lends_kv)


def lent_in_training_bytes(shape: ModelShape, workload: Workload) -> int:
    """The same from the forward pass to the end of the backward pass; where no layer runs again, layers keep it all."""
    keeps_all = workload.activations == "kept" or workload.kept_layers == shape.num_layers
    return 0 if keeps_all else lent_bytes(shape, workload)


def waiting_kv_bytes(shape: ModelShape, workload: Workload) -> int:
    """The gradients of a token that wait for lenders once a borrower's backward pass is done."""
    return _of_keys_and_values(workload) * shape.lent_width


def left_bytes(kind: ModelShape, workload: Workload) -> int:
    """Bytes that stay of a lender that has run again: keys, values, and all that was kept to make them."""
    makers = [tuple(name for name in kind.mixing_readers[0] if name != "q_proj")]
    first_norm = residual_bytes_per_number(workload) * kind.hidden if workload.is_tiled else norm_bytes(kind, workload)
    of_a_token = (
        _of_keys_and_values(workload) * kind.key_value
        + key_value_norms_bytes(kind, workload)
        + linear_inputs(kind, workload, makers)
        + adapter_products(workload, makers)
        + first_norm
    )
    return of_a_token * workload.micro_batch_tokens + frozen_cast_bytes(kind, workload, makers)


def _of_keys_and_values(workload: Workload) -> int:
    return residual_bytes_per_number(workload) + workload.compute_bytes
