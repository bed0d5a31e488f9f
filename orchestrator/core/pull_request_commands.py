"""The commands that pull requests are opened with, for the hosts whose own programs are known. Templates for `/bin/sh`.

Each placeholder is filled in as one word of the shell, quoted.
"""

from __future__ import annotations

from typing import NamedTuple

PLACEHOLDERS = ("head", "base", "title", "body_file", "url", "bead", "run", "remote")


class Known(NamedTuple):
    find: str
    open: str
    update: str


KNOWN = {
    "gh": Known(
        find="gh pr list --head {head} --state open --json url",
        open="gh pr create --head {head} --base {base} --title {title} --body-file {body_file}",
        update="gh pr edit {url} --title {title} --body-file {body_file}",
    ),
    "glab": Known(
        find="glab mr list --source-branch {head} --output json",
        open="glab mr create --yes --source-branch {head} --target-branch {base} --title {title} "
        '--description "$(cat {body_file})"',
        update='glab mr update {head} --title {title} --description "$(cat {body_file})"',
    ),
}
