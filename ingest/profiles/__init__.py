"""The sources that can be simulated, by dataset."""

from __future__ import annotations

from ingest.profile import Profile
from ingest.profiles import iot_device_telemetry

PROFILES: dict[str, Profile] = {profile.dataset: profile for profile in (iot_device_telemetry.PROFILE,)}
