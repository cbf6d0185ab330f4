"""`sweepwatch explain`: why a campaign was believed, or an account named; as text, or as one HTML page for the case file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.lines import read_lines
from pipeline.cli.options import console, with_settings
from pipeline.errors import OperationError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipeline.explain.load import AccountFile, CampaignFile, Unknown
    from pipeline.settings import Settings

NO_VERDICT = 1

EPILOG = """\b
Examples:
  sweepwatch explain c-59dc1cb43a94e2c6 --from found
  sweepwatch explain c-59dc1cb43a94e2c6 --from found --html case.html
  sweepwatch explain acct-2041 --kafka
\b
The page needs nothing but itself: no network, no scripts. Neither it nor the text holds a
prompt; of templates they show words of several accounts only.
Exit codes: 0 explained; 1 an account of a sample that has no verdict; 2 nothing of that id.
"""


@click.command(epilog=EPILOG)
@click.argument("wanted", metavar="CAMPAIGN|ACCOUNT")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that replay or demo has written.",
)
@click.option("--kafka", "from_kafka", is_flag=True, help="Read the topics alerts and verdicts instead of a folder.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write a page to this file instead of text; - is standard output.",
)
@with_settings
def explain(settings: Settings, wanted: str, folder: Path | None, from_kafka: bool, page: Path | None) -> None:
    """Say why a campaign was believed, or an account named: evidence, template, coverage, doubts, what would change it."""
    if (folder is None) != from_kafka:
        raise click.UsageError("say where to look: --from DIR (a replay's folder) or --kafka, one of them")
    from pipeline.explain.load import AccountFile, Unknown

    where = f"in {folder}" if folder else "in the topics"
    found = _from_folder(folder, wanted) if folder else _from_kafka(settings, wanted)
    if isinstance(found, Unknown):
        raise OperationError(_unknown(found, where))
    if isinstance(found, AccountFile) and not found.verdicts:
        from pipeline.explain.account import sampled_only

        click.echo(sampled_only(found))
        raise click.exceptions.Exit(NO_VERDICT)
    text, html = _explained(found)
    if page is None:
        console().print(text)
    elif str(page) == "-":
        click.echo(html, nl=False)
    else:
        page.write_text(html, encoding="utf-8")
        click.echo(f"{wanted} is explained in {page}")


def _explained(found: CampaignFile | AccountFile) -> tuple[RenderableType, str]:
    from pipeline.evidence import EVIDENCE
    from pipeline.explain.account import account_story
    from pipeline.explain.campaign import campaign_story
    from pipeline.explain.load import CampaignFile
    from pipeline.explain.page import account_page, campaign_page
    from pipeline.explain.text import account_text, campaign_text

    if isinstance(found, CampaignFile):
        campaign = campaign_story(found, {term.name: (term.null, term.misses) for term in EVIDENCE})
        return campaign_text(campaign), campaign_page(campaign)
    account = account_story(found)
    return account_text(account), account_page(account)


def _unknown(found: Unknown, where: str) -> str:
    said = f"nothing {where} is about {found.wanted}: no campaign of that name, no account in a verdict or a sample"
    if found.near:
        return f"{said}. These begin alike: {', '.join(found.near)}"
    if found.campaigns:
        more = f" and {len(found.campaigns) - 5} more" if len(found.campaigns) > 5 else ""
        return f"{said}. Campaigns there: {', '.join(found.campaigns[:5])}{more}"
    return f"{said}. There is no alert at all"


def _from_folder(folder: Path, wanted: str) -> CampaignFile | AccountFile | Unknown:
    from pipeline.explain.load import look_up

    if not (folder / "alerts.jsonl").is_file():
        raise OperationError(f"{folder} holds no alerts.jsonl; name the folder that `sweepwatch replay --out` wrote")
    return look_up(wanted, *(_messages(folder / f"{name}.jsonl") for name in ("alerts", "verdicts", "campaigns")))


def _messages(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file, one a line; none if there is no such file."""
    if not path.is_file():
        return
    for number, line in read_lines(path):
        try:
            message = json.loads(line)
        except ValueError:
            raise OperationError(f"{path}, line {number}: not JSON; was the replay cut off?") from None
        if isinstance(message, dict):
            yield message


def _from_kafka(settings: Settings, wanted: str) -> CampaignFile | AccountFile | Unknown:
    from pipeline.explain.load import look_up
    from pipeline.kafka.tail import published

    return look_up(wanted, published(settings, "alerts"), published(settings, "verdicts"))
