"""The licence of a run's data, as far as it can be told."""

from huggingface_hub import HfApi
from huggingface_hub.utils import httpx

from leanrl.config.sections.data import DataConfig

# A card is not worth waiting for a Hub that does not answer.
_TIMEOUT_SECONDS = 5.0


def data_licence(data: DataConfig) -> str:
    """Return the licence that a dataset's page on the Hub names, or why it is not known."""
    if data.generator not in (None, "python"):
        return "Apache-2.0, as leanrl"
    if data.hub_id is None:
        return "not known to leanrl"
    unknown = f"not known, see https://huggingface.co/datasets/{data.hub_id}"
    try:
        card = HfApi().dataset_info(data.hub_id, revision=data.hub_revision, timeout=_TIMEOUT_SECONDS).card_data
    except (httpx.HTTPError, OSError, ValueError):
        return unknown
    found = None if card is None else card.get("license")
    return unknown if not found else ", ".join(found) if isinstance(found, list) else str(found)
