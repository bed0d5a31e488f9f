"""What the run's own events change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.core import machines
from orchestrator.core import messages as m
from orchestrator.core.changes import following, pull_requests, workers
from orchestrator.core.changes.moving import leave_worktree, stop_clocks, update_attempt
from orchestrator.core.changes.pools import watch_day
from orchestrator.core.changes.staffing import move_worker, staff
from orchestrator.core.model import BeadState, Budget, Policy
from orchestrator.core.standing import LIVE, SETTLED, Standing
from orchestrator.core.values import replace

_AT_REST = SETTLED | {BeadState.HELD}


def run_planned(state: Standing, event: m.RunPlanned) -> None:
    raise ValueError("a run is planned once")


def run_opened(state: Standing, event: m.RunOpened) -> None:
    """Every session that an earlier process had is an orphan; nothing is decided before the sweep."""
    state.run = machines.after(machines.RUN, state.run, m.RunOpened, "the run")
    state.run_reason, state.ended_at, state.stopping = "", None, None
    state.epoch, state.process, state.host, state.opened_at = event.epoch, event.process, event.host, event.at
    if any(record.attempts for record in state.beads.values()):
        state.begun_before = state.counts[BeadState.DONE]
    state.swept, state.disk_low = False, None
    state.fits, state.tight, state.places = None, "", None
    state.push_failures, state.push_waits = 0, False
    state.deadlines.drop(("push", ""))
    for bead, record in state.beads.items():  # what could not be cleared away may have been the machine's fault
        if bead in state.clearings or (record.occupies and record.token is None and record.state in _AT_REST):
            leave_worktree(state, bead)
            state.to_clear[bead] = None
    pull_requests.taken_up(state)
    following.taken_up(state)
    state.mustering, state.muster = True, {}
    if event.terms is not None:
        _agree(state, event.terms, event.at)
    state.tuning = None
    if state.policy.auto:
        workers.measure(state, event.at)  # what was known of fewer was known of an earlier machine
    if state.policy.closed or state.closed_until is not None:
        state.deadlines.set(("hours", ""), event.at)
    for pool in state.pools:
        limit = state.limit_of(pool)
        if limit is not None and limit.tokens_per_day is not None:
            watch_day(state, pool)
    for worker in state.workers.values():
        if worker.state in LIVE and worker.token is not None:
            move_worker(state, worker.id, event)
            stop_clocks(state, worker.token)
            update_attempt(state, worker.token, suspended=None)
            state.suspended.pop(worker.token, None)


def run_swept(state: Standing, event: m.RunSwept) -> None:
    state.swept = True


def workers_started(state: Standing, event: m.WorkersStarted) -> None:
    state.mustering = False


def run_paused(state: Standing, event: m.RunPaused) -> None:
    state.run = machines.after(machines.RUN, state.run, m.RunPaused, "the run")
    state.run_reason = event.reason


def run_resumed(state: Standing, event: m.RunResumed) -> None:
    state.run = machines.after(machines.RUN, state.run, m.RunResumed, "the run")
    state.run_reason = event.reason
    if event.budget_usd is not None:
        state.raised_usd = event.budget_usd
        _allow(state, replace(state.budget, usd=event.budget_usd))


def disk_ran_low(state: Standing, event: m.DiskRanLow) -> None:
    state.disk_low = event.free


def host_tightened(state: Standing, event: m.HostTightened) -> None:
    state.fits, state.tight = event.fits, event.reason


def host_freed(state: Standing, event: m.HostFreed) -> None:
    state.fits, state.tight = None, ""


def train_sized(state: Standing, event: m.TrainSized) -> None:
    state.places = event.places


def agent_measured(state: Standing, event: m.AgentMeasured) -> None:
    state.needs[event.agent] = event.memory


def disk_freed(state: Standing, event: m.DiskFreed) -> None:
    state.disk_low = None


def writing_resumed(state: Standing, event: m.WritingResumed) -> None:
    """It changes nothing: the wait is over."""


def time_skipped(state: Standing, event: m.TimeSkipped) -> None:
    """Who starts or works is given it. Resets and hours are times of day; a back-off may be shorter."""
    for token in state.attempts:
        for kind in ("start", "bead"):
            due = state.deadlines.at((kind, token))
            if due is not None:
                state.deadlines.set((kind, token), due + event.seconds)


def target_pushed(state: Standing, event: m.TargetPushed) -> None:
    state.pushed, state.push_commit = event.landings, event.commit
    state.push_failures, state.push_fault = 0, ""


def push_delayed(state: Standing, event: m.PushDelayed) -> None:
    state.push_failures, state.push_fault, state.push_waits = event.failures, event.reason, True
    state.deadlines.set(("push", ""), event.until)


def push_woke(state: Standing, event: m.PushWoke) -> None:
    state.push_waits = False
    state.deadlines.drop(("push", ""))


def hours_closed(state: Standing, event: m.HoursClosed) -> None:
    state.closed_until = event.until
    state.deadlines.set(("hours", ""), event.until)


def hours_opened(state: Standing, event: m.HoursOpened) -> None:
    state.closed_until = None
    if event.until is None:
        state.deadlines.drop(("hours", ""))
    else:
        state.deadlines.set(("hours", ""), event.until)


def budget_warned(state: Standing, event: m.BudgetWarned) -> None:
    state.warned[event.scope, event.what, event.reached] = None


def _allow(state: Standing, budget: Budget) -> None:
    """Another budget is warned of anew."""
    if budget != state.budget:
        state.budget, state.warned = budget, {}


def run_stopping(state: Standing, event: m.RunStopping) -> None:
    state.stopping = event
    state.run_reason = event.reason


def run_ended(state: Standing, event: m.RunStopped | m.RunFinished) -> None:
    state.run = machines.after(machines.RUN, state.run, type(event), "the run")
    state.run_reason = event.reason
    state.ended_at = event.at


def request_taken(state: Standing, event: m.RequestTaken) -> None:
    state.pending[event.request] = event


def request_answered(state: Standing, event: m.RequestAnswered) -> None:
    state.pending.pop(event.request, None)


def log_level_set(state: Standing, event: m.LogLevelSet) -> None:
    """Concerns the log, not the state."""


def settings_changed(state: Standing, event: m.SettingsChanged) -> None:
    policy = event.settings.policy
    limits = {limit.pool for limit in (*state.policy.limits, *policy.limits)}
    _follow(state, policy)
    _allow(state, state.allowed(event.settings.budget))
    if policy.closed or state.closed_until is not None:
        state.deadlines.set(("hours", ""), event.at)
    for pool in limits & set(state.pools):
        watch_day(state, pool)
        state.ready.release(("pool", pool))
    if policy.auto and state.tuning is None:
        workers.measure(state, event.at)
    staff(state, event.at)


def _follow(state: Standing, policy: Policy) -> None:
    if policy.workers != state.policy.workers:  # who says anew how many there are to be means all of them
        state.added, state.released = {}, {}
    bounds = [(each.auto, each.workers, each.most_workers) for each in (state.policy, policy)]
    if bounds[0] != bounds[1]:  # how many are worth their while was found out within others
        state.width = state.tuning = None
    state.policy = policy


def _agree(state: Standing, terms: m.Terms, at: float) -> None:
    _follow(state, terms.policy)
    state.options = terms.options
    state.needs.update(terms.needs)
    _allow(state, state.allowed(terms.budget))
    state.token = max(state.token, terms.token)
    for bead, number in terms.numbers.items():
        if bead in state.beads and number > state.beads[bead].number:
            state.beads[bead] = replace(state.beads[bead], number=number)
    staff(state, at)


CHANGES: dict[type[m.Event], Callable[[Standing, Any], None]] = {
    m.RunPlanned: run_planned,
    m.RunOpened: run_opened,
    m.RunSwept: run_swept,
    m.WorkersStarted: workers_started,
    m.RunPaused: run_paused,
    m.RunResumed: run_resumed,
    m.DiskRanLow: disk_ran_low,
    m.DiskFreed: disk_freed,
    m.HostTightened: host_tightened,
    m.HostFreed: host_freed,
    m.TrainSized: train_sized,
    m.AgentMeasured: agent_measured,
    m.WritingResumed: writing_resumed,
    m.TimeSkipped: time_skipped,
    m.TargetPushed: target_pushed,
    m.PushDelayed: push_delayed,
    m.PushWoke: push_woke,
    m.HoursClosed: hours_closed,
    m.HoursOpened: hours_opened,
    m.SettingsChanged: settings_changed,
    m.BudgetWarned: budget_warned,
    m.RunStopping: run_stopping,
    m.RunStopped: run_ended,
    m.RunFinished: run_ended,
    m.RequestTaken: request_taken,
    m.RequestAnswered: request_answered,
    m.LogLevelSet: log_level_set,
}
