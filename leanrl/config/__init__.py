"""One schema, presets and overrides."""
