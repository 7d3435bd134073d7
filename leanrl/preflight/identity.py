"""What a run is made of, as its fingerprints tell: problems and base model; nothing is loaded."""

from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.data.fingerprint import problems_fingerprint
from leanrl.models.locate import locate_model
from leanrl.models.weights.fingerprint import model_fingerprint
from leanrl.preflight.intent import Ready


def identify(config: RunConfig, ready: Ready) -> dict[str, Any]:
    """Return the fingerprints of problems and base model; a model that is not on this machine is fetched."""
    located = locate_model(config.model)
    return {"data": problems_fingerprint(ready.problems), "model": model_fingerprint(located.folder())}
