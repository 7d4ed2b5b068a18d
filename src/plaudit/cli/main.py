"""The `plaudit` command: its groups, and what an error looks like (one line on standard error, exit 1 or 2)."""

from __future__ import annotations

import os
import sys

import typer

from plaudit import __version__
from plaudit.cli import (
    act,
    audience,
    check,
    configure,
    demo,
    doctor,
    forget,
    importing,
    link,
    look,
    moving,
    people,
    profile,
    replay,
    sandbox,
    send,
    serve,
    undo,
)
from plaudit.errors import PlauditError

app = typer.Typer(
    name="plaudit",
    help="Every completed order becomes exactly one Trustpilot review invitation, or a reason why not.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

for command in (
    demo.demo,
    serve.serve,
    configure.apply,
    configure.validate,
    configure.export,
    send.send,
    check.check,
    link.link,
    look.events,
    look.invitations,
    act.retry,
    act.cancel,
    act.resolve,
    undo.undo,
    replay.replay,
    importing.import_,
    moving.move,
    profile.profile,
    forget.forget,
    sandbox.sandbox,
    doctor.doctor,
):
    app.command(command.__name__.rstrip("_"))(command)
app.add_typer(people.user, name="user")
app.add_typer(people.token, name="token")

app.add_typer(audience.app)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"plaudit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", is_eager=True, callback=_version
    ),
) -> None:
    del version


def main() -> None:
    """Run a command; exits 0 done, 1 failed, 2 wrong use."""
    os.umask(0o077)  # what an installation keeps is for its owner alone
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except PlauditError as error:
        for line in str(error).splitlines():
            print(f"plaudit: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        message = " ".join(error.format_message().split())
        print(f"plaudit: {message} (plaudit --help lists what there is)", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:  # `plaudit events | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("PLAUDIT_TRACEBACK"):
            raise
        print(
            f"plaudit: a fault in Plaudit itself: {error!r}; PLAUDIT_TRACEBACK=1 shows where", file=sys.stderr
        )
        sys.exit(1)
