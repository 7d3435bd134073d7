"""Tests of leanrl.rewards.custom."""
