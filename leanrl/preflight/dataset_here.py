"""Whether a dataset of the Hub was fetched to this machine before."""

import os
from pathlib import Path

from huggingface_hub.constants import HF_HOME, HF_HUB_CACHE


def is_dataset_here(hub_id: str) -> bool:
    """Return whether the cache of the Hub or of `datasets` has a folder of it; what the folder holds is not asked."""
    owner, _, name = hub_id.rpartition("/")
    prepared = Path(os.environ.get("HF_DATASETS_CACHE") or Path(HF_HOME) / "datasets")
    places = (
        Path(HF_HUB_CACHE) / f"datasets--{hub_id.replace('/', '--')}",
        prepared / (f"{owner}___{name}" if owner else name),
    )
    return any(place.is_dir() for place in places)
