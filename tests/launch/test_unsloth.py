"""What can be said of unsloth's process without unsloth: its environment, and what may not be there before it."""

import sys

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.launch.run import require_ranks
from leanrl.launch.this_rank import Rank
from leanrl.launch.topology import is_launched, training_ranks
from leanrl.launch.unsloth import import_unsloth, unsloth_environment
from leanrl.processes import processes

CONFIG = load_config("single-gpu-lora-unsloth").config


@pytest.mark.parametrize(("engine", "expandable"), [("hf", True), ("vllm-server", True), ("vllm-colocate", False)])
def test_the_cache_of_a_run_lies_in_it_and_the_allocator_has_one_setting(tmp_path, monkeypatch, engine, expandable):
    """A vLLM in unsloth's process gives memory back by an allocator that takes no expandable segments."""
    monkeypatch.chdir(tmp_path)
    cache = (tmp_path / "run" / "unsloth_cache").relative_to(tmp_path)
    environment = unsloth_environment(cache, engine=engine, environment={})
    assert environment["UNSLOTH_COMPILE_LOCATION"] == str(tmp_path / "run" / "unsloth_cache")
    assert environment["PYTORCH_ALLOC_CONF"] == f"expandable_segments:{expandable}"
    assert environment["UNSLOTH_VLLM_STANDBY"] == "0"


@pytest.mark.parametrize("variable", ["PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"])
def test_a_users_other_settings_of_the_allocator_stay(tmp_path, variable):
    """Whichever variable has them; a list within brackets has commas of its own."""
    users = "max_split_size_mb:512,expandable_segments:True,roundup_power2_divisions:[256:1,512:2]"
    set_by_user = unsloth_environment(tmp_path, engine="vllm-colocate", environment={variable: users})
    kept = "max_split_size_mb:512,roundup_power2_divisions:[256:1,512:2]"
    assert set_by_user["PYTORCH_ALLOC_CONF"] == f"{kept},expandable_segments:False"


@pytest.mark.parametrize("early", ["transformers", "trl", "peft"])
def test_nothing_that_it_patches_may_be_there_before_it(tmp_path, monkeypatch, early):
    for name in ("transformers", "trl", "peft"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, early, object())
    with pytest.raises(RuntimeError, match=f"^{early} are imported before unsloth"):
        import_unsloth(tmp_path, None, engine="hf")


def test_its_run_is_a_process_that_leanrl_starts():
    assert is_launched(CONFIG)
    launcher, rank = processes(CONFIG, arguments=["-p", "single-gpu-lora-unsloth"])
    assert (launcher.role, rank.role) == ("launcher", "training rank 0")
    assert rank.command == ["python", "-m", "leanrl", "train", "--resume", "RUN"]
    assert [rank] == training_ranks(CONFIG, run="RUN")


def test_a_rank_alone_makes_no_group():
    """With LOCAL_RANK set accelerate would look for other ranks."""
    (rank,) = training_ranks(CONFIG, run="RUN")
    assert rank.environment == {"RANK": "0", "WORLD_SIZE": "1", "LEANRL_LAUNCHED": "1", "CUDA_VISIBLE_DEVICES": "0"}


def test_torchrun_does_not_start_it():
    with pytest.raises(ConfigError, match="a process that leanrl starts itself"):
        require_ranks(CONFIG, Rank(0, 1, is_launched=False), is_from_python=False)
    require_ranks(CONFIG, Rank(0, 1, is_launched=True), is_from_python=False)


def test_rows_from_python_do_not_reach_it():
    with pytest.raises(ConfigError, match="rows and rewards from Python reach no other process") as caught:
        require_ranks(CONFIG, None, is_from_python=True)
    assert "torchrun" not in caught.value.hint
