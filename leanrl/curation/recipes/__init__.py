"""Recipes: which sources, which stages, which mix."""
