"""What knows a database: the event log with its projections, leases, requests, and who may write."""

from orchestrator.store.codec import digest, task
from orchestrator.store.database import Database, RunRow
from orchestrator.store.locks import SqliteLocks
from orchestrator.store.memory import MemoryLocks, MemoryStore
from orchestrator.store.run_store import RunStore

__all__ = ["Database", "MemoryLocks", "MemoryStore", "RunRow", "RunStore", "SqliteLocks", "digest", "task"]
