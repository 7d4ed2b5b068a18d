"""The declaration: what a shop can set, and the channels there are.

The page that this implements knows one setting, "API Key" (the Integration Key). All others have defaults.
"""

from __future__ import annotations

from plaudit.destinations.base import Destination, Setting
from plaudit.destinations.trustpilot.decide import decide
from plaudit.destinations.trustpilot.integration_key import integration_key

trustpilot = Destination(
    type="trustpilot",
    title="Trustpilot",
    integrations_name="Trustpilot",
    description="Each completed order becomes one review invitation.",
    decide=decide,
    channels=(integration_key,),
    settings=(
        Setting(
            key="api_key",
            label="API Key",
            description="the Integration Key from Trustpilot Business, Integrations, Segment",
            required=True,
            secret=True,
            pattern=r"[A-Za-z0-9_-]{4,128}",
            hint="is no Integration Key: those have letters and digits only",
        ),
        Setting(
            key="channel",
            label="Channel",
            description="how invitations reach Trustpilot",
            default="integration_key",
            choices=("integration_key",),
        ),
        Setting(
            key="uncertain",
            label="When it cannot be known whether an invitation was sent",
            description="'hold' keeps it for a person to decide, 'resend' sends it again with the same reference",
            default="hold",
            choices=("hold", "resend"),
        ),
        Setting(
            key="shop_url",
            label="Shop URL",
            description="sent as Origin; left out, it is taken from the page that the event came from",
            pattern=r"https?://[A-Za-z0-9.-]+(:\d+)?/?",
            hint="must look like https://shop.example.com",
        ),
        Setting(
            key="base_url",
            label="Base URL",
            description="another host than Trustpilot's: the sandbox, or a test",
            pattern=r"https?://[^\s/?#@]+(/[^\s?#]*)?",
            hint="must look like https://host or http://127.0.0.1:8711",
        ),
        Setting(
            key="allow_private",
            label="Allow private addresses",
            description="permit a base_url at a loopback, private or link-local address",
            type=bool,
            default=False,
        ),
    ),
)
