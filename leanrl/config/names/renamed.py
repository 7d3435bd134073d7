"""Keys under other names, and the key that takes the same value."""

RENAMED = {
    "algorithm.advantage_baseline": "algorithm.advantage.baseline",
    "algorithm.advantage_scale": "algorithm.advantage.scale",
    "algorithm.importance_correction": "algorithm.correction.name",
    "algorithm.importance_clip": "algorithm.correction.clip",
    "algorithm.importance_mask_low": "algorithm.correction.mask_low",
    "algorithm.importance_mask_high": "algorithm.correction.mask_high",
}
