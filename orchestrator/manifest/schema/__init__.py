"""The tables of a manifest, one model each. The descriptions of the fields are the documentation of the format.

Knows keys and the kind of value that each takes. Does not know files, places, nor how beads relate.
"""

from orchestrator.manifest.schema.beads import BeadTable, DefaultsTable
from orchestrator.manifest.schema.parts import (
    BackoffTable,
    BreakerTable,
    BudgetTable,
    DependencyTable,
    LimitTable,
    LocksTable,
    LogsTable,
)
from orchestrator.manifest.schema.settings import SettingsTable
from orchestrator.manifest.schema.table import Table, says_nothing
from orchestrator.manifest.schema.telling import AlertRuleTable, AlertsTable, PullRequestTable, PushTable
from orchestrator.manifest.schema.whole import DocumentedManifest, ManifestTable, json_schema

__all__ = [
    "AlertRuleTable",
    "AlertsTable",
    "BackoffTable",
    "BeadTable",
    "BreakerTable",
    "BudgetTable",
    "DefaultsTable",
    "DependencyTable",
    "DocumentedManifest",
    "LimitTable",
    "LocksTable",
    "LogsTable",
    "ManifestTable",
    "PullRequestTable",
    "PushTable",
    "SettingsTable",
    "Table",
    "json_schema",
    "says_nothing",
]
