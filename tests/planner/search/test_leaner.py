"""What is proposed where a real card said no to a plan that said yes."""

import yaml

from leanrl.planner.plan import plan_run
from leanrl.planner.search.fixes import with_changes
from leanrl.planner.search.leaner import leaner_settings, optimizer_state_bytes, training_bytes
from tests.planner.sample_runs import cpu_run, single_card


def test_every_proposal_takes_a_tenth_less_where_gradients_are_computed():
    config = single_card("lora")
    plan = plan_run(config)
    assert plan.verdict == "fits"
    assert plan.fixes == ()
    proposals = leaner_settings(config, plan)
    assert proposals[0] == "-s train.micro_batch_completions=4"
    for proposal in proposals:
        changed = with_changes(config, _changes(proposal))
        assert training_bytes(plan_run(changed)) <= 0.9 * training_bytes(plan)


def test_a_run_that_is_as_lean_as_can_be_is_offered_shorter_completions():
    train = {"micro_batch_completions": 1, "tile_tokens": 256, "offload_activations": True}
    config = single_card("qlora", train=train, algorithm={"kl_beta": 0.0}, optimizer={"learning_rate": 1e-4})
    proposals = leaner_settings(config, plan_run(config))
    assert proposals
    assert all("max_completion_tokens" in proposal or "adapter_dtype" in proposal for proposal in proposals)


def test_state_of_the_optimizer():
    """Rank 16 on seven layers of SmolLM2-135M: 30 x 16 x (2 x (576 + 576) + 2 x (576 + 192) + 3 x (576 + 1536))
    = 4,884,480 parameters with two fp32 moments each."""
    assert optimizer_state_bytes(plan_run(cpu_run(), host_bytes=2**34)) == 8 * 4_884_480


def _changes(flags):
    pairs = [pair.strip().split("=") for pair in flags.split("-s ") if pair]
    return {key: yaml.safe_load(value) for key, value in pairs}
