"""How whole weights reach a vLLM server: through a folder on tmpfs, or from card to card over NCCL."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

from leanrl.rollout.adapter_files import num_bytes, publish_weights, travelling, withdraw
from leanrl.rollout.owned_folder import OwnedFolder, claim_folder
from leanrl.rollout.protocol import NamedTensors
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.command import HOST
from leanrl.rollout.server.place import free_port

# Tensors of one call: few calls, and no second copy of the model on the sender's card.
_CHUNK_BYTES = 512 * 2**20
# The sender is the first of its group, and the server's only worker the other one.
_SENDER, _NUM_MEMBERS = 0, 2


class WeightTransport(Protocol):
    """Hands weights to a server, which serves them from then on."""

    def push(self, weights: NamedTensors, name: str) -> None:
        """Send all weights, to the last, whatever happens: other ranks put them together meanwhile."""
        ...

    def close(self) -> None:
        """Free what belongs to the server as it is; another one can be pushed to afterwards."""
        ...


class FolderTransport:
    """`WeightTransport` that has the server read a folder, which is on tmpfs where there is room.

    Args:
        dtype: in which weights travel.
        after_reload: methods of the worker to call when it has loaded them.
    """

    def __init__(self, client: ServerClient, *, dtype: torch.dtype, after_reload: Sequence[str] = ()) -> None:
        self._client = client
        self._dtype = dtype
        self._after_reload = after_reload
        self._folder: OwnedFolder | None = None

    def push(self, weights: NamedTensors, name: str) -> None:
        tensors = dict(travelling(weights, self._dtype))
        self._folder = self._folder or claim_folder(needed_bytes=num_bytes(tensors, self._dtype))
        folder = publish_weights(tensors, self._folder.path, name)
        try:
            self._client.reload_weights(folder)
        finally:
            withdraw(folder)
        for method in self._after_reload:
            self._client.call_workers(method)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.close()
            self._folder = None


class NcclTransport:
    """`WeightTransport` over vLLM's own weight transfer (vllm 0.31.0, distributed/weight_transfer/nccl_engine.py).

    The server is told names, dtypes and shapes of some tensors, and takes them in that order from a broadcast for each.

    Args:
        dtype: in which weights travel.
        connect: returns a communicator with the server's worker in it.
    """

    def __init__(
        self,
        client: ServerClient,
        *,
        dtype: torch.dtype,
        connect: Callable[[ServerClient], Any] | None = None,
        chunk_bytes: int = _CHUNK_BYTES,
    ) -> None:
        self._client = client
        self._dtype = dtype
        self._connect = connect or connect_to_worker
        self._chunk_bytes = chunk_bytes
        self._group: Any = None

    def push(self, weights: NamedTensors, name: str) -> None:
        try:
            self._group = self._group or self._connect(self._client)
            self._client.start_weight_update()
            for chunk in _chunks(weights, self._dtype, self._chunk_bytes):
                self._send(chunk)
            self._client.finish_weight_update()
        except Exception:
            self.close()  # a broadcast that nobody takes would keep the card for ever
            raise
        finally:
            for _ in weights:
                pass

    def close(self) -> None:
        if self._group is not None:
            self._group.destroy()
            self._group = None

    def _send(self, chunk: list[tuple[str, Tensor]]) -> None:
        with _meanwhile(lambda: self._client.update_weights(_described(chunk))):
            for _, tensor in chunk:
                self._group.broadcast(tensor, src=_SENDER, stream=torch.cuda.current_stream())


def connect_to_worker(client: ServerClient) -> Any:
    """Return a communicator of this process's card and the server's; both sides meet in it."""
    from vllm.distributed.device_communicators.pynccl import PyNcclCommunicator
    from vllm.distributed.utils import StatelessProcessGroup

    meeting = meeting_point(free_port())
    with _meanwhile(lambda: client.init_weight_transfer(meeting)):
        group = StatelessProcessGroup.create(
            host=HOST, port=meeting["master_port"], rank=_SENDER, world_size=_NUM_MEMBERS
        )
        return PyNcclCommunicator(group, device=torch.cuda.current_device())


def meeting_point(port: int) -> dict[str, Any]:
    """Return what the server's worker has to know to meet the sender."""
    return {
        "master_address": HOST,
        "master_port": port,
        "rank_offset": _SENDER + 1,
        "world_size": _NUM_MEMBERS,
        "packed": False,
    }


def _described(chunk: list[tuple[str, Tensor]]) -> dict[str, Any]:
    return {
        "names": [name for name, _ in chunk],
        "dtype_names": [str(tensor.dtype).removeprefix("torch.") for _, tensor in chunk],
        "shapes": [list(tensor.shape) for _, tensor in chunk],
    }


def _chunks(weights: NamedTensors, dtype: torch.dtype, num_bytes: int) -> Iterator[list[tuple[str, Tensor]]]:
    """Yield runs of tensors in the dtype in which they travel, each as long as it stays below so many bytes."""
    chunk: list[tuple[str, Tensor]] = []
    held = 0
    for name, weight in weights:
        tensor = weight.detach().to(dtype).contiguous()
        if chunk and held + tensor.nbytes > num_bytes:
            yield chunk
            chunk, held = [], 0
        chunk.append((name, tensor))
        held += tensor.nbytes
    if chunk:
        yield chunk


@contextmanager
def _meanwhile(call: Callable[[], None]) -> Iterator[None]:
    """Let a call to the server run beside what is done within, and raise what it raises."""
    pool = ThreadPoolExecutor(max_workers=1)
    answer = pool.submit(call)
    try:
        yield
        answer.result()
    finally:
        pool.shutdown(wait=False)  # where the block failed, the server may wait for ever for its half
