"""Compares a workspace with a base revision: what git held there, who could decrypt it, and what broke."""
