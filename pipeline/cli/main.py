"""`sweepwatch`: the group that all commands stand in, and what an exit code means.

0    done, and nothing to complain about
1    done, and something was found: a failed check, refused records, topics that differ
2    not done: wrong usage, wrong settings, or something out of reach; the message says what to try
130  interrupted
"""

from __future__ import annotations

import errno
from typing import Any, NoReturn

import click

from pipeline import __version__
from pipeline.cli.alerts import alerts
from pipeline.cli.backtest import backtest
from pipeline.cli.demo import demo
from pipeline.cli.describe import describe
from pipeline.cli.dlq import dlq
from pipeline.cli.doctor import doctor
from pipeline.cli.explain import explain
from pipeline.cli.known import known
from pipeline.cli.replay import replay
from pipeline.cli.settings import settings
from pipeline.cli.simulate import simulate
from pipeline.cli.topics import topics
from pipeline.cli.trust import trust
from pipeline.cli.validate import validate
from pipeline.cli.worker import worker
from pipeline.errors import SweepwatchError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

EPILOG = """\b
Start here:
  sweepwatch demo                              two campaigns caught in a simulated day
  sweepwatch replay events.jsonl --out found   your own log, no broker needed
  sweepwatch settings                          every knob and what it trades
\b
Exit codes: 0 done; 1 done, and something was found; 2 not done; 130 interrupted.
Settings come from --config FILE, SWEEPWATCH_<SECTION>__<FIELD> and --set, the last one wins.
"""


class Program(click.Group):
    """A group whose commands end with a sentence, not with a traceback, when something expected goes wrong."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which one meets them, not by alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SweepwatchError as error:
            _complain(ctx, str(error))
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has gone: click ends quietly
                raise
            _complain(ctx, f"{error.filename or 'the system'}: {error.strerror or error}")
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)


def _complain(ctx: click.Context, said: str) -> NoReturn:
    click.echo(click.style("error: ", fg="red", bold=True) + said, err=True)
    ctx.exit(EXIT_USAGE)


@click.group(
    cls=Program, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, "--version", "-V", prog_name="sweepwatch", message="%(prog)s %(version)s")
def main() -> None:
    """Catches campaigns that spread one prompt template over many accounts, while they run."""


COMMANDS = (
    demo,
    replay,
    backtest,
    simulate,
    validate,
    worker,
    topics,
    doctor,
    alerts,
    explain,
    trust,
    known,
    dlq,
    describe,
    settings,
)

for command in COMMANDS:
    main.add_command(command)
