"""Opinions: about a crowd (prompt_sweep) and about an account (membership)."""
