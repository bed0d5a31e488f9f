"""What a run would predict of beads' files, without one: for `plan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrator.core.decide.predicting import likely
from orchestrator.core.messages import Ask
from orchestrator.core.model import BeadId, Guess, Predict

if TYPE_CHECKING:
    from orchestrator.manifest import Loaded


def predicted(loaded: Loaded) -> Mapping[BeadId, tuple[Guess, ...]]:
    """Nothing where nothing would be predicted, or there is no repository to look at yet."""
    manifest = loaded.manifest
    asks = [Ask.of(bead) for bead in manifest.beads if bead.prompt is not None and not bead.files]
    if manifest.policy.predict is Predict.OFF or not asks:
        return {}
    from orchestrator.app.loading import repository_of
    from orchestrator.repo.faults import GitRefused, RepositoryFault
    from orchestrator.repo.foresight import GitForesight

    try:
        found = GitForesight(repository_of(loaded), manifest.target, manifest.base, keep=False).guesses(asks)
    except (RepositoryFault, GitRefused):
        return {}
    told = ((bead, likely(manifest.policy.predict, guesses)) for bead, guesses in found)
    return {bead: guesses for bead, guesses in told if guesses}
