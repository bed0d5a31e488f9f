"""Runs a night of coding agents over a task graph: in parallel worktrees, verified, merged, and accounted for."""

__version__ = "0.1.0"
