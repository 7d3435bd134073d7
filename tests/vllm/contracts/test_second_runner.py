"""What leanrl takes from vLLM's second model runner, which a card gets and a CPU does not."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest


def test_an_adapter_is_found_where_the_first_runner_has_it():
    from vllm.v1.worker.gpu.model_runner import GPUModelRunner
    from vllm.v1.worker.lora_model_runner_mixin import LoRAModelRunnerMixin

    assert issubclass(GPUModelRunner, LoRAModelRunnerMixin)
    assert {"self.model =", "self.kv_caches ="} <= set(_assignments(GPUModelRunner))
    assert inspect.signature(GPUModelRunner.get_model).parameters.keys() == {"self"}


def _assignments(runner):
    lines = (line.strip() for line in inspect.getsource(runner).splitlines())
    return (line[: line.index("=") + 1] for line in lines if line.startswith("self.") and "=" in line)


def test_logits_are_asked_of_the_model_at_every_step():
    """`scale_logits` replaces `compute_logits` on the model: a runner that kept the method would go on unscaled."""
    from vllm.v1.worker.gpu import model_runner

    uses = [line for line in inspect.getsource(model_runner).splitlines() if "compute_logits" in line]
    assert any("self.model.compute_logits" in line for line in uses)
    assert not [line for line in uses if "= self.model.compute_logits\n" in f"{line}\n"]


@pytest.mark.parametrize("asked_seed", [None, 7])
def test_the_seed_of_a_request_comes_from_numpys_generator(asked_seed):
    """Which a checkpoint holds: a resumed run draws what the first would have drawn."""
    from vllm import SamplingParams
    from vllm.v1.worker.gpu.sample.states import SamplingStates

    def seed_of(numpys):
        np.random.seed(numpys)
        states = SimpleNamespace(vocab_size=100, seeds_set=np.zeros(1, dtype=bool), num_logprobs=np.zeros(1, dtype=int))
        for name in ("temperature", "top_k", "top_p", "min_p", "seeds"):
            dtype = np.int64 if name == "seeds" else np.float64
            setattr(states, name, SimpleNamespace(np=np.zeros(1, dtype=dtype)))
        SamplingStates.add_request(states, 0, SamplingParams(seed=asked_seed))
        return int(states.seeds.np[0])

    assert seed_of(1) == seed_of(1)
    assert (seed_of(1) == seed_of(2)) == (asked_seed is not None)
