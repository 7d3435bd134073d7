"""Tests of leanrl.rewards.text."""
