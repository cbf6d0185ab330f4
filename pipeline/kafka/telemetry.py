"""Health and metrics of a worker as a service of its application: starts with it, before the first assignment.

run_worker(..., prepare=lambda app: attach(app, settings.telemetry))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mode import Service

from pipeline.errors import ConfigError
from pipeline.settings import TelemetrySettings
from pipeline.telemetry.health import Health, HealthServer

if TYPE_CHECKING:
    from pipeline.kafka.app import App


def attach(app: App, settings: TelemetrySettings) -> Telemetry | None:
    """Serve the application's health on the address of the settings; with port 0, not at all."""
    if not settings.port:
        return None
    health = Health(
        source=lambda: [runner.status() for runner in app.runners],
        joined=lambda: bool(app.runners) and all(runner.assigned for runner in app.runners),
    )
    service = Telemetry(HealthServer(health, settings.host, settings.port))
    app.add_dependency(service)
    return service


class Telemetry(Service):  # type: ignore[misc,unused-ignore]
    """Keeps a HealthServer for as long as the application runs."""

    def __init__(self, server: HealthServer, **kwargs: Any) -> None:
        self.server = server
        super().__init__(**kwargs)

    async def on_start(self) -> None:
        try:
            await self.server.start()
        except OSError as error:
            where = f"{self.server.host}:{self.server.port}"
            raise ConfigError(
                f"telemetry cannot listen on {where} ({error.strerror}); set telemetry.port, or 0 for none"
            ) from error

    async def on_stop(self) -> None:
        await self.server.stop()
