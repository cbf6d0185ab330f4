"""An agent of your own beside sweepwatch: whatever you do with an alert, in the Faust you know.

    SWEEPWATCH_KAFKA__BOOTSTRAP=127.0.0.1:9092 python infra/examples/agent_on_alerts.py worker --without-web

It runs in a process of its own with a consumer group of its own, so it can neither slow the detector down nor stop it.
Faust gives an alert at least once: after a crash some come again, with the same `alert_id`. Remember those you have
acted on, or act in a way that bears repetition, as here.
"""

from __future__ import annotations

import os
from dataclasses import replace

from faust import StreamT

from pipeline.kafka.app import App, CampaignAlert, create_app
from pipeline.kafka.connection import options_of
from pipeline.settings import Settings
from pipeline.topology import partition_counts


def attach(app: App) -> None:
    """Put the agent into an app; it also works inside the worker (`run_worker(settings, prepare=attach)`)."""

    @app.agent(app.topics_of.alerts, name="page-on-open")
    async def page(alerts: StreamT[CampaignAlert]) -> None:
        async for alert in alerts:
            if alert.action == "open":
                print(f"PAGE {alert.severity}: {alert.title} ({alert.alert_id})", flush=True)


settings = Settings.load(None, os.environ, ())
app = create_app(replace(options_of(settings), app_id="pager"), {}, partition_counts(settings))
attach(app)

if __name__ == "__main__":
    app.main()
