"""The ways to reach Trustpilot, one module each; the first is the one that the page means."""

from __future__ import annotations

from plaudit.destinations.base import Channel
from plaudit.destinations.settings import Settings
from plaudit.destinations.trustpilot.afs import afs
from plaudit.destinations.trustpilot.integration_key import integration_key
from plaudit.destinations.trustpilot.invitations_api import invitations_api
from plaudit.destinations.trustpilot.partner import partner

CHANNELS: tuple[Channel, ...] = (integration_key, invitations_api, afs, partner)
_BY_NAME = {channel.name: channel for channel in CHANNELS}


def by_name(settings: Settings) -> Channel:
    """The channel that the settings choose."""
    return _BY_NAME[settings.get("channel") or CHANNELS[0].name]
