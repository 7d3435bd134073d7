"""Stretches of decoder layers that keep activations alike: the last ones all of theirs, the others their inputs.

A shape of a part of the layers is that of a model that had these alone.
"""

import math
from dataclasses import dataclass, replace

from leanrl.planner.layers.activations import kept_bytes
from leanrl.planner.models.layer_kinds import ATTENDS, HAS_STATE, HAS_WINDOW, behind_the_last
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


@dataclass(frozen=True)
class Stretch:
    """Layers in a row that keep alike, when the backward pass comes to them.

    Args:
        shape: the model as if it had these layers alone.
        workload: what each of these layers is asked to keep.
        below_bytes: what the layers below keep meanwhile.
        num_above: layers whose backward pass is done by then.
    """

    shape: ModelShape
    workload: Workload
    below_bytes: int
    num_above: int

    @property
    def kept_bytes(self) -> int:
        """Bytes that these layers keep together."""
        return kept_bytes(self.shape, self.workload)


def stretches(shape: ModelShape, workload: Workload) -> list[Stretch]:
    """Return the stretches of a model in the order of the backward pass: the kept layers, which run whole; the rest."""
    num_kept, alike = workload.kept_layers, replace(workload, kept_layers=0)
    if num_kept == 0:
        return [Stretch(shape, alike, 0, 0)]
    num_others, whole = shape.num_layers - num_kept, replace(alike, activations="kept", tile_tokens=None)
    if num_others == 0:
        return [Stretch(shape, whole, 0, 0)]
    others = Stretch(_part(shape, 0, num_others), alike, 0, num_kept)
    # Inputs in host memory come back one by one: the first may be on its way, or the last still leaving.
    num_below = 1 if workload.activations == "offloaded" else num_others
    below_bytes = kept_bytes(replace(shape, num_layers=num_below), alike)
    return [Stretch(_part(shape, num_others, shape.num_layers), whole, below_bytes, 0), others]


def _part(shape: ModelShape, start: int, stop: int) -> ModelShape:
    """Return the shape of some of the layers; without a pattern they are a fair part of each kind, rounded up."""
    pattern, num_layers = shape.pattern[start:stop], stop - start
    if _knows_its_layers(shape):
        num_sliding, num_stateful = pattern.count(HAS_WINDOW), pattern.count(HAS_STATE)
    else:
        num_sliding, num_stateful = (
            math.ceil(count * num_layers / shape.num_layers)
            for count in (shape.num_sliding_layers, shape.num_stateful_layers)
        )
    attends = [letter != HAS_STATE for letter in pattern]
    return replace(
        shape,
        num_layers=num_layers,
        pattern=pattern,
        num_sliding_layers=num_sliding,
        num_stateful_layers=num_stateful,
        mixing_widths=shape.mixing_widths if num_stateful else (),
        layers=shape.layers[start:stop],
        num_below=start,
        num_behind=shape.num_layers - stop,
        layers_behind=(behind_the_last(attends, True), behind_the_last(attends, False)),
    )


def _knows_its_layers(shape: ModelShape) -> bool:
    counts = tuple(shape.pattern.count(letter) for letter in (ATTENDS, HAS_WINDOW, HAS_STATE))
    num_plain = shape.num_layers - shape.num_sliding_layers - shape.num_stateful_layers
    return counts == (num_plain, shape.num_sliding_layers, shape.num_stateful_layers)
