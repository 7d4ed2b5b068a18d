"""A Trustpilot to try against: it answers as the vendor does, shows what it was sent, and fails on request.

Each channel is a folder (`integration_key`, `invitations_api`, `afs`, `partner`) holding the vendor's
contract, strictly spoken, and the endpoints; what they share (records, faults, the page) lies beside. Nothing
leaves the process: no mail is sent on, and what comes in is written to no disk. `server.Server` runs it,
`app.create_app` builds it.
"""
