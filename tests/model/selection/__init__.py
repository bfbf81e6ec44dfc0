"""Selections of backup plans."""
