"""Libraries kept quiet, so that a run's own lines can be read."""

import logging

import transformers
from huggingface_hub.utils import enable_progress_bars


def quiet_transformers() -> None:
    """Turn off loading bars and advice; downloads from the Hub keep their bars."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    enable_progress_bars()
    logging.getLogger("trl").setLevel(logging.ERROR)
