"""`autoscaler completion`: what a shell needs to complete commands and fleets."""

from __future__ import annotations

import argparse

EXAMPLES = """\
examples:
  eval "$(autoscaler completion bash)"                      in ~/.bashrc
  eval "$(autoscaler completion zsh)"                       in ~/.zshrc, after compinit
  autoscaler completion fish > ~/.config/fish/completions/autoscaler.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - not needed by any other command

    print(shellcode(["autoscaler"], shell=arguments.shell))
    return 0
