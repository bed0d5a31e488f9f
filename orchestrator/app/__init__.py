"""The composition root: the only package that names concrete classes, and puts them together.

A module for each thing that the command line asks for. Heavy imports are local to what needs them.
"""

from orchestrator.app.alerting import alert_rules, try_alerts
from orchestrator.app.attic import Pruning, prune
from orchestrator.app.clearing import clean
from orchestrator.app.loading import load, prepared
from orchestrator.app.locking import Reply, ask_for, claims_of
from orchestrator.app.looking import Reading, holder, reading
from orchestrator.app.machine import examine
from orchestrator.app.night import run
from orchestrator.app.orders import Exit, Order, Outcome, Refused
from orchestrator.app.proving import prove
from orchestrator.app.revising import Proposal, apply_here, proposed
from orchestrator.app.trial import Trial, try_out

__all__ = [
    "Exit",
    "Order",
    "Outcome",
    "Proposal",
    "Pruning",
    "Reading",
    "Refused",
    "Reply",
    "Trial",
    "alert_rules",
    "apply_here",
    "ask_for",
    "claims_of",
    "clean",
    "examine",
    "holder",
    "load",
    "prepared",
    "proposed",
    "prove",
    "prune",
    "reading",
    "run",
    "try_alerts",
    "try_out",
]
