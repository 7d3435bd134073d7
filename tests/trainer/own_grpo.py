"""GRPO written a second time, as plainly as it can be: whole logits, one row at a time, Adam by hand.

It takes the completions of a run of leanrl and nothing else of it.

Axes: T completion tokens, V vocabulary.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class OwnSettings:
    learning_rate: float
    temperature: float
    clip: float = 0.2
    max_grad_norm: float = 1.0
    num_iterations: int = 1
    num_parts: int = 1


class OwnGrpo:
    """Trains all parameters of `model` on rollouts; `clipped_shares` and `losses` hold one number a step."""

    def __init__(self, model, settings):
        self.model = model
        self.settings = settings
        self.losses, self.clipped_shares = [], []
        self._moments = [(torch.zeros_like(weight), torch.zeros_like(weight)) for weight in model.parameters()]
        self._num_steps = 0

    def train_on(self, groups):
        """Take all steps on one rollout: `groups` holds the completions of each prompt as (ids, number of prompt ids,
        reward)."""
        rows = [row for group in groups for row in _with_advantages(group)]
        with torch.no_grad():
            old = [self._logprobs(ids, num_prompt) for ids, num_prompt, _ in rows]
        size = len(rows) // self.settings.num_parts
        for _ in range(self.settings.num_iterations):
            for start in range(0, len(rows), size):
                self._step(rows[start : start + size], old[start : start + size])

    def _logprobs(self, ids, num_prompt):
        logits_T_V = self.model(torch.tensor([ids])).logits[0, num_prompt - 1 : -1] / self.settings.temperature
        return torch.log_softmax(logits_T_V, dim=-1)[range(len(ids) - num_prompt), ids[num_prompt:]]

    def _step(self, rows, old):
        bounds = 1 - self.settings.clip, 1 + self.settings.clip
        losses, num_clipped = [], 0
        for (ids, num_prompt, advantage), old_T in zip(rows, old, strict=True):
            ratio_T = torch.exp(self._logprobs(ids, num_prompt) - old_T)
            losses.append(-torch.minimum(ratio_T * advantage, ratio_T.clamp(*bounds) * advantage))
            is_out_T = (ratio_T > bounds[1]) if advantage > 0 else (ratio_T < bounds[0]) & (advantage < 0)
            num_clipped += int(is_out_T.sum())
        loss = torch.cat(losses).mean()
        self.model.zero_grad()
        loss.backward()
        self._adam()
        self.losses.append(loss.item())
        self.clipped_shares.append(num_clipped / sum(len(one) for one in losses))

    @torch.no_grad()
    def _adam(self):
        self._num_steps += 1
        weights = list(self.model.parameters())
        norm = torch.cat([weight.grad.flatten() for weight in weights]).norm()
        scale = min(1.0, self.settings.max_grad_norm / (norm.item() + 1e-6))
        for weight, (first, second) in zip(weights, self._moments, strict=True):
            gradient = weight.grad * scale
            first.mul_(0.9).add_(0.1 * gradient)
            second.mul_(0.999).add_(0.001 * gradient**2)
            rate = self.settings.learning_rate / (1 - 0.9**self._num_steps)
            weight -= rate * first / ((second / (1 - 0.999**self._num_steps)).sqrt() + 1e-8)


def _with_advantages(group):
    rewards = torch.tensor([reward for *_, reward in group], dtype=torch.float64)
    # TRL's divisor, as in the runs that it is compared with: the sample deviation and 1e-4.
    advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-4)
    return [
        (ids, num_prompt, advantage) for (ids, num_prompt, _), advantage in zip(group, advantages.tolist(), strict=True)
    ]
