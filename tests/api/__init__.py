"""Tests of leanrl as Python imports it."""
