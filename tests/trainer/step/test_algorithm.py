"""What plug-ins may return, and how a wrong one is named."""

from random import Random

import pytest
import torch

from leanrl.engine.settings import LossSettings
from leanrl.errors import PluginError
from leanrl.seams.protocols import Draft, Group, Kept, PromptContext, TokenCredit
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.control import controlled
from leanrl.types import Sample

GROUP = Group(
    prompt_id="a",
    samples_G=[Sample("1+1", "2", text, 2, 8, False) for text in ("2", "3", "2")],
    completion_ids_G=[[5, 6], [7], [8, 9, 1]],
    rewards_G=[1.0, 0.0, 1.0],
    correct_G=[True, False, True],
    rng=Random(0),
)
CONTEXT = PromptContext(step=0, epoch=0, num_wanted=2, ledger=None, rng=Random)


def _algorithm(**plugins):
    return Algorithm(plugins=plugins, num_completions=3)


def test_without_plugins_everything_is_asked_kept_and_credited_as_it_is():
    plain = _algorithm()
    assert plain.chooses(["a", "b"], CONTEXT) == [True, True]
    assert plain.drafts("a", CONTEXT) == [Draft()] * 3
    assert plain.keeps(GROUP) == Kept((0, 1, 2))
    assert plain.refills(4, 1, 0.75, 1) == 0
    assert plain.credits(GROUP, torch.zeros(3)) == [TokenCredit()] * 3
    assert plain.controls({"entropy": 1.0}) == {}


@pytest.mark.parametrize(
    ("seam", "plugin", "ask", "expected"),
    [
        ("choose_prompts", lambda ids, context: [True], "chooses", "1 values in the place of 2"),
        ("plan_rollouts", lambda known, context: [Draft()], "drafts", "1 drafts; a group has at least 2"),
        ("keep_rows", lambda group: Kept((0, 3)), "keeps", "the rows [0, 3] of a group of 3"),
        ("keep_rows", lambda group: Kept((1, 0)), "keeps", "the rows [1, 0]"),
        ("keep_rows", lambda group: Kept((0,), copies=float("nan")), "keeps", "nan copies"),
        ("advantage", lambda rewards, lengths: rewards[0], "advantages", "shape (3,) for rewards of (1, 3)"),
        ("advantage", lambda rewards, lengths: rewards / 0, "advantages", "not finite"),
        ("credit_tokens", lambda group, advantages: [TokenCredit()], "credits", "1 values in the place of 3"),
        (
            "credit_tokens",
            lambda group, advantages: [TokenCredit(weights_T=torch.ones(2))] * 3,
            "credits",
            "(2,) numbers for 1 tokens",
        ),
        ("keep_rows", lambda group: 1 / 0, "keeps", "raised ZeroDivisionError"),
        ("correction", lambda *tensors: tensors[0].sum(dim=1, keepdim=True), "engine", "(2, 1) for tokens of (2, 3)"),
        ("token_weights", lambda *tensors: tensors[0][:1], "engine", "(1, 3) for tokens of (2, 3)"),
        ("token_weights", lambda *tensors: 1 / 0, "engine", "raised ZeroDivisionError"),
    ],
)
def test_a_wrong_answer_is_named_with_its_line(seam, plugin, ask, expected):
    arguments = {
        "chooses": (["a", "b"], CONTEXT),
        "drafts": ("a", CONTEXT),
        "keeps": (GROUP,),
        "advantages": (torch.tensor([[1.0, 0.0, 1.0]]), torch.ones(1, 3)),
        "credits": (GROUP, torch.zeros(3)),
        "engine": (torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2, 3)),
    }[ask]
    algorithm = _algorithm(**{seam: plugin})
    asked = algorithm.in_engine(seam) if ask == "engine" else getattr(algorithm, ask)
    with pytest.raises(PluginError) as caught:
        asked(*arguments)
    assert f"algorithm.{seam}" in caught.value.message
    assert expected in caught.value.message
    assert f"{__file__}:" in str(caught.value)


def test_memory_that_runs_out_in_a_plugin_of_the_engine_is_no_fault_of_the_plugin():
    def takes_all(*tensors):
        raise torch.OutOfMemoryError("simulated: CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        _algorithm(token_weights=takes_all).in_engine("token_weights")(torch.zeros(1, 1))


class _Stateful:
    def __init__(self):
        self.count = 0

    def __call__(self, metrics):
        self.count += 1
        return {}

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


def test_the_state_of_a_plugin_comes_back():
    first, second = _algorithm(after_step=_Stateful()), _algorithm(after_step=_Stateful())
    first.controls({})
    second.load_state_dict(first.state_dict())
    assert second.plugins["after_step"].count == 1


SETTINGS = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=1.0)


def test_a_controller_changes_what_may_change():
    changed = controlled(SETTINGS, {"algorithm.entropy_coef": 0.001, "algorithm.clip_high": 0.28}, has_reference=False)
    assert (changed.entropy_coef, changed.clip_high, changed.clip_low) == (0.001, 0.28, 0.2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"optimizer.learning_rate": 1.0}, "stays as it is"),
        ({"algorithm.entropy_coef": -1.0}, "at least 0"),
        ({"algorithm.clip_low": float("nan")}, "between 0 and 1"),
        ({"algorithm.kl_beta": 0.1}, "no reference policy"),
    ],
)
def test_a_controller_is_refused_what_may_not(changes, expected):
    with pytest.raises(PluginError) as caught:
        controlled(SETTINGS, changes, has_reference=False)
    assert expected in str(caught.value)
