"""How whole weights reach a vLLM server: through a folder on tmpfs, or from card to card over NCCL."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from threading import Thread
from typing import Any, Protocol

import torch
from torch import Tensor

from leanrl.errors import StoppedError
from leanrl.rollout.adapter_files import num_bytes, publish_weights, travelling, withdraw
from leanrl.rollout.owned_folder import claim_folder
from leanrl.rollout.protocol import NamedTensors
from leanrl.rollout.server.client import ServerClient, ServerLostError
from leanrl.rollout.server.command import HOST
from leanrl.rollout.server.place import free_port
from leanrl.storage.temporary.owned import OwnedFolder

_log = logging.getLogger(__name__)
# Tensors of one call: few calls, and no second copy of the model on the sender's card.
_CHUNK_BYTES = 512 * 2**20
# The sender is the first of its group, and the server's only worker the other one.
_SENDER, _NUM_MEMBERS = 0, 2
# Ending a communicator has the card give up a broadcast that nobody takes: moments, where it is possible at all.
_END_SECONDS = 60.0


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
    NCCL itself waits without end for a server that has died or hangs, so each of its calls runs beside a clock.

    Args:
        dtype: in which weights travel.
        deadline_seconds: how long a push may take; the server counts as lost then.
        connect: returns a communicator with the server's worker in it, within so many seconds.
    """

    def __init__(
        self,
        client: ServerClient,
        *,
        dtype: torch.dtype,
        deadline_seconds: float,
        connect: Callable[[ServerClient, float], Any] | None = None,
        chunk_bytes: int = _CHUNK_BYTES,
    ) -> None:
        self._client = client
        self._dtype = dtype
        self._deadline_seconds = deadline_seconds
        self._connect = connect or connect_to_worker
        self._chunk_bytes = chunk_bytes
        self._group: Any = None

    def push(self, weights: NamedTensors, name: str) -> None:
        """Send all weights.

        Raises:
            ServerLostError: if the server goes, or does not take them in time.
            StoppedError: if it has left a broadcast on this process's card that cannot be ended.
        """
        deadline = time.monotonic() + self._deadline_seconds
        try:
            self._group = self._group or self._connect(self._client, self._deadline_seconds)
            self._client.start_weight_update()
            for chunk in _chunks(weights, self._dtype, self._chunk_bytes):
                self._send(chunk, deadline)
            self._client.finish_weight_update()
        except Exception as error:
            if not self._end():
                # Other ranks wait for weights that this card cannot give: nothing more can be computed on it.
                raise StoppedError(
                    f"the rollout server is lost, and the broadcast of weights to it keeps this card: {error}",
                    hint="`leanrl train --resume RUN` continues from the last checkpoint, with a new server",
                ) from error
            for _ in weights:
                pass
            raise

    def close(self) -> None:
        if not self._end():
            _log.warning("the communicator with the rollout server did not end within %.0f s", _END_SECONDS)

    def _end(self) -> bool:
        """End the communicator, and return whether that was done in time; one that fails at it has ended too."""
        if self._group is None:
            return True
        ending, self._group = _beside(self._group.destroy), None
        wait([ending], timeout=_END_SECONDS)
        return ending.done()

    def _send(self, chunk: list[tuple[str, Tensor]], deadline: float) -> None:
        stream = torch.cuda.current_stream()  # of this thread

        def broadcast() -> None:
            for _, tensor in chunk:
                with torch.cuda.device_of(tensor):
                    self._group.broadcast(tensor, src=_SENDER, stream=stream)

        _together(
            lambda: self._client.update_weights(_described(chunk)),
            broadcast,
            seconds=deadline - time.monotonic(),
            what="the broadcast of weights to the server",
        )


def connect_to_worker(client: ServerClient, seconds: float) -> Any:
    """Return a communicator of this process's card and the server's; both sides meet in it.

    Raises:
        ServerLostError: if the server goes, or they have not met in time.
    """
    from vllm.distributed.device_communicators.pynccl import PyNcclCommunicator
    from vllm.distributed.utils import StatelessProcessGroup

    meeting, device = meeting_point(free_port()), torch.cuda.current_device()

    def meet() -> Any:
        group = StatelessProcessGroup.create(
            host=HOST, port=meeting["master_port"], rank=_SENDER, world_size=_NUM_MEMBERS
        )
        return PyNcclCommunicator(group, device=device)

    what = "the meeting with the server for its weights"
    return _together(lambda: client.init_weight_transfer(meeting), meet, seconds=seconds, what=what)


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


def _together(call: Callable[[], None], ours: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Run a call to the server beside this side's part of it, and return what this side's part returns.

    Raises:
        ServerLostError: if they have not ended in time, or this side's part fails for want of the other.
    """
    calling, own = _beside(call), _beside(ours)
    # Where one has failed, the other may wait for ever.
    _, waiting = wait([calling, own], timeout=max(0.0, seconds), return_when=FIRST_EXCEPTION)
    if calling.done():
        calling.result()
    if own.done() and isinstance(error := own.exception(), RuntimeError):  # of NCCL, and of torch's store
        raise ServerLostError(f"{what} failed: {error}") from error
    if waiting:
        raise ServerLostError(f"{what} did not end in time")
    return own.result()


def _beside(work: Callable[[], Any]) -> "Future[Any]":
    """Begin work in a thread that this process does not wait for when it ends."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
