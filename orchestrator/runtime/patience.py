"""Retries that nobody need see: something is held or short for a moment, and is asked for again.

A retry that somebody should see is a state of the core's instead. The first try is made plainly: tenacity, which
takes its time to load, is asked only once something had to be waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def patiently(
    passes: Callable[[BaseException], bool], *, within_s: float
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Ask again for up to `within_s` seconds while what is raised `passes`; then it is raised."""

    def decorate(work: Callable[P, R]) -> Callable[P, R]:
        @wraps(work)
        def patient(*args: P.args, **kwargs: P.kwargs) -> R:
            return insist(lambda: work(*args, **kwargs), passes, within_s=within_s)

        return patient

    return decorate


def insist(work: Callable[[], R], passes: Callable[[BaseException], bool], *, within_s: float) -> R:
    try:
        return work()
    except BaseException as fault:
        if not passes(fault):
            raise
    import tenacity

    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception(passes),
        wait=tenacity.wait_random_exponential(multiplier=0.02, max=0.5),
        stop=tenacity.stop_after_delay(within_s),
        reraise=True,
    )
    return again(work)
