"""Tests of leanrl.rewards.paper."""
