"""Keys that contradict each other: what is said, and that the advice given works."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.config.checks.check import find_contradictions, find_warnings
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from tests.config.written import write_preset

ONE_GPU = """
    model: {id: someone/model, tuning: {method: full}}
    data: {path: sums.jsonl}
    rewards: {accuracy: 1.0}
    optimizer: {name: adamw_8bit}
"""

# overrides of ONE_GPU, the keys that are named, a part of what is said
CASES = [
    (['model.id=""'], "model.id", "no model is named"),
    (["data.path=null"], "data.generator, data.path, data.hub_id", "no problems to train on"),
    (["data.hub_id=a/b", "data.path=c.jsonl"], "data.path, data.hub_id", "several sources"),
    (
        ["data.generator=json_objects", "data.path=null"],
        "data.generator, rewards.accuracy",
        "the grader of mathematics does not judge",
    ),
    (["data.prompt_template=Solve it."], "data.prompt_template", "has no {problem}"),
    (["model.thinking_tag=<thnk>"], "model.thinking_tag", "'<thnk>' is no tag that opens a thinking part"),
    (["model.thinking_tag=</think>"], "model.thinking_tag", "is no tag that opens a thinking part"),
    (["rewards.accuracy=null"], "rewards", "there is none"),
    (["watchdog.kl_warn=3"], "watchdog.kl_warn, watchdog.kl_act", "would act at 2 before it warns at 3"),
    (["watchdog.entropy_high_act=0.1"], "watchdog.entropy_high_warn, watchdog.entropy_high_act", "act at 0.1"),
    (["rewards.accuracy=0"], "rewards", "every weight is 0"),
    (["hardware.device=cpu"], "hardware.device, hardware.num_gpus", "the CPU is to train, but with 1 GPUs"),
    (["hardware.device=cuda", "hardware.num_gpus=0"], "hardware.device, hardware.num_gpus", "but there are 0"),
    (["hardware.num_gpus=0", "model.attention=flash_attention_2"], "model.attention", "needs a GPU"),
    (
        [
            "rollout.engine=vllm-server",
            "rollout.server_url=http://127.0.0.1:1",
            "rollout.top_p=0.9",
            "rollout.temperature=0.7",
            "model.tuning.method=lora",
        ],
        "rollout.server_url, rollout.temperature, rollout.top_p",
        "at temperature 1 alone, and it is 0.7",
    ),
    (
        ["train.updates_per_rollout=5"],
        "train.updates_per_rollout, train.num_prompts",
        "the 12 prompts of a rollout cannot be shared evenly by 5 updates",
    ),
    (
        ["train.updates_per_rollout=4", "hardware.num_gpus=2"],
        "train.updates_per_rollout, train.num_prompts",
        "the 6 prompts of a rollout on each of 2 ranks cannot be shared evenly by 4 updates",
    ),
    (
        ["rollout.num_gpus=1", "hardware.num_gpus=4"],
        "rollout.engine, rollout.num_gpus",
        "1 cards are kept for rollouts, but hf uses the training cards",
    ),
    (
        ["hardware.usd_per_hour=0.5", "hardware.vram_gib=24"],
        "hardware.usd_per_hour",
        "without a card's name there is no time",
    ),
    (["rollout.engine=vllm-server"], "rollout.engine, rollout.num_gpus", "needs a card of its own"),
    (
        ["rollout.engine=vllm-server", "rollout.num_gpus=1"],
        "rollout.num_gpus, hardware.num_gpus",
        "1 of 1 cards are kept for rollouts, so none trains",
    ),
    (
        ["rollout.engine=vllm-server", "rollout.num_gpus=4", "hardware.num_gpus=4"],
        "rollout.num_gpus, hardware.num_gpus",
        "4 of 4 cards",
    ),
    (
        ["rollout.engine=vllm-server", "rollout.num_gpus=1", "hardware.num_gpus=0"],
        "rollout.num_gpus, hardware.num_gpus",
        "1 cards for rollouts, but no GPU",
    ),
    (
        ["rollout.max_model_tokens=1535"],
        "rollout.max_model_tokens, rollout.max_prompt_tokens, rollout.max_completion_tokens",
        "512 + 1024 tokens do not fit into 1535",
    ),
    (
        ["rollout.engine=vllm-colocate", "rollout.sleep_level=2", "model.tuning.method=lora"],
        "rollout.sleep_level, model.tuning.method",
        "level 2 drops vLLM's copy of the base, and lora sends it only the adapter",
    ),
    (
        ["rollout.engine=vllm-colocate", "rollout.share_base=true"],
        "rollout.share_base",
        "the base cannot be shared: full has no frozen base in 16 bit",
    ),
    (
        ["rollout.engine=vllm-server", "rollout.server_url=http://x"],
        "rollout.server_url, model.tuning.method",
        "full parameters would overwrite the weights of a server that others may use",
    ),
    *(
        (
            ["rollout.engine=vllm-server", "model.tuning.method=lora", f"rollout.server_url={url}"],
            "rollout.server_url",
            f"{url} is no address of a server",
        )
        for url in ("localhost:8000", "http://", "http://127.0.0.1:port", "ftp://127.0.0.1:8000")
    ),
    (
        ["train.max_tokens_per_micro_batch=1535"],
        "train.max_tokens_per_micro_batch, rollout.max_prompt_tokens, rollout.max_completion_tokens",
        "may have 1536 tokens and cannot be divided, so 1535 are too few",
    ),
    (
        ["train.pack_rows=always", "model.attention=eager"],
        "train.pack_rows, model.attention, backend",
        "in place of sdpa, not of eager",
    ),
    (
        ["model.tuning.method=lora", "hardware.parallel=fsdp2"],
        "hardware.parallel, model.tuning.method",
        "lora trains an adapter",
    ),
    (
        ["model.tuning.method=qlora", "model.dtype=float32"],
        "model.tuning.method, model.dtype, model.compute_dtype",
        "not in float32",
    ),
    (
        ["model.tuning.method=qlora", "rollout.engine=vllm-colocate", "algorithm.correction.name=none"],
        "algorithm.correction.name, rollout.base",
        "with none nothing would correct it",
    ),
    (
        ["model.tuning.method=qlora", "rollout.engine=vllm-colocate", "algorithm.correction.name=sequence_mask"],
        "algorithm.correction.name, rollout.base",
        "its window would leave every completion out",
    ),
    (["model.tuning.targets=[]"], "model.tuning.targets", "names no module"),
    (
        ["optimizer.schedule=cosine_with_min"],
        "optimizer.schedule, optimizer.min_learning_rate_ratio",
        "needs a floor, and it is 0",
    ),
    (["train.reference_device=host"], "train.reference_device, algorithm.kl_beta", "there is no reference"),
    (
        ["train.reference_device=host", "algorithm.kl_beta=0.04", "model.tuning.method=lora"],
        "train.reference_device, model.tuning.method",
        "not a copy",
    ),
    (
        ["train.reference_device=disk", "algorithm.kl_beta=0.04", "model.tuning.method=full", "hardware.num_gpus=2"],
        "train.reference_device, hardware.parallel",
        "each keeps its shard in memory",
    ),
    (["eval.greedy=true"], "data.num_heldout, eval.greedy", "no problems are held out"),
    (["eval.every_steps=5"], "data.num_heldout, eval.every_steps", "no problems are held out"),
    (
        ["eval.every_steps=5", "eval.greedy=true"],
        "data.num_heldout, eval.greedy, eval.every_steps",
        "no problems are held out",
    ),
    (["checkpoints.keep_best=1"], "checkpoints.keep_best, eval.every_steps", "nothing is evaluated during training"),
    (
        ["eval.every_steps=5", "data.num_heldout=20", "eval.num_problems=30"],
        "eval.num_problems, data.num_heldout",
        "30 problems are to be asked, and 20 are held out",
    ),
    (
        ["eval.every_steps=5", "data.num_heldout=20", "eval.samples=4"],
        "eval.samples, eval.temperature",
        "at temperature 0 all 4 completions of a problem are the same",
    ),
]


def problems_of(tmp_path, overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(write_preset(tmp_path, ONE_GPU), overrides)
    return caught.value.problems


@pytest.mark.parametrize(("overrides", "where", "what"), CASES)
def test_a_contradiction_names_its_keys(tmp_path, overrides, where, what):
    (problem,) = problems_of(tmp_path, overrides)
    assert problem.where == where
    assert what in problem.what
    assert problem.hint


@pytest.mark.parametrize(("overrides", "where", "what"), CASES)
def test_the_flags_of_a_hint_are_the_way_out(tmp_path, overrides, where, what):
    """Hints whose flags hold a place for a name (<...>) or give a choice without flags are for a person."""
    (problem,) = problems_of(tmp_path, overrides)
    first_choice = (problem.hint or "").split(", or ")[0]
    flags = re.findall(r"-s ([\w.]+=[^\s`]+)", first_choice)
    if flags and "<" not in first_choice:
        load_config(write_preset(tmp_path, ONE_GPU), [*overrides, *flags])


def test_groups_that_do_not_divide(tmp_path):
    """5 prompts x 3 completions are 15; 4 ranks would hold 3.75 each."""
    (problem,) = problems_of(tmp_path, ["hardware.num_gpus=4", "train.num_prompts=5", "train.num_completions=3"])
    assert problem.what == "5 prompts x 3 completions over 4 training ranks do not divide evenly"
    assert problem.hint == "a rank holds whole groups: train.num_prompts=4 or 8 works, and so does hardware.num_gpus=1"


def test_more_ranks_than_prompts(tmp_path):
    """Seven cards that train, three prompts: four would have none. Three cards have one each."""
    sizes = ["hardware.num_gpus=8", "rollout.num_gpus=1", "rollout.engine=vllm-server", "train.num_prompts=3"]
    (problem,) = problems_of(tmp_path, sizes)
    assert problem.what == "7 training ranks are more than the 3 prompts of a step"
    assert problem.hint == "a rank holds whole groups: train.num_prompts=7 works, and so does hardware.num_gpus=4"


def test_groups_that_would_be_torn_apart(tmp_path):
    """6 prompts x 4 completions are 24: 6 for each of 4 ranks, one group and a half."""
    (problem,) = problems_of(tmp_path, ["hardware.num_gpus=4", "train.num_prompts=6", "train.num_completions=4"])
    assert problem.what == "6 prompts x 4 completions over 4 training ranks divide only by tearing groups apart"


@given(ranks=st.integers(1, 9), prompts=st.integers(1, 40), completions=st.integers(2, 9))
def test_the_numbers_that_are_said_to_work_do(ranks, prompts, completions):
    def with_sizes(num_gpus: int, num_prompts: int) -> RunConfig:
        sizes = {"num_prompts": num_prompts, "num_completions": completions, "micro_batch_completions": 1}
        return RunConfig.model_validate(
            {
                "model": {"id": "a/b"},
                "data": {"path": "c.jsonl"},
                "rewards": {"accuracy": 1.0},
                "hardware": {"num_gpus": num_gpus},
                "train": sizes,
            }
        )

    problems = find_contradictions(with_sizes(ranks, prompts))
    whole_groups = prompts * completions % ranks == 0 and prompts * completions // ranks % completions == 0
    assert (not problems) == whole_groups
    for problem in problems:
        said = re.fullmatch(r".*num_prompts=(\d+)(?: or (\d+))? works, and .*num_gpus=(\d+)", problem.hint or "")
        *numbers, cards = [int(number) for number in said.groups() if number]
        assert not find_contradictions(with_sizes(cards, prompts))
        for number in numbers:
            assert not find_contradictions(with_sizes(ranks, number))


def test_activations_travel_from_checkpointed_layers_only(tmp_path):
    overrides = ["train.offload_activations=true", "train.gradient_checkpointing=false"]
    (problem,) = problems_of(tmp_path, overrides)
    assert problem.where == "train.offload_activations, train.gradient_checkpointing"


def test_a_number_of_kept_layers_and_auto_exclude_each_other(tmp_path):
    (problem,) = problems_of(tmp_path, ["train.gradient_checkpointing=auto", "train.kept_layers=3"])
    assert problem.where == "train.gradient_checkpointing, train.kept_layers"
    assert "`-s train.gradient_checkpointing=true` keeps 3" in problem.hint


def test_several_contradictions_are_found_together(tmp_path):
    problems = problems_of(tmp_path, ["rewards.accuracy=0", "rollout.max_model_tokens=9", "eval.greedy=true"])
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["train.gradient_checkpointing=false", "train.kept_layers=2"], "train.kept_layers has no effect"),
        (["rollout.max_model_tokens=2000"], "rollout.max_model_tokens has no effect: rollout.engine is hf"),
        (["rollout.gpu_memory_fraction=0.5"], "rollout.gpu_memory_fraction has no effect"),
        (["hardware.num_gpus=0", "train.offload_activations=true"], "train.offload_activations has no effect"),
        (
            ["hardware.num_gpus=0", "algorithm.kl_beta=0.04", "train.reference_device=host"],
            "train.reference_device host has no effect on a CPU",
        ),
        (["rollout.sleep_level=2"], "rollout.sleep_level has no effect: hf does not sleep."),
        (["rollout.sleep_level=kv"], "rollout.sleep_level has no effect: hf does not sleep."),
        (["rollout.server_url=http://x"], "rollout.server_url has no effect: rollout.engine is hf."),
        (["rollout.weight_transport=nccl"], "rollout.weight_transport has no effect: rollout.engine is hf."),
        (
            [
                *("rollout.weight_transport=nccl", "rollout.engine=vllm-server", "rollout.num_gpus=1"),
                *("hardware.num_gpus=2", "model.tuning.method=lora"),
            ],
            "rollout.weight_transport has no effect: of lora only the adapter travels, through a folder.",
        ),
        (["rollout.server_port=8000"], "rollout.server_port has no effect: rollout.engine is hf."),
        (["algorithm.correction.name=sequence_mask"], "algorithm.correction has no effect"),
        (["rollout.base=nf4"], "rollout.base has no effect"),
        (
            [
                *("schedules.temperature.steps=[0, 5, 400, 900]", "schedules.temperature.values=[1, 1, 1, 1]"),
                "train.max_steps=400",
            ],
            "schedules.temperature.steps from 400 on have no effect: the run ends after 400 steps.",
        ),
        (
            ["schedules.reset_reference_every_steps=400", "algorithm.kl_beta=0.04", "train.max_steps=400"],
            "schedules.reset_reference_every_steps 400 has no effect",
        ),
        (
            [
                "schedules.automatic_length={from_tokens: 64, window_rollouts: 200}",
                "rollout.max_completion_tokens=128",
                "train.max_steps=400",
            ],
            "schedules.automatic_length.window_rollouts 200 has no effect",
        ),
        (["watchdog.level=act", "train.max_steps=28"], "watchdog.level act has no effect"),
        (["algorithm.kl_estimator=k2"], "algorithm.kl_estimator has no effect: algorithm.kl_beta is 0."),
        (["algorithm.clip_high=0.28"], "with algorithm.num_iterations 1 the ratio they bound is always 1"),
        (["model.tuning.rank=64"], "model.tuning.rank has no effect: model.tuning.method is full."),
        (["model.tuning.rslora=true"], "model.tuning.rslora has no effect: model.tuning.method is full."),
        (
            [
                *("model.tuning.method=lora", "model.tuning.adapter_dtype=bfloat16"),
                *("optimizer.name=adamw", "optimizer.learning_rate=4e-5"),
            ],
            "optimizer.learning_rate 4e-05 is too small for most weights of an adapter in bfloat16",
        ),
        (["optimizer.name=adamw"], "optimizer.learning_rate 1e-06 is too small for most weights in bfloat16"),
        (["optimizer.min_learning_rate_ratio=0.1"], "only optimizer.schedule cosine_with_min has a floor"),
        (["hardware.parallel=fsdp2"], "one rank has nothing to share"),
        (["hardware.num_gpus=0", "hardware.vram_gib=24"], "hardware.vram_gib has no effect: the run is on the CPU."),
        (
            ["train.micro_batch_completions=73"],
            "train.micro_batch_completions 73 is more than the 72 completions of a rank: one pass holds all.",
        ),
        (
            ["data.num_heldout=5", "eval.every_steps=5", "train.updates_per_rollout=2"],
            "eval.every_steps 5 is rounded up to 6: evaluations lie between rollouts, which serve 2 steps each.",
        ),
        (["log.track_completions=true"], "log.track_completions has no effect: tracking is none"),
        (
            ["tracking=wandb", "log.track_completions=true", "log.completions_every_steps=0"],
            "log.track_completions has no effect: log.completions_every_steps is 0",
        ),
        (["data.num_heldout=5"], "data.num_heldout keeps 5 problems out of training, and eval.greedy is false"),
        (["optimizer.learning_rate=200"], "optimizer.learning_rate 200 moves each weight by about 200 a step"),
        (["rewards.accuracy=-1"], "rewards.accuracy is -1: completions are rewarded for a low accuracy."),
        (  # 72 completions: fourteen passes of 5 and one of 2
            ["train.micro_batch_completions=5"],
            "5 does not divide the 72 completions of a rank: the last of 15 passes holds 2. 4 or 6 would.",
        ),
    ],
)
def test_a_setting_without_effect_is_told(tmp_path, overrides, sentence):
    (warning,) = find_warnings(load_config(write_preset(tmp_path, ONE_GPU), overrides).config)
    assert sentence in warning


def test_a_micro_batch_is_planned_as_large_as_a_rank_fills_it(tmp_path):
    config = load_config(write_preset(tmp_path, ONE_GPU), ["train.micro_batch_completions=1000"]).config
    assert config.full_completions_per_micro_batch == 72
    assert config.micro_batches_per_step == 1


def test_nothing_is_told_of_settings_that_act(tmp_path):
    file = write_preset(tmp_path, ONE_GPU)
    by_tokens = ["train.micro_batch_completions=5", "train.max_tokens_per_micro_batch=8000"]
    assert find_warnings(load_config(file, by_tokens).config) == []
    assert find_warnings(load_config(file).config) == []
    for kept in (["optimizer.name=adamw", "model.dtype=float32"], ["optimizer.name=adamw_offloaded"]):
        assert find_warnings(load_config(file, kept).config) == []
    acting = ["rollout.engine=vllm-colocate", "rollout.sleep_level=2", "algorithm.correction.name=token_truncate"]
    assert find_warnings(load_config(file, [*acting, "algorithm.correction.clip=3"]).config) == []


@pytest.mark.parametrize("tag", ["<think>", "<Thinking>", "'[THINK]'", "<|begin_of_thought|>", "none", "null"])
def test_known_thinking_tags_are_taken(tmp_path, tag):
    config = load_config(write_preset(tmp_path, ONE_GPU), [f"model.thinking_tag={tag}"]).config
    assert config.model.thinking_tag == (None if tag == "null" else tag.strip("'"))


def test_the_nearest_thinking_tag_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(write_preset(tmp_path, ONE_GPU), ["model.thinking_tag=<thnk>"])
    assert "Did you mean `<think>`?" in str(caught.value.problems[0].hint)


def test_all_that_is_wrong_with_evaluations_is_found_together(tmp_path):
    """None are held out, and greedy samples are the same; with 5 held out, 8 are too many."""
    found = [problem.where for problem in problems_of(tmp_path, ["eval.every_steps=5", "eval.samples=4"])]
    assert found == ["data.num_heldout, eval.every_steps", "eval.samples, eval.temperature"]
    overrides = ["eval.every_steps=5", "eval.samples=4", "data.num_heldout=5", "eval.num_problems=8"]
    assert [problem.where for problem in problems_of(tmp_path, overrides)] == [
        "eval.num_problems, data.num_heldout",
        "eval.samples, eval.temperature",
    ]
