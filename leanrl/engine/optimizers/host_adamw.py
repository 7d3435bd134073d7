"""HostAdamW: AdamW whose moments, and masters where weights are 16-bit, live in host memory and are updated there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from leanrl.engine.optimizers.saved_state import state_as_saved


class HostAdamW(torch.optim.Optimizer):
    """AdamW that keeps nothing on the card: gradients come to the host, new weights go back, tensor by tensor.

    fp32 weights get the values of torch's own fused AdamW; 16-bit weights are rounded from fp32 masters. While one
    tensor is updated, the next gradient is on its way.
    """

    def __init__(
        self,
        params: Iterable[Any],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update every weight that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        work = [(group, weight) for group in self.param_groups for weight in group["params"] if weight.grad is not None]
        for (group, weight), (grad, values) in zip(work, self._fetched(weight for _, weight in work), strict=True):
            state = self.state[weight]
            if not state:
                state.update(_first_state(values))
            # Without a master, `values` is the weight: itself on a CPU, a copy on its way back otherwise.
            exact = state.get("master", values)
            _update(exact, grad.float(), state, group)
            _send(exact, weight)
        return loss

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take saved state into host memory, in fp32 whatever the weights are."""
        super().load_state_dict({**state_dict, "state": {}})
        self.state.update(state_as_saved(self.param_groups, state_dict, place=lambda value, _: value.cpu()))

    def _fetched(self, weights: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield gradient and, where there is no master, values of each weight on the host; the next is on its way."""
        waiting = None
        for weight in weights:
            coming = _fetch(weight, with_values="master" not in self.state.get(weight, {}))
            if waiting is not None:
                yield waiting()
            waiting = coming
        if waiting is not None:
            yield waiting()


def _fetch(weight: Tensor, *, with_values: bool) -> Callable[[], tuple[Tensor, Tensor | None]]:
    """Start the copies of a weight's gradient and values to the host, and return what waits for them.

    From a card, torch copies without blocking into pinned memory of its own pool; on a CPU nothing is copied.
    """
    grad = weight.grad.to("cpu", non_blocking=True)
    values = weight.detach().to("cpu", non_blocking=True) if with_values else None
    arrival = torch.cuda.current_stream(weight.device).record_event() if weight.is_cuda else None

    def wait() -> tuple[Tensor, Tensor | None]:
        if arrival is not None:
            arrival.synchronize()
        return grad, values

    return wait


def _first_state(values: Tensor) -> dict[str, Tensor]:
    state = {
        "step": torch.zeros(()),
        "exp_avg": torch.zeros(values.shape, dtype=torch.float32),
        "exp_avg_sq": torch.zeros(values.shape, dtype=torch.float32),
    }
    return state if values.dtype == torch.float32 else {**state, "master": values.float()}


def _update(exact: Tensor, grad: Tensor, state: Mapping[str, Tensor], group: Mapping[str, Any]) -> None:
    beta1, beta2 = group["betas"]
    adamw(
        *([exact], [grad], [state["exp_avg"]], [state["exp_avg_sq"]], [], [state["step"]]),
        fused=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=group["lr"],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )


def _send(exact: Tensor, weight: Tensor) -> None:
    """Copy new values to their weight, rounded on the host; to a card through pinned memory, without waiting."""
    if not weight.is_cuda:
        weight.copy_(exact)
        return
    rounded = torch.empty(weight.shape, dtype=weight.dtype, pin_memory=True)
    weight.copy_(rounded.copy_(exact), non_blocking=True)
