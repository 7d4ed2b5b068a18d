"""The real SDKs against a running Plaudit: what a shop sends is what its customer is invited for.

Nothing of an SDK is replaced or patched, so these tests tell when a vendor's release and Plaudit part ways.
The JavaScript ones come by `npm ci` from package-lock.json, analytics.js runs in Debian's Chromium. Where
npm, Chromium or curl is missing the tests skip and say so; in CI they fail (see `needs.py`).
"""

import pytest

# Helpers assert as tests do, and are to say as much when one fails.
pytest.register_assert_rewrite("sdk.browser", "sdk.curl", "sdk.node", "sdk.outcome", "sdk.senders")
