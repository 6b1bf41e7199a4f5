"""The command line's door: what it says before Django is loaded, and what it says when that fails."""

from __future__ import annotations

import os
import sys

from prowzi_site import __version__, commands
from prowzi_site.env import BadSetting

DONE, WRONG_USAGE, NOT_READY, INTERRUPTED = 0, 2, 5, 130
READER_GONE = 141  # as a shell shows SIGPIPE


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Answer one command line; the exit status of contract section 3."""
    try:
        status = _answer(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes once more at its end and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except (BadSetting, OSError) as error:
        return _not_ready(arguments, error)


def _answer(arguments: list[str]) -> int:
    match arguments:
        case ["--version" | "version"]:
            print(f"prowzi {__version__}")
        case [] | ["help" | "--help" | "-h"]:
            print(commands.help_text())
        case ["help" | "--help" | "-h", "--all"]:
            print(commands.help_text(), _django_help(), sep="\n")
        case _:
            return _delegate(arguments)
    return DONE


def _delegate(arguments: list[str]) -> int:
    """Let Django run the command. What it raises for a machine that is not ready becomes one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prowzi_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import DatabaseError

    name = arguments[1] if arguments[0] == "help" else arguments[0]
    try:
        if name not in commands.COMMANDS and name not in (known := _all_commands()):
            print(commands.unknown_text(name, known), file=sys.stderr)
            return WRONG_USAGE
        execute_from_command_line(["prowzi", *(_module(word) for word in arguments[:2]), *arguments[2:]])
    except (ImproperlyConfigured, DatabaseError) as error:
        return _not_ready(arguments, error)
    return DONE


def _module(word: str) -> str:
    """A command's file cannot have the hyphen that people type."""
    return word.replace("-", "_") if word in commands.COMMANDS else word


def _all_commands() -> set[str]:
    import django
    from django.core.management import get_commands

    django.setup()  # a bad setting must be said here, not hidden as an unknown command
    return set(get_commands()) | set(commands.COMMANDS)


def _django_help() -> str:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prowzi_site.settings")
    theirs = sorted(_all_commands() - set(commands.COMMANDS))
    return "\nDjango's commands\n" + "\n".join(f"  {name}" for name in theirs)


def _not_ready(arguments: list[str], error: Exception) -> int:
    if "--traceback" in arguments:
        raise error
    print(f"prowzi: {_say(error)}", file=sys.stderr)
    return NOT_READY


def _say(error: Exception) -> str:
    """One line: what is wrong and what to type."""
    text = " ".join(str(error).split())
    if "unable to open database file" in text or "readonly database" in text:
        return f"the database file cannot be opened ({text}). Check that PROWZI_DATA_DIR can be written."
    if any(sign in text for sign in ("no such table", "no such column", "does not exist")):
        return f"the database is not up to date ({text}). Type: prowzi migrate"
    if type(error).__module__.startswith("django.db"):
        return f"the database cannot be used: {text} Check DATABASE_URL, then type: prowzi doctor"
    return text


if __name__ == "__main__":
    main()
