"""Frozen values: `class X(Struct, frozen=True, kw_only=True)`, and a changed copy of one.

They are msgspec's: made and copied in a tenth of a dataclass's time, and defined in a fiftieth, which a run pays for
each of some three hundred kinds before its first agent starts (docs/dependencies.md).
"""

from typing import TYPE_CHECKING

from msgspec import Struct, field, to_builtins

if TYPE_CHECKING:
    # The same to a type checker, which knows the fields here: a misspelt name is an error, not a surprise at night.
    from dataclasses import replace
else:
    from msgspec.structs import replace

__all__ = ["Struct", "field", "replace", "to_builtins"]
