"""How a command ends, and what it says when it cannot do what it was asked."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes that scripts rely on."""

    DONE = 0
    NOT_SO = 1
    USAGE = 2
    UNREACHABLE = 4
    DENIED = 5
    INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 - reads as what it is where it is raised
    """Ends the command: what is wrong, what to do (`hint`), and the exit code."""

    def __init__(self, message: str, hint: str = "", code: Exit = Exit.NOT_SO) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code
