"""From the Invitations API's invitation to a record. Pure."""

from __future__ import annotations

from plaudit.sandbox.invitations_api.contract import Invitation, ProductReview, ServiceReview
from plaudit.sandbox.recorder import Received, Wishes, as_products
from plaudit.sandbox.review_templates import PRODUCT, SERVICE, note_on


def of_api(channel: str, unit: str, invitation: Invitation) -> Received:
    service, product = invitation.serviceReviewInvitation, invitation.productReviewInvitation
    invites = tuple(kind for kind, block in (("service", service), ("product", product)) if block)
    service, product = service or ServiceReview(), product or ProductReview()
    wishes = Wishes(
        invites=invites,
        locale=invitation.locale or "",
        template_id=service.templateId or "",
        product_template_id=product.templateId or "",
        tags=tuple(service.tags or ()),
        preferred_send_time=service.preferredSendTime or "",
        product_preferred_send_time=product.preferredSendTime or "",
        sender_email=invitation.senderEmail or "",
        sender_name=invitation.senderName or "",
        reply_to=invitation.replyTo or "",
        redirect_uri=service.redirectUri or "",
        product_redirect_uri=product.redirectUri or "",
        location_id=invitation.locationId or "",
        note=note_on(((service.templateId or "", SERVICE), (product.templateId or "", PRODUCT))),
    )
    return Received(
        channel=channel,
        key=unit,
        reference_id=invitation.referenceNumber,
        recipient_email=invitation.consumerEmail,
        recipient_name=invitation.consumerName,
        products=as_products(product.products or None, product.productSkus or None),
        wishes=wishes,
    )
