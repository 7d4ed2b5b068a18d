"""`forget`: what is left of a person here, what vendors are asked, and what is said of what it does not reach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.run import plaudit
from cli.seeded import seed, states
from support import ORDER, WRITE_KEY, Process, free_port, http, track

EMAIL = "customer4@example.com"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return seed(tmp_path / "data")


def test_a_person_is_taken_out_of_the_ledger(data: Path) -> None:
    dry = plaudit("forget", EMAIL, "--dry-run", "--data", data)
    assert dry.code == 0 and "the channel integration_key has no way to delete anybody" in dry.out
    assert plaudit("forget", EMAIL, "--data", data).code == 1
    assert plaudit("invitations", "--email", EMAIL, "--json", "--data", data).objects

    ran = plaudit("forget", EMAIL.upper(), "--yes", "--data", data)
    assert (ran.code, ran.err) == (
        0,
        "",
    ) and "1 row of the ledger, 1 not sent yet and now cancelled" in ran.out
    assert "not reached: events in the log" in ran.out and "--keep-days" in ran.out
    assert states(data)["4"] == "cancelled"
    (row,) = plaudit("invitations", "--order", "4", "--json", "--data", data).objects
    assert (row["email"], row["name"], row["forgotten"], row["reason"]) == (None, None, True, "forgotten")
    assert "forgotten" in plaudit("invitations", "--order", "4", "--data", data).out
    assert "has nothing of this person" in plaudit("forget", EMAIL, "--yes", "--data", data).out
    assert EMAIL.encode() not in b"".join(path.read_bytes() for path in data.glob("store.db"))


def test_who_was_forgotten_is_left_alone_until_allowed(data: Path, tmp_path: Path) -> None:
    """Also somebody of whom nothing is known yet."""
    person = "somebody.new@example.com"
    event = tmp_path / "order.json"
    event.write_text(json.dumps(track({**ORDER, "order_id": "new", "email": person.upper()})))

    def foreseen() -> str:
        ran = plaudit("check", event, "--source", "shop", "--data", data)
        return ran.out + ran.err

    assert "customer_forgotten" not in foreseen()
    ran = plaudit("forget", person, "--yes", "--data", data)
    assert ran.code == 0 and "later events of this person make nothing" in ran.out
    assert "the customer asked to be forgotten" in foreseen()
    (done,) = plaudit("forget", person, "--allow", "--json", "--data", data).objects
    assert done == {"allowed": True}
    assert "asked to be forgotten" not in foreseen()
    assert "nothing to allow" in plaudit("forget", person, "--allow", "--data", data).out
    assert person.encode() not in b"".join(path.read_bytes() for path in data.glob("store.db*"))


def test_as_json(data: Path) -> None:
    (done,) = plaudit("forget", EMAIL, "--yes", "--json", "--data", data).objects
    assert (done["deliveries"], done["cancelled"]) == (1, 1)
    assert [(a["destination"], a["result"]) for a in done["asked"]] == [("trustpilot", "by_hand")]


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (("nobody",), 2, "that is no e-mail address"),
        ((EMAIL, "--destination", "nowhere"), 1, "no destination is called 'nowhere'"),
        ((EMAIL,), 1, "say --yes"),
        (("somebody.new@example.com",), 1, "say --yes"),
        ((EMAIL, "--allow", "--dry-run"), 2, "--allow goes with neither"),
    ],
)
def test_wrong_use(data: Path, words: tuple[str, ...], code: int, fault: str) -> None:
    ran = plaudit("forget", *words, "--data", data)
    assert ran.code == code and fault in ran.err and ran.err.count("\n") == 1
    assert states(data)["4"] == "queued"


CONFIG = """
[sources.shop]
write_key = "{key}"
[destinations.trustpilot]
type = "trustpilot"
sources = ["shop"]
[destinations.trustpilot.settings]
channel = "invitations_api"
client_id = "apikey12"
client_secret = "apisecret"
business_unit_id = "5f0c1d2e3a4b5c6d7e8f9a0b"
business_user_id = "5f0c1d2e3a4b5c6d7e8f9a0c"
template_id = "507f191e810c19729de860ea"
sender_email = "shop@example.com"
reply_to = "shop@example.com"
base_url = "{url}"
allow_private = true
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = Process("sandbox", "--port", str(port), log=tmp_path / "sandbox.log")
    try:
        process.wait_for(f"{url}/sandbox/stats")
        yield url
    finally:
        process.stop()


def test_a_vendor_that_can_is_asked_to_delete(tmp_path: Path, sandbox: str) -> None:
    data = seed(tmp_path / "data")
    (tmp_path / "p.toml").write_text(CONFIG.format(key=WRITE_KEY, url=sandbox))
    assert plaudit("apply", tmp_path / "p.toml", "--data", data).code == 0
    dry = plaudit("forget", EMAIL, "--dry-run", "--data", data)
    assert "Trustpilot will be asked to delete the person" in dry.out

    http(f"{sandbox}/sandbox/faults", {"faults": ["500"]}, method="PUT")
    ran = plaudit("forget", EMAIL, "--yes", "--data", data)
    assert ran.code == 1 and "Trustpilot was not told (server_error" in ran.out
    assert "ask again with 'plaudit forget EMAIL --destination trustpilot'" in ran.out

    http(f"{sandbox}/sandbox/faults", {"faults": []}, method="PUT")
    ran = plaudit("forget", EMAIL, "--destination", "trustpilot", "--yes", "--data", data)
    assert (ran.code, ran.err) == (0, "") and "Trustpilot was asked to delete" in ran.out
    assert http(f"{sandbox}/sandbox/stats").body["by_status"]["500"] >= 1
