"""What knows a database: the event log with its projections, leases, requests, and who may write."""

from orchestrator.store.codec import digest, task
from orchestrator.store.database import Database, RunRow, RunStore
from orchestrator.store.memory import MemoryStore

__all__ = ["Database", "MemoryStore", "RunRow", "RunStore", "digest", "task"]
