"""Where a bead, a worker, a breaker and a run can be, and how an attempt ends."""

from __future__ import annotations

from enum import StrEnum


class BeadState(StrEnum):
    """Each state is named after what the bead waits for."""

    WAITING = "waiting"
    """for what it needs to be done"""
    READY = "ready"
    """for a worker, its locks, a route and its time"""
    RUNNING = "running"
    """for the end of its attempt"""
    VERIFYING = "verifying"
    """for its own checks, in its worktree"""
    MERGING = "merging"
    """for its turn in the merge queue, and the checks on the merged tree"""
    DONE = "done"
    """for nothing: landed, or declared that nothing was needed"""
    FAILED = "failed"
    """for a person: every try is used up"""
    BLOCKED = "blocked"
    """for something it needs that failed or was cancelled"""
    HELD = "held"
    """for a person's answer"""
    CANCELLED = "cancelled"
    """for nothing: a person gave it up"""


class WorkerState(StrEnum):
    """Each state is named after what the worker waits for."""

    IDLE = "idle"
    """for a bead"""
    STARTING = "starting"
    """for the agent's first sign"""
    RUNNING = "running"
    """for the agent's end"""
    COMPLETING = "completing"
    """for the work to be collected and to pass the bead's own checks"""
    TIMEOUT = "timeout"
    """for the end of the processes of a session that we gave up"""
    ERROR = "error"
    """for the end of what a broken session left behind"""
    RECOVERY = "recovery"
    """for the half-done work to be saved"""
    BACKOFF = "backoff"
    """for a time, after starts that failed"""
    FAILED = "failed"
    """for a person: its starts fail again and again, or bead after bead fails on it alone"""


class BreakerState(StrEnum):
    CLOSED = "closed"
    """lets every attempt through"""
    OPEN = "open"
    """lets none through until its time"""
    HALF_OPEN = "half_open"
    """lets exactly one attempt through, the probe"""


class RunState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class Ending(StrEnum):
    """How an attempt ended. `decide.endings.ANSWERS` says what each one leads to."""

    DELIVERED = "delivered"
    NO_CHANGE_NEEDED = "no-change-needed"
    NOTHING_DONE = "nothing-done"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    SILENT = "silent"
    RATE_LIMITED = "rate-limited"
    USAGE_LIMITED = "usage-limited"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    CONTEXT_OVERFLOW = "context-overflow"
    ASKED = "asked"
    CHECKS_FAILED = "checks-failed"
    CONFLICT = "conflict"
    MERGED_RED = "merged-red"
    OVER_BUDGET = "over-budget"
    NOT_STARTED = "not-started"
    NOT_COLLECTED = "not-collected"
    STRAYED = "strayed"
    LOST = "lost"
    STOPPED = "stopped"
    PUT_BACK = "put-back"
    CANCELLED = "cancelled"
