"""From a conversation to tokens and back: rendering, generation settings, stop ids and thinking tags."""
