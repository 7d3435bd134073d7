"""Devices, cards and rollout engines: keys that contradict each other."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from leanrl.config.checks.sharing import sharing_obstacle
from leanrl.config.schema import RunConfig
from leanrl.errors import Problem
from leanrl.hints import setting


def hardware_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield every combination that cannot be run; `where` names the keys."""
    for check in (_devices, _own_card, _rollout_cards, _server_url, _sleep, _sharing):
        yield from check(config)


def _devices(config: RunConfig) -> Iterator[Problem]:
    hardware = config.hardware
    where = "hardware.device, hardware.num_gpus"
    if hardware.device == "cpu" and hardware.num_gpus > 0:
        yield Problem(where, f"the CPU is to train, but with {hardware.num_gpus} GPUs", "`-s hardware.num_gpus=0`")
    if hardware.device == "cuda" and hardware.num_gpus == 0:
        yield Problem(where, "a GPU is to train, but there are 0", "`-s hardware.num_gpus=1`")
    if hardware.is_cpu and config.model.attention == "flash_attention_2":
        yield Problem("model.attention", "flash_attention_2 needs a GPU", "`-s model.attention=sdpa`")


def _own_card(config: RunConfig) -> Iterator[Problem]:
    """A card that no name stands for is described by three numbers; time and cost need all of them."""
    hardware = config.hardware
    needed = {name: getattr(hardware, name) for name in ("vram_gib", "bandwidth_gb_per_second", "bf16_tflops")}
    given = [name for name, value in needed.items() if value is not None and name != "vram_gib"]
    given += ["usd_per_hour"] if hardware.usd_per_hour is not None else []
    missing = [name for name, value in needed.items() if value is None]
    if hardware.gpu is None and given and missing:
        yield Problem(
            ", ".join(f"hardware.{name}" for name in given),
            "without a card's name there is no time and no cost to predict",
            f"name one with `-s hardware.gpu=<name>`, or give {', '.join(f'hardware.{name}' for name in missing)}, too",
        )


def _rollout_cards(config: RunConfig) -> Iterator[Problem]:
    kept, cards, engine = config.rollout.num_gpus, config.hardware.num_gpus, config.rollout.engine
    is_users = engine == "vllm-server" and config.rollout.server_url is not None
    by_engine, by_number = "rollout.engine, rollout.num_gpus", "rollout.num_gpus, hardware.num_gpus"
    share = "`-s rollout.engine=vllm-colocate -s rollout.num_gpus=0` shares the card"
    if engine != "vllm-server" and kept > 0:
        what = f"{kept} cards are kept for rollouts, but {engine} uses the training cards"
        yield Problem(by_engine, what, "`-s rollout.num_gpus=0`")
    elif is_users and config.model.tuning.method == "full":
        what = "full parameters would overwrite the weights of a server that others may use"
        yield Problem("rollout.server_url, model.tuning.method", what, "without it leanrl starts one of its own")
    elif is_users and kept > 0:
        what = f"{kept} cards are kept for rollouts, and the server that runs already has its own"
        yield Problem("rollout.server_url, rollout.num_gpus", what, "`-s rollout.num_gpus=0`")
    elif engine == "vllm-server" and kept == 0 and cards > 0 and not is_users:
        hint = "`-s rollout.num_gpus=1`" if cards > 1 else share
        yield Problem(by_engine, "a vLLM server needs a card of its own", hint)
    elif kept >= cards > 0:
        hint = f"`{setting('rollout.num_gpus', cards - 1)}`" if cards > 1 else share
        yield Problem(by_number, f"{kept} of {cards} cards are kept for rollouts, so none trains", hint)
    elif kept > cards:
        yield Problem(by_number, f"{kept} cards for rollouts, but no GPU", "`-s rollout.num_gpus=0`")


def _server_url(config: RunConfig) -> Iterator[Problem]:
    url = config.rollout.server_url
    if url is not None and not url.startswith("unix:/") and not _is_web_address(url):
        hint = "such as http://127.0.0.1:8000, or unix:/PATH for one that was started with `--uds /PATH`"
        yield Problem("rollout.server_url", f"{url} is no address of a server", hint)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number below 65536
        return False


def _sleep(config: RunConfig) -> Iterator[Problem]:
    rollout = config.rollout
    if rollout.engine == "vllm-colocate" and rollout.sleep_level == 2 and config.model.tuning.method != "full":
        yield Problem(
            "rollout.sleep_level, model.tuning.method",
            f"level 2 drops vLLM's copy of the base, and {config.model.tuning.method} sends it only the adapter",
            "`-s rollout.sleep_level=1` keeps it in host memory",
        )


def _sharing(config: RunConfig) -> Iterator[Problem]:
    obstacle = sharing_obstacle(config)
    if config.rollout.share_base is True and obstacle is not None:
        yield Problem("rollout.share_base", f"the base cannot be shared: {obstacle}", "`-s rollout.share_base=auto`")
