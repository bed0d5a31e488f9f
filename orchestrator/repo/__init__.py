"""What knows git: worktrees, the keeping of work, and the landing of it on the target branch.

Everything that is written goes to the target branch, to `orchestrator-work/<run>/<bead>` and below
`refs/orchestrator/`. The person's checkout, index, HEAD, stash, configuration and other branches are only read.
"""
