"""The declaration: the destination's name, its settings, its channels, and what it makes of events."""

from __future__ import annotations

from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Settings, duration
from plaudit.destinations.trustpilot.channels import CHANNELS
from plaudit.destinations.trustpilot.decide import decide
from plaudit.destinations.trustpilot.names import MAIL
from plaudit.destinations.trustpilot.settings import SETTINGS
from plaudit.destinations.trustpilot.terms import asked


def examine(settings: Settings) -> list[str]:
    """What is wrong between settings that are right each by itself."""
    faults = []
    product, service = duration(settings, "product_send_after"), duration(settings, "send_after")
    if product and product <= service:
        faults.append(
            "product_send_after must be later than send_after: Trustpilot wants the service review first"
        )
    if settings.get("channel") == MAIL and settings.get("reviews") == "product":
        faults.append(
            "reviews must be 'service' or 'both' with the channel 'afs': a mail always asks for the former"
        )
    if bool(settings.get("smtp_user")) != bool(settings.get("smtp_password")):
        faults.append("smtp_user and smtp_password go together: set both, or none for a server without login")
    if bool(settings.get("link_encrypt_key")) != bool(settings.get("link_auth_key")):
        faults.append("link_encrypt_key and link_auth_key go together: Trustpilot Business shows both")
    return faults


trustpilot = Destination(
    type="trustpilot",
    title="Trustpilot",
    integrations_name="Trustpilot",
    description="Each completed order becomes one review invitation.",
    decide=decide,
    channels=CHANNELS,
    settings=SETTINGS,
    examine=examine,
    asks=asked,
)
