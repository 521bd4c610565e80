"""The sources that can be simulated, by dataset."""

from __future__ import annotations

from ingest.profile import Profile
from ingest.profiles import air_quality, charging_telemetry, iot_device_telemetry, menu_clicks

PROFILES: dict[str, Profile] = {
    source.PROFILE.dataset: source.PROFILE
    for source in (air_quality, charging_telemetry, iot_device_telemetry, menu_clicks)
}
