"""The search for settings that fit: one for the fixes of a plan and for `leanrl plan --fit`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from leanrl.config.schema import RunConfig
from leanrl.planner.search.fixes import Changes, Fix, changes_only, is_refused, micro_batch_changes, with_changes
from leanrl.planner.search.search_space import (
    Axis,
    combinations,
    engines,
    method_variants,
    micro_batch_sizes,
    setting_axes,
    singles,
    size_axes,
    variants,
)

_MOST_FIXES = 3


@dataclass(frozen=True)
class Candidate:
    """A variant of the run with settings, and the bytes by which it is too large; not above 0 where it fits."""

    variant: Changes
    settings: Changes
    missing_bytes: int

    @property
    def changes(self) -> Changes:
        return {**self.variant, **self.settings}

    @property
    def fits(self) -> bool:
        return self.missing_bytes <= 0


class Search:
    """The search over everything that `leanrl train` takes, in the order of what it costs.

    The settings of the same run come first, then other arithmetic, then adapters. Smaller sizes of the run and
    `model.generate` in place of vLLM are the last resort. The first variant that fits is taken.

    Args:
        config: the run, with a micro-batch of a known size.
        missing: bytes by which a run is too large.
        vllm: the version on the cards, as in `Target`.
        is_host_limited: whether host memory is limited too.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        missing: Callable[[RunConfig], int],
        vllm: str | None = None,
        is_host_limited: bool = False,
    ) -> None:
        self._config = config
        self._missing = missing
        self._vllm = vllm
        self._is_host_limited = is_host_limited
        self._tried: list[Candidate] = []

    @cached_property
    def first(self) -> Candidate | None:
        """The first variant that fits, with settings that make it fit; None where nothing does."""
        for variant in self._allowed(variants(self._config)):
            found = self._fitting_settings(variant)
            if found is not None:
                return found
        return self._smaller_run()

    @property
    def nearest(self) -> Candidate:
        """The candidate that lacks the fewest bytes, among all that were tried."""
        assert self.first is None
        return min(self._tried, key=lambda candidate: (candidate.missing_bytes, len(candidate.changes)))

    def fits(self, changes: Changes) -> bool:
        """Whether a run with these changes fits, and would not be refused."""
        return bool(self._fitting([changes]))

    def leanest_of_method(self) -> Candidate | None:
        """Return the first variant of the config's method and sizes that fits at its leanest settings.

        None tells that no settings make it fit, at the price of a few plans.
        """
        for variant in self._allowed(method_variants(self._config)):
            for settings in combinations(with_changes(self._config, variant), self._axes(variant), lean=True):
                candidate = self._priced(variant, settings)
                if candidate.fits:
                    return candidate
        return None

    def fewest_of_method(self) -> Candidate | None:
        """Return the same variant with the fewest settings that it needs, and the largest micro-batch."""
        for variant in self._allowed(method_variants(self._config)):
            if self._priced(variant, {}).fits:
                return self._tried[-1]
            found = self._fitting_settings(variant)
            if found is not None:
                return self._with_fewest_settings(found)
        return None

    def fixes(self) -> tuple[Fix, ...]:
        """Return up to three changes that make the run fit; none if and only if `first` is None.

        Single changes come first. Where none keeps the run what it is, the fewest changes of `first` precede them, and
        single smaller sizes follow.
        """
        single = self._fitting_singles()
        offers = self._as_fixes(single)
        if not any(fix.changes_run is None for fix in offers) and self.first is not None:
            sizes = [self._fitting(axis[1:])[:1] for axis in size_axes(self._config)]
            fewest = self._with_fewest_settings(self.first).changes
            offers = self._as_fixes([fewest, *single, *(changes for size in sizes for changes in size)])
        return tuple(offers[:_MOST_FIXES])

    def _fitting_singles(self) -> list[Changes]:
        """Return the single changes that fit; of the sizes of a micro-batch the largest alone."""
        micro_batches, *others = singles(self._config, self._axes({}))
        largest = next(iter(self._fitting(micro_batches)), None)
        rest = self._fitting(changes for options in others for changes in options)
        return [*([] if largest is None else [largest]), *rest]

    def _as_fixes(self, changes: Iterable[Changes]) -> list[Fix]:
        offered = [changes_only(self._config, change) for change in changes]
        return [Fix(change) for place, change in enumerate(offered) if change not in offered[:place]]

    def all_settings(self, variant: Changes) -> Iterator[Changes]:
        """Yield every combination of settings of a variant, each as the changes that it makes to the config."""
        for settings in combinations(with_changes(self._config, variant), self._axes(variant), lean=False):
            yield {**variant, **settings}

    def _axes(self, variant: Changes) -> list[Axis]:
        config = with_changes(self._config, variant)
        return setting_axes(config, vllm=self._vllm, is_host_limited=self._is_host_limited)

    def _allowed(self, changes: Iterable[Changes]) -> Iterator[Changes]:
        return (change for change in changes if not is_refused(self._config, change))

    def _fitting(self, changes: Iterable[Changes]) -> list[Changes]:
        return [change for change in self._allowed(changes) if self._priced({}, change).fits]

    def _priced(self, variant: Changes, settings: Changes) -> Candidate:
        missing = self._missing(with_changes(self._config, {**variant, **settings}))
        self._tried.append(Candidate(variant, settings, missing))
        return self._tried[-1]

    def _fitting_settings(self, variant: Changes) -> Candidate | None:
        """Return settings with which a variant fits: its own, single changes of them, or the leanest together."""
        axes = self._axes(variant)
        changed = with_changes(self._config, variant)
        single = (option for axis in axes for option in axis.options if not is_refused(changed, option))
        for settings in (*([{}] if variant else single), *combinations(changed, axes, lean=True)):
            candidate = self._priced(variant, settings)
            if candidate.fits:
                return candidate
        return None

    def _smaller_run(self) -> Candidate | None:
        """Return the first variant of which the smallest sizes fit, at sizes as large as fit."""
        axes = size_axes(self._config)
        smallest = _at(axes, [len(axis) - 1 for axis in axes])
        for engine in engines(self._config):
            for variant in variants(with_changes(self._config, engine)):
                whole = {**engine, **variant}
                for sized in self._allowed([{**whole, **smallest}]):
                    found = self._fitting_settings(sized)
                    if found is not None:
                        return self._grown(found, whole, axes)
        return None

    def _grown(self, found: Candidate, whole: Changes, axes: Sequence[Sequence[Changes]]) -> Candidate:
        """Return the variant with sizes grown in turns, the most reduced one first, while it fits."""
        places = [len(axis) - 1 for axis in axes]
        growing = {index for index, place in enumerate(places) if place > 0}
        while growing:
            index = max(growing, key=lambda index: places[index])
            trial = [place - (at == index) for at, place in enumerate(places)]
            grown = next(map(self._fitting_settings, self._allowed([{**whole, **_at(axes, trial)}])), None)
            if grown is not None:
                found, places = grown, trial
            if grown is None or places[index] == 0:
                growing.remove(index)
        return found

    def _with_fewest_settings(self, found: Candidate) -> Candidate:
        """Return the candidate without the settings that it does not need, and with the largest micro-batch."""
        changed = with_changes(self._config, found.variant)
        for key in reversed(list(found.settings)):
            fewer = {name: value for name, value in found.settings.items() if name != key}
            found = self._if_it_fits(changed, fewer, otherwise=found)
        for size in micro_batch_sizes(changed):
            larger = micro_batch_changes(changed, size)
            if larger.keys() <= found.settings.keys() and size > 1:
                found = self._if_it_fits(changed, {**found.settings, **larger}, otherwise=found)
        return found

    def _if_it_fits(self, changed: RunConfig, settings: Changes, *, otherwise: Candidate) -> Candidate:
        if is_refused(changed, settings):
            return otherwise
        candidate = self._priced(otherwise.variant, settings)
        return candidate if candidate.fits else otherwise


def _at(axes: Sequence[Sequence[Changes]], places: Sequence[int]) -> Changes:
    options = (axis[place] for axis, place in zip(axes, places, strict=True))
    return {key: value for option in options for key, value in option.items()}
