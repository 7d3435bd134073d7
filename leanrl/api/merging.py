"""A trained model as Python takes it out of a run: merged into a folder, or asked one problem."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from leanrl.api.run import Run
from leanrl.trained import merge as merge_run
from leanrl.trained import sample as sample_run
from leanrl.types import Listener

if TYPE_CHECKING:
    from leanrl.models.merging.merge import MergeReport


def merge(
    source: Run | Path | str,
    out: Path | str,
    *,
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16",
    base: Literal["original", "dequantised"] = "original",
    adapter: str | None = None,
    gguf: Literal["F16", "BF16", "Q8_0"] | None = None,
    push: str | None = None,
    private: bool = True,
    replace: bool = False,
    listener: Listener | None = None,
) -> "MergeReport":
    """Fold the adapter of a run or a checkpoint into its base, verify the result, and write the model to `out`.

    Args:
        dtype: dtype of the saved weights.
        base: what a QLoRA adapter is folded into.
        adapter: which of several adapters.
        gguf: also make a GGUF file of this type.
        push: a Hub repository that receives the model, with your own login.
        private: whether a repository that is created is private.
        replace: whether a repository that holds another model may be written over.

    Raises:
        ConfigError: if nothing there can be merged, or `out` exists.
    """
    return merge_run(
        Path(source),
        Path(out),
        listener=listener,
        dtype=dtype,
        base=base,
        adapter=adapter,
        gguf=gguf,
        push=push,
        private=private,
        replace=replace,
    )


def sample(
    source: Run | Path | str, problem: str, *, temperature: float = 0.0, max_completion_tokens: int | None = None
) -> str:
    """Return the answer of a run's newest checkpoint, or of a model's folder, to one problem.

    Raises:
        ConfigError: if the problem is empty, or `source` holds nothing that can be asked.
    """
    return sample_run(Path(source), problem, temperature=temperature, max_completion_tokens=max_completion_tokens)
