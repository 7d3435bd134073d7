"""The phases of a plan in plain words."""

from leanrl.planner.phases import PhaseName

PHASE_WORDS: dict[PhaseName, str] = {
    "load": "loading the models",
    "rollout": "generating completions",
    "sync": "new weights to the engine",
    "reference": "scoring by the reference",
    "forward_backward": "computing gradients",
    "optimizer_step": "updating the weights",
    "save": "saving a checkpoint",
}
