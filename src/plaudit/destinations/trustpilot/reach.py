"""How each channel reaches Trustpilot, and Segment this one: keys, addresses, logins."""

from __future__ import annotations

from plaudit.destinations.settings import Kind, Setting
from plaudit.destinations.trustpilot.names import ADDRESS, ADDRESS_HINT, API, MAIL, PARTNER, UNIT_ID

REACH = (
    # invitations_api
    Setting(
        key="client_id",
        label="API key of your application",
        description="from Trustpilot Business, Integrations, Developers, APIs",
        channels=(API,),
        required=True,
        secret=True,
    ),
    Setting(
        key="client_secret",
        label="API secret of your application",
        description="from the same page as client_id",
        channels=(API,),
        required=True,
        secret=True,
    ),
    Setting(
        key="business_unit_id",
        label="Business unit",
        description="the id of your business unit at Trustpilot",
        channels=(API,),
        required=True,
        pattern=UNIT_ID,
        hint="is no business unit id: those have 24 characters, 0 to 9 and a to f",
        identity=True,
    ),
    Setting(
        key="business_user_id",
        label="Business user",
        description="the id of an Admin or Manager of your account, from that user's profile page",
        channels=(API,),
        required=True,
        pattern=r"[A-Za-z0-9_-]{1,64}",
        hint="is no user id: it has letters and digits only",
    ),
    # afs
    Setting(
        key="afs_address",
        label="AFS address",
        description="your account's address for the Automatic Feedback Service, from Trustpilot Business",
        channels=(MAIL,),
        required=True,
        secret=True,
        pattern=ADDRESS,
        hint=ADDRESS_HINT,
        identity=True,
    ),
    Setting(
        key="mail_from",
        label="Mail from",
        description="the sender of the mails to Trustpilot: an address that your account knows",
        channels=(MAIL,),
        required=True,
        pattern=ADDRESS,
        hint=ADDRESS_HINT,
    ),
    Setting(
        key="smtp_host",
        label="SMTP host",
        description="the mail server that takes your mails",
        channels=(MAIL,),
        required=True,
        pattern=r"[A-Za-z0-9.:-]{1,253}",
        hint="must be a host name such as smtp.example.com",
    ),
    Setting(
        key="smtp_port",
        label="SMTP port",
        description="587 for starttls, 465 for tls, 25 for none",
        kind=Kind.NUMBER,
        channels=(MAIL,),
        largest=65535,
        default=587,
    ),
    Setting(
        key="smtp_security",
        label="SMTP security",
        description="'starttls', 'tls' from the first byte, or 'none' for a server on this machine",
        channels=(MAIL,),
        default="starttls",
        choices=("starttls", "tls", "none"),
    ),
    Setting(
        key="smtp_user",
        label="SMTP user",
        description="left out: no login at the mail server",
        channels=(MAIL,),
    ),
    Setting(
        key="smtp_password",
        label="SMTP password",
        description="the password of smtp_user",
        channels=(MAIL,),
        secret=True,
    ),
    # partner
    Setting(
        key="partner_settings",
        label="Partner settings",
        description="further settings for the partner, sent as X-Segment-Settings",
        kind=Kind.TABLE,
        channels=(PARTNER,),
    ),
    # from Segment
    Setting(
        key="webhook_secret",
        label="Shared secret of Segment's webhook",
        description="events from Segment must be signed with it (X-Signature)",
        secret=True,
    ),
    # Business Generated Links
    Setting(
        key="link_domain",
        label="Domain of links",
        description="your domain at Trustpilot, for 'plaudit link'",
        pattern=r"[A-Za-z0-9.-]{1,253}",
        hint="must be a domain such as shop.example.com",
    ),
    Setting(
        key="link_encrypt_key",
        label="Encrypt key of links",
        description="the encryptkey of your Business Generated Links (base64), for 'plaudit link'",
        secret=True,
    ),
    Setting(
        key="link_auth_key",
        label="Authentication key of links",
        description="the authkey of your Business Generated Links (base64), for 'plaudit link'",
        secret=True,
    ),
)
