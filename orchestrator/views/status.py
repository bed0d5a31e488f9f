"""`status`: where every bead, worker and route stands, as data for programs.

The keys of the data are a contract: keys may be added, none is renamed.
"""

from __future__ import annotations

import math
from typing import Any

from orchestrator.core.messages import Sampled
from orchestrator.core.model import BeadState, RouteName
from orchestrator.core.records import BeadRecord, Pool, Window, WorkerRecord
from orchestrator.core.state import State
from orchestrator.views.headline import headline, tally
from orchestrator.views.spending import spending
from orchestrator.views.times import rfc3339
from orchestrator.views.vitals import Healths, as_dict, healths


def status(state: State, samples: Sampled | None = None) -> dict[str, Any]:
    """Times are RFC 3339 in UTC, or null; what is unknown is null."""
    found = healths(state, samples)
    return {
        "run": _run(state),
        "beads": [_bead(record) for record in state.beads.values()],
        "workers": [_worker(state, worker, found) for worker in state.workers.values()],
        "routes": [_route(state, route) for route in state.breakers],
        "pools": [_pool(state, pool) for pool in state.pools.values()],
        "totals": _totals(state),
        "push": _push(state),
        "pull_requests": _pull_requests(state),
        "flaky": dict(state.flickers),
    }


def _pull_requests(state: State) -> list[dict[str, Any]]:
    return [
        {
            "bead": bead or None,
            "url": each.url or None,
            "branch": each.branch or None,
            "commit": each.commit,
            "open": bool(each.turn),
            "failures": each.failures,
            "reason": each.doubt or each.fault or None,
        }
        for bead, each in state.requests.items()
    ]


def _push(state: State) -> dict[str, Any] | None:
    """None: the target stays in the repository."""
    if not state.policy.push_to or state.policy.requests is not None:
        return None
    return {
        "remote": state.policy.push_to,
        "commit": state.push_commit,
        "behind": state.landings - state.pushed,
        "failures": state.push_failures,
        "reason": state.push_fault or None,
        "retry_at": rfc3339(state.deadlines.at(("push", ""))),
    }


def _run(state: State) -> dict[str, Any]:
    return {
        "name": state.manifest.name,
        "state": state.run.value,
        "started_at": rfc3339(state.planned_at),
        "target": state.manifest.target,
        "reason": state.run_reason or None,
        "stopping": state.stopping is not None,
        "opened_at": rfc3339(state.opened_at),
        "ended_at": rfc3339(state.ended_at),
        "closed_until": rfc3339(state.closed_until),
        "workers": {"auto": state.policy.auto, "wanted": state.width or state.policy.workers},
        "waits_for_host": state.tight if state.fits == 0 and state.ended_at is None else None,
        "target_base": state.target_base,
        "epoch": state.epoch,
        "pid": state.process.pid if state.process else None,
        "host": state.host or None,
        "summary": headline(state),
    }


def _bead(record: BeadRecord) -> dict[str, Any]:
    return {
        "id": record.spec.id,
        "title": record.spec.title,
        "state": record.state.value,
        "attempts": record.attempts,
        "reason": record.reason or None,
        "route": record.route,
        "commit": record.commit,
        "since": rfc3339(record.since),
        "tries": record.tries,
        "needs": list(record.spec.needs),
        "not_before": rfc3339(record.not_before or None),
        "usd": record.usd,
        "tokens": record.tokens,
    }


def _worker(state: State, worker: WorkerRecord, found: Healths) -> dict[str, Any]:
    attempt = state.attempts.get(worker.token) if worker.token is not None else None
    healthy = found[worker.id][0] if worker.id in found else None
    return {
        "id": worker.id,
        "state": worker.state.value,
        "bead": attempt.bead if attempt else None,
        "pid": attempt.process.pid if attempt and attempt.process else None,
        "health": healthy.score if healthy else None,
        "health_parts": as_dict(healthy) if healthy else None,
        "weakest": healthy.weakest.name if healthy else None,
        "attempt": attempt.number if attempt else None,
        "route": attempt.route if attempt else None,
        "since": rfc3339(worker.since),
        "note": (attempt.note or None) if attempt else None,
        "suspended": rfc3339(attempt.suspended) if attempt else None,
        "collisions": [
            {"with": each.other or None, "paths": list(each.paths)} for each in (attempt.collisions if attempt else ())
        ],
        "reason": worker.reason or None,
    }


def _route(state: State, route: RouteName) -> dict[str, Any]:
    gate = state.gate(route)
    return {
        "route": route,
        "breaker": gate.state.value,
        "retry_at": rfc3339(gate.until),
        "reason": gate.reason or None,
        "since": rfc3339(gate.since),
        "provider": state.traits_of(route).provider,
    }


def _pool(state: State, pool: Pool) -> dict[str, Any]:
    """The ledger of what shares a limit."""
    limit, day, window = state.limit_of(pool.name), pool.day, pool.window
    parked = state.accounts.get(pool.name)
    return {
        "pool": pool.name,
        "running": pool.running,
        "tokens_each": round(pool.each) if pool.measured else None,
        "next_start_at": rfc3339(pool.next_at or None),
        "parked_until": rfc3339(parked.until) if parked else None,
        "day": _window(day),
        "window": _window(window),
        "window_holds": pool.holds,
        "limit": limit
        and {
            "requests_per_minute": limit.requests_per_minute,
            "tokens_per_day": limit.tokens_per_day,
            "sessions": limit.sessions,
        },
    }


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    until = None if math.isinf(window.until) else rfc3339(window.until)
    return {
        "since": rfc3339(window.since),
        "until": until,
        "requests": window.requests,
        "tokens": window.tokens,
    }


def _totals(state: State) -> dict[str, Any]:
    known, count = spending(state), tally(state)
    return {
        **{each.value: state.counts[each] for each in BeadState},
        "landed": count.landed,
        "beads": count.total,
        "usd": known.usd,
        "tokens": known.tokens,
        "unpriced": known.unpriced,
        "usd_computed": known.computed_usd,
        "agent_minutes": known.minutes,
    }
