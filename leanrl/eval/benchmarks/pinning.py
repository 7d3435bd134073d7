"""The file of a benchmark with the revision and the hash of the data that was seen."""

import re


def pinned_text(text: str, *, hub_revision: str | None, sha256: str) -> str:
    """Return a benchmark file's text with its pins; comments and other keys stay as they are written.

    Args:
        hub_revision: the dataset's commit; None keeps what the file says, for data that did not come from the Hub.
    """
    pins = {"hub_revision": hub_revision, "sha256": sha256}
    written = {key: value for key, value in pins.items() if value is not None}
    kept = [line for line in text.rstrip("\n").split("\n") if not any(re.match(rf"{key}\s*:", line) for key in written)]
    return "\n".join([*kept, *(f'{key}: "{value}"' for key, value in written.items())]) + "\n"
