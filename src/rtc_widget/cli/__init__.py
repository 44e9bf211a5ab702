"""The command line: `rtc-widget serve`, `rtc-widget talk` and what else can be done without a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

MISSING = "rtc-widget: this command needs the embedded server: pip install 'rtc-widget[local]'"


def main() -> None:
    """Run the command line; a command whose parts are not installed says so in one line."""
    from rtc_widget.signaling.local import is_installed

    if sys.argv[1:] == ["--version"]:
        _print_version()
    elif is_installed():
        create_app()()
    else:
        print(MISSING, file=sys.stderr)
        raise SystemExit(1)


def create_app() -> typer.Typer:
    """Return the commands."""
    import typer

    from rtc_widget.cli.serve import serve
    from rtc_widget.cli.talk import talk

    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @app.callback(epilog="rtc-widget --version prints the version.")
    def root() -> None:
        """Talk to a realtime voice model in a notebook."""

    app.command("serve")(serve)
    app.command("talk")(talk)
    return app


def _print_version() -> None:
    from rtc_widget._version import __version__

    print(f"rtc-widget {__version__}")
