"""`alerts`: who is told when it matters, and whether the way there works."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from orchestrator.app.orders import Exit
from orchestrator.cli.speech import ManifestFile, complain, honest


class Act(StrEnum):
    RULES = "rules"
    TEST = "test"


def add_to(app: typer.Typer) -> None:
    app.command()(alerts)


@honest
def alerts(
    act: Annotated[Act, typer.Argument(help="'rules' lists them; 'test' sends a message to every channel.")],
    manifest: ManifestFile,
) -> int:
    """Say which alerts a manifest asks for, or try the way to the person."""
    from orchestrator.app.alerting import alert_rules, try_alerts

    if act is Act.RULES:
        for rule in alert_rules(manifest):
            often = f"{rule.threshold} within {rule.window_s:g} s" if rule.threshold > 1 else "each"
            rest = f", then {rule.cooldown_s:g} s of silence" if rule.cooldown_s else ""
            print(f"{rule.name:<14} {rule.level.name.lower():<8} {often}{rest}")
        return Exit.DONE
    code = Exit.DONE
    for channel, fault in try_alerts(manifest):
        if fault:
            complain(f"{channel}: {fault}")
            code = Exit.UNDONE
        else:
            print(f"{channel}: taken")
    return code
