"""What a shop writes to send its orders: one snippet for each SDK, with the server's address and a write key in it."""

from __future__ import annotations

from typing import NamedTuple

PLACE = "YOUR_WRITE_KEY"


class Snippet(NamedTuple):
    id: str
    title: str
    note: str
    code: str


def snippets(url: str, key: str = PLACE) -> list[Snippet]:
    """Each sends one completed order. tests/sdk sends orders with the same SDKs."""
    return [
        Snippet("curl", "curl", "Any language can do what this does.", _CURL.format(url=url, key=key)),
        Snippet("node", "Node", "npm install @segment/analytics-node", _NODE.format(url=url, key=key)),
        Snippet("python", "Python", "pip install segment-analytics-python", _PYTHON.format(url=url, key=key)),
        Snippet(
            "browser",
            "Browser",
            "npm install @segment/analytics-next. Prefer a call from your server: an ad blocker can keep a browser's call from leaving.",
            _BROWSER.format(url=url, key=key),
        ),
        Snippet("rudder", "RudderStack", "pip install rudder-sdk-python", _RUDDER.format(url=url, key=key)),
    ]


_CURL = """\
curl {url}/v1/track -u {key}: \\
  -H 'content-type: application/json' \\
  -d '{{"userId": "customer-17", "event": "Order Completed",
       "properties": {{"order_id": "1001", "email": "you@example.com", "name": "You"}}}}'"""
_NODE = """\
import {{ Analytics }} from '@segment/analytics-node'

const analytics = new Analytics({{ writeKey: '{key}', host: '{url}' }})
analytics.track({{
  userId: 'customer-17',
  event: 'Order Completed',
  properties: {{ order_id: '1001', email: 'you@example.com', name: 'You' }},
}})
await analytics.closeAndFlush()"""
_PYTHON = """\
from segment.analytics import Client

analytics = Client("{key}", host="{url}")
analytics.track("customer-17", "Order Completed", {{"order_id": "1001", "email": "you@example.com", "name": "You"}})
analytics.shutdown()"""
_BROWSER = """\
import {{ AnalyticsBrowser }} from '@segment/analytics-next'

const analytics = AnalyticsBrowser.load({{ writeKey: '{key}', cdnURL: '{url}' }})
analytics.track('Order Completed', {{ order_id: '1001', email: 'you@example.com', name: 'You' }})"""
_RUDDER = """\
import rudderstack.analytics as analytics

analytics.write_key = "{key}"
analytics.dataPlaneUrl = "{url}"
analytics.track("customer-17", "Order Completed", {{"order_id": "1001", "email": "you@example.com", "name": "You"}})
analytics.shutdown()"""
