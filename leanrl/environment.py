"""Environment variables that leanrl sets before a heavy library is imported."""

import os

# Telemetry of every library leanrl may import, off unless the user turned it on; the last two keep
# progress bars and advice of libraries out of the step lines.
_QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
}


def quiet_libraries() -> None:
    """Turn telemetry off; what the user has set already stays as it is."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
