"""Folders of processes that live, and what becomes of those whose process was killed."""
