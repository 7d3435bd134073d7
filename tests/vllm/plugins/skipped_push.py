"""A plug-in that leaves out the third push of a run's weights, and says nothing."""

from leanrl.rewards.registry import reward
from leanrl.rollout.server.weight_transport import FolderTransport

push, pushes = FolderTransport.push, []


def skip_third(self, weights, name):
    pushes.append(name)
    if len(pushes) != 3:
        push(self, weights, name)
    for _ in weights:  # other ranks put them together meanwhile
        pass


FolderTransport.push = skip_third
reward("unused_skipped_push")(lambda sample: 0.0)  # a plug-in has to register one
