"""A Trustpilot to try against: it answers as the vendor does, shows what it was sent, and fails on request.

Each channel is a sibling folder (`integration_key` so far) holding the vendor's contract, strictly spoken,
and the endpoints; what all of them share (records, faults, the page) lies beside. Nothing leaves the
process: no mail is sent, nothing is written to disk. `server.Server` runs it, `app.create_app` builds it.
"""
