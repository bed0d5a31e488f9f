"""Files of a manifest: text in its encoding, and documents in three formats, which are known by the names of files."""

from __future__ import annotations

from pathlib import Path

from orchestrator.manifest.document import Document
from orchestrator.manifest.faults import Fault, ManifestFaults


def read_text(path: Path, *, file: str) -> str:
    """The file's text, without a byte order mark. Raises ManifestFaults if it cannot be had."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _refused(file, "there is no such file") from None
    except IsADirectoryError:
        raise _refused(file, "this is a directory, not a file") from None
    except OSError as error:
        raise _refused(file, f"the file cannot be read: {error.strerror or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        fault = Fault(file=file, line=line, column=column, message=message, expected="a text file in UTF-8")
        raise ManifestFaults([fault]) from error


def read(path: Path, *, file: str) -> Document:
    """Read YAML, TOML or JSON, by the file's suffix. Raises ManifestFaults on a syntax error."""
    suffix = path.suffix.lower()
    if suffix in {".yaml", ".yml"}:
        from orchestrator.manifest.yaml_text import parse_yaml as parse
    elif suffix == ".toml":
        from orchestrator.manifest.toml_text import parse_toml as parse
    elif suffix == ".json":
        from orchestrator.manifest.json_text import parse_json as parse
    else:
        read_text(path, file=file)  # that the file is not there is the better thing to say
        raise _refused(file, f"unknown kind of file '{path.suffix}'", expected=".yaml, .yml, .toml, .json or .jsonl")
    return parse(read_text(path, file=file), file=file)


def _refused(file: str, message: str, *, expected: str = "") -> ManifestFaults:
    return ManifestFaults([Fault(file=file, line=0, column=0, message=message, expected=expected)])
