"""The key to change where a signal goes bad, with a value to try: what ends each warning."""

from collections.abc import Callable

from leanrl.config.schema import RunConfig
from leanrl.hints import setting

# DAPO's upper clip bound (arXiv 2503.14476, sec. 3.1); a bonus of the size that 1-shot RLVR uses (arXiv 2504.20571).
_CLIP_HIGH, _ENTROPY_COEF = 0.28, 1.0e-3
# Norms that long runs are clipped at lie between 0.1 and 1.
_LEAST_GRAD_NORM = 0.1
_REWARD_WEIGHT = 0.5
_CUT = "Cut answers earn nothing, whether right or wrong."


def advice(name: str, config: RunConfig, *, limit: int | None = None) -> str:
    """Return what helps against a signal; it ends with the flag of a new run.

    Args:
        limit: of completions in the step, where a schedule moves it.
    """
    if name == "truncated_share" and limit is not None and limit < config.rollout.max_completion_tokens:
        return f"{_CUT} The schedule gives them room later; give it sooner: {_sooner(config, limit)}"
    return _ADVICE[name](config)


def _longer(config: RunConfig) -> str:
    limit = setting("rollout.max_completion_tokens", 2 * config.rollout.max_completion_tokens)
    return f"{_CUT} Give them room: {limit}"


def _sooner(config: RunConfig, limit: int) -> str:
    most = config.rollout.max_completion_tokens
    if config.schedules.automatic_length.from_tokens is not None:
        return setting("schedules.automatic_length.from_tokens", min(2 * limit, most))
    values = config.schedules.max_completion_tokens.values
    later = min((value for value in values if value > limit), default=most)
    return setting("schedules.max_completion_tokens.values", [int(max(value, later)) for value in values])


def _more_completions(config: RunConfig) -> str:
    flag = setting("train.num_completions", 2 * config.train.num_completions)
    return f"Harder or easier problems, or more tries of each, bring differences back: {flag}"


def _keep_exploring(config: RunConfig) -> str:
    meaning = "The policy gives nearly one answer, and its reward does not rise. Keep it exploring: "
    if config.steps_per_rollout > 1 and config.algorithm.clip_high < _CLIP_HIGH:
        return meaning + setting("algorithm.clip_high", _CLIP_HIGH)
    return meaning + setting("algorithm.entropy_coef", max(2 * config.algorithm.entropy_coef, _ENTROPY_COEF))


def _slower(meaning: str) -> Callable[[RunConfig], str]:
    def told(config: RunConfig) -> str:
        return f"{meaning} Take smaller steps: {setting('optimizer.learning_rate', config.optimizer.learning_rate / 2)}"

    return told


def _clip_gradients(config: RunConfig) -> str:
    norm = max(_LEAST_GRAD_NORM, config.optimizer.max_grad_norm / 2)
    if norm >= config.optimizer.max_grad_norm:
        return _slower("Single batches move the policy far.")(config)
    return f"Single batches move the policy far. Clip them harder: {setting('optimizer.max_grad_norm', norm)}"


def _fewer_updates(config: RunConfig) -> str:
    meaning = "The policy is far from the one that has sampled. "
    if config.algorithm.num_iterations > 1:
        return f"{meaning}Use each rollout less: {setting('algorithm.num_iterations', 1)}"
    if config.train.updates_per_rollout > 1:
        return f"{meaning}Use each rollout less: {setting('train.updates_per_rollout', 1)}"
    return _slower(meaning.strip())(config)


def _rewarded(reward: str, meaning: str) -> Callable[[RunConfig], str]:
    def told(config: RunConfig) -> str:
        weight = 2 * config.rewards.get(reward, _REWARD_WEIGHT / 2)
        return f"{meaning} Pay for the opposite: {setting(f'rewards.{reward}', weight)}"

    return told


def _corrected(config: RunConfig) -> str:
    meaning = "Completions come from another policy than the one that is trained. "
    if config.serves_other_base:
        return f"{meaning}Sample from the weights that are trained on: {setting('rollout.base', 'nf4')}"
    if config.algorithm.correction["name"] == "none":
        return f"{meaning}Weigh tokens by the difference: {setting('algorithm.correction.name', 'token_truncate')}"
    return f"{meaning}Compare the two in every step: {setting('rollout.selftest_every_steps', 1)}"


_ADVICE: dict[str, Callable[[RunConfig], str]] = {
    "zero_std_share": _more_completions,
    "truncated_share": _longer,
    "entropy_low": _keep_exploring,
    "entropy_high": _slower("The policy spreads over ever more tokens, as in a drift to other languages."),
    "kl": _slower("The policy leaves its reference fast."),
    "clipped_ratio_share": _fewer_updates,
    "mismatch": _corrected,
    "grad_norm": _clip_gradients,
    "language_mix_share": _rewarded("language_consistency", "The answers drift into other languages."),
    "other_script_share": _rewarded("language_consistency", "The answers drift into other scripts."),
    "repeated_4gram_share": _rewarded("repetition", "The answers go in circles."),
    "reward": _slower("What was learned gets lost."),
}
