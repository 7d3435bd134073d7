"""A plug-in that leaves out the third push of a run's weights, and says nothing."""

from leanrl.rollout.vllm_server import VllmServer

load, pushes = VllmServer._load_weights, []


def skip_third(self, weights, name):
    pushes.append(name)
    if len(pushes) != 3:
        load(self, weights, name)


VllmServer._load_weights = skip_third
