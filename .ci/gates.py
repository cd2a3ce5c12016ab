"""Gates that no linter has: sizes of files and functions, words that must not be in the code."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("autoscaler", "tests", "bench", ".ci")
LOCKS = ("requirements.lock", "requirements-dev.lock")
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 45
UNWANTED = {
    re.compile(r"\bmock\.patch|\bunittest\.mock|\bfrom unittest import mock"): "write a fake",
    re.compile(r"#\s*(TODO|FIXME|XXX)\b"): "do it, or file an issue",
}


def main() -> int:
    """Print every fault as `file:line: what is wrong`; 1 when there are any."""
    faults = [fault for folder in FOLDERS for fault in _faults_below(ROOT / folder)]
    faults += [fault for name in LOCKS for fault in _urls_in(ROOT / name)]
    print("\n".join(faults) or "Sizes and words: fine.")
    return 1 if faults else 0


def _faults_below(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT)
        yield from (f"{name}:{fault}" for fault in _size_faults(text))
        if path != Path(__file__).resolve():
            yield from (f"{name}:{fault}" for fault in _word_faults(text))


def _size_faults(text: str) -> Iterator[str]:
    lines = len(text.splitlines())
    if lines > MOST_LINES_OF_A_FILE:
        yield f"1: {lines} lines, more than {MOST_LINES_OF_A_FILE}; split it by idea"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield f"{node.lineno}: {node.name} has {lines} lines; split it"


def _word_faults(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, instead in UNWANTED.items():
            if found := pattern.search(line):
                yield f"{number}: {found[0]!r}: {instead}"


def _urls_in(lock: Path) -> Iterator[str]:
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        if "://" in line:
            yield f"{lock.name}:{number}: a lock file names packages and hashes, no URL"


if __name__ == "__main__":
    sys.exit(main())
