"""`check`, `send`, `events`, `invitations`, `doctor` against a running server, and without one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cli.run import plaudit
from conftest import Processes
from support import API_KEY, ORDER, WRITE_KEY, config, track


@pytest.fixture
def order(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file with one order of the test's own."""
    file = tmp_path / "order.json"
    file.write_text(json.dumps(track({**ORDER, "order_id": request.node.name})))
    return file


def eventually(ask: Any, good: Any) -> Any:
    deadline = time.monotonic() + 20
    while not good(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_an_order_that_was_sent_can_be_looked_up(processes: Processes, order: Path) -> None:
    name = json.loads(order.read_text())["properties"]["order_id"]
    ran = plaudit("send", order, "--url", processes.url, "--data", processes.data)
    assert (ran.code, ran.out) == (0, f"1 of 1 events accepted by {processes.url}\n")
    ask = ("invitations", "--data", processes.data, "--order", name, "--json")
    (invitation,) = eventually(lambda: plaudit(*ask).objects, lambda f: f and f[0]["state"] == "accepted")
    assert {k: invitation[k] for k in ("order_id", "state", "destination", "reason", "email", "name", "source", "attempts")} == {
        "order_id": name, "state": "accepted", "destination": "trustpilot", "reason": "accepted",
        "email": "test@example.com", "name": "John Johnson", "source": "shop", "attempts": 1,
    }  # fmt: skip
    assert [a["status"] for a in invitation["history"]] == [201]
    (event,) = plaudit("events", "--data", processes.data, "--order", name, "--json").objects
    assert (event["disposition"], event["event"], event["order_id"]) == ("invited", "Order Completed", name)
    assert event["message"] and event["destinations"][0]["invitation"] == invitation["id"]
    for command in ("events", "invitations"):
        table = plaudit(command, "--data", processes.data, "--order", name)
        assert table.code == 0 and name in table.out

    again = plaudit("check", order, "--data", processes.data, "--json").objects[0]
    assert again["disposition"] == "duplicate_order" and f"invitation {invitation['id']}" in again["message"]


def test_limits(processes: Processes, order: Path) -> None:
    plaudit("send", order, "--url", processes.url, "--data", processes.data)
    assert len(plaudit("events", "--data", processes.data, "--json", "--limit", "1").objects) == 1
    assert plaudit("events", "--data", processes.data, "--json", "--limit", "0").code == 0


def test_check_shows_the_exact_request(order: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(config("http://127.0.0.1:1", 'shop_url = "https://shop.example.com"'))
    (finding,) = plaudit("check", order, "--config", tmp_path / "p.toml", "--json").objects
    assert (finding["disposition"], finding["destination"]) == ("invited", "trustpilot")
    first, second = finding["requests"]
    assert (
        first["url"] == "http://127.0.0.1:1/api/tes…/invitation"
        and first["headers"]["origin"] == "https://shop.example.com"
    )
    assert first["body"]["recipientEmail"] == "test@example.com" and "products" not in first["body"]
    assert second["body"]["productSkus"] == ["45790-32", "46493-32"]
    text = plaudit("check", order, "--config", tmp_path / "p.toml").out
    assert "POST http://127.0.0.1:1/api/tes…/invitation" in text and '"recipientName": "John Johnson"' in text
    assert API_KEY not in text


def test_check_works_with_no_installation_at_all(order: Path, tmp_path: Path) -> None:
    ran = plaudit("check", order, "--data", tmp_path / "none")
    assert ran.code == 0 and "https://invitejs.trustpilot.com/api/" in ran.out
    assert not (tmp_path / "none").exists()


REASONS: list[tuple[dict[str, Any], str, str]] = [
    (track({"order_id": "1"}), "MESSAGE_REJECTED", "email is missing"),
    (track({"order_id": "1", "email": ""}), "MESSAGE_REJECTED", "email is missing or empty"),
    (track({"order_id": "1", "email": "no"}), "MESSAGE_REJECTED", "email is not an e-mail address"),
    (track({"email": "a@example.com"}), "MESSAGE_REJECTED", "order_id is missing"),
    (
        track({"order_id": {}, "email": "a@example.com"}),
        "MESSAGE_REJECTED",
        "order_id must be a string or a number, not an object",
    ),
    ({**track(), "event": "Order Updated"}, "NO_MATCHING_MAPPING", "Order Completed only"),
    ({**track(), "event": "Order Refunded"}, "invitation_cancelled", "would take back"),
    ({"type": "page", "userId": "u"}, "UNSUPPORTED_EVENT_TYPE", "track calls only"),
    (
        {**track(), "integrations": {"Trustpilot": False}},
        "FILTERED_BY_INTEGRATIONS_OBJECT",
        "integrations object",
    ),
    ({"type": "track", "userId": "u"}, "event_not_defined", "event is missing"),
]


@pytest.mark.parametrize(("event", "code", "words"), REASONS)
def test_check_says_why_none(tmp_path: Path, event: dict[str, Any], code: str, words: str) -> None:
    (finding,) = plaudit("check", "-", "--data", tmp_path, "--json", stdin=json.dumps(event)).objects
    assert (finding["disposition"], finding["requests"]) == (code, [])
    assert words in finding["message"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (json.dumps(track()), 1),
        (json.dumps([track(), track()]), 2),
        (json.dumps({"batch": [track()]}), 1),
        (json.dumps(track()) + "\n\n" + json.dumps(track()), 2),
    ],
)
def test_events_come_in_several_forms(tmp_path: Path, text: str, count: int) -> None:
    assert len(plaudit("check", "-", "--data", tmp_path, "--json", stdin=text).objects) == count


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "holds no event"),
        ("{}\n{", "line 2: not JSON"),
        ("7", "event 1 is no JSON object"),
        ("\xff", "not JSON"),
    ],
)
def test_what_is_no_event_is_told(tmp_path: Path, text: str, fault: str) -> None:
    ran = plaudit("check", "-", "--data", tmp_path, stdin=text)
    assert ran.code == 1 and fault in ran.err and ran.err.count("\n") == 1


def test_send_names_what_was_refused(processes: Processes) -> None:
    batch = [track(), {"type": "track", "userId": "u"}]
    ran = plaudit("send", "-", "--url", processes.url, "--write-key", WRITE_KEY, stdin=json.dumps(batch))
    assert ran.code == 1 and "event 2: event_not_defined: event is missing" in ran.out
    ran = plaudit(
        "send", "-", "--url", processes.url, "--write-key", WRITE_KEY, "--json", stdin=json.dumps(batch)
    )
    assert ran.objects[0]["rejected"][0]["index"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (
            ("send", "-", "--url", "http://127.0.0.1:9", "--write-key", "k"),
            1,
            "cannot reach http://127.0.0.1:9: is 'plaudit serve' running",
        ),
        (("send", "-", "--write-key", "wrong"), 1, "unknown write key"),
        (("send", "nowhere.json"), 1, "there is no file nowhere.json"),
        (("events", "--data", "nowhere"), 1, "there is no installation in nowhere"),
        (("invitations", "--state", "sent"), 2, "--state must be one of held, queued"),
        (("serve", "--log-level", "loud"), 2, "--log-level must be one of debug"),
        (("sandbox", "--fault", "explode"), 2, "explode"),
        (("nonsense",), 2, "nonsense"),
        (("events", "--limit", "-1"), 2, "limit"),
        (("serve", "--port", "99999"), 2, "65535"),
    ],
)
def test_wrong_use_is_one_line(
    processes: Processes, arguments: tuple[str, ...], code: int, fault: str
) -> None:
    if "wrong" in arguments:
        arguments = (*arguments, "--url", processes.url)
    ran = plaudit(*arguments, stdin=json.dumps(track()))
    assert ran.code == code and fault in ran.err + ("" if fault else ran.out)
    assert len(ran.err.splitlines()) <= 1


def test_a_second_server_on_the_same_data_is_refused(processes: Processes) -> None:
    ran = plaudit("serve", "--data", processes.data, "--port", "0")
    assert ran.code == 1 and "another 'plaudit serve' works on" in ran.err


def test_a_port_in_use_is_told(processes: Processes, tmp_path: Path) -> None:
    ran = plaudit("serve", "--data", tmp_path / "d", "--port", processes.url.rsplit(":", 1)[1])
    assert ran.code == 1 and "the port is in use; choose another with --port" in ran.err


def test_doctor_finds_a_sound_installation_sound(processes: Processes) -> None:
    ran = plaudit("doctor", "--data", processes.data, "--url", processes.url, "--json")
    assert {c["check"]: c["result"] for c in ran.objects if c["result"] == "fault"} == {}
    assert ran.code == 0 and {"version", "disk", "configuration", "log", "settings", "server"} <= {
        c["check"] for c in ran.objects
    }


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    ran = plaudit("doctor", "--data", tmp_path / "none")
    assert ran.code == 1 and "there is no installation" in ran.out
    (tmp_path / "p.toml").write_text(config("http://nobody.invalid"))
    assert plaudit("apply", tmp_path / "p.toml", "--data", tmp_path / "d").code == 0
    ran = plaudit("doctor", "--data", tmp_path / "d", "--url", "http://127.0.0.1:9")
    assert (
        ran.code == 1
        and "cannot resolve nobody.invalid" in ran.out
        and "none answers at http://127.0.0.1:9" in ran.out
    )


def test_help_is_quick_and_version_is_told() -> None:
    assert plaudit().out == plaudit("--help").out
    started = time.monotonic()
    assert plaudit("--help").code == 0
    assert time.monotonic() - started < 2  # 0.2 s on an idle machine: a sign that something heavy is imported
    assert plaudit("--version").out.startswith("plaudit 0.")
