"""Faults on request: how they are spelled, and what each does to an answer and to the records."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.errors import UsageError
from plaudit.sandbox.faults import KINDS, Fault, Faults, checked, parse

from .client import INVITATION, KEY, PRODUCTS, Client, FixedClock


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("429", Fault("429", "1")),
        ("slow=2", Fault("slow", "2")),
        ("slow", Fault("slow", "2")),
        ("429:0.1", Fault("429", "1", 0.1)),
        ("503x3", Fault("503", count=3)),
        ("503x3=30", Fault("503", "30", count=3)),
        ("251=a.example,b.example", Fault("251", "a.example,b.example")),
        ("reset-afterx2:0.5@demokey12", Fault("reset-after", rate=0.5, count=2, key="demokey12")),
        (" 202-first ", Fault("202-first")),
    ],
)
def test_spellings(text: str, fault: Fault) -> None:
    assert parse(text) == fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("404", "there is no fault '404': there are slow, 429"),
        ("", "there is no fault ''"),
        ("429 often", "cannot be read: write NAME[xCOUNT]"),
        ("slow=soon", "takes seconds, not 'soon'; write NAME"),
        ("slow=2x3", "takes seconds, not '2x3'; write NAME"),
        ("500=1", "the fault 500 takes no value"),
        ("429:0", "the rate must be above 0"),
        ("429:1.5", "the rate must be above 0"),
        ("429:1.1.1", "'1.1.1' is no rate"),
        ("429x0", "the count must be 1 or more"),
    ],
)
def test_wrong_spellings_say_what_exists(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert says in str(caught.value)


@given(
    name=st.sampled_from(sorted(KINDS)),
    rate=st.floats(0, 1, exclude_min=True),
    count=st.none() | st.integers(1, 999_999_999),
    key=st.sampled_from(["", "demokey12", "x3x3x3x3"]),
)
def test_what_is_written_can_be_read(name: str, rate: float, count: int | None, key: str) -> None:
    fault = checked(Fault(name, "", rate, count, key))
    assert parse(str(fault)) == fault


@given(st.text())
def test_any_text_is_a_fault_or_a_usage_error(text: str) -> None:
    try:
        parse(text)
    except UsageError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said


@pytest.mark.parametrize(
    ("spelled", "status", "retry_after", "body"),
    [
        ("429", 429, "1", None),
        ("429=7", 429, "7", None),
        ("503", 503, None, None),
        ("503=30", 503, "30", None),
        ("500", 500, None, None),
        ("401", 401, None, None),
        ("400", 400, None, None),
        ("251", 251, None, ["shop.example.com"]),
        ("252=a.example", 252, None, ["a.example"]),
        ("253=a.example,b.example", 253, None, ["a.example", "b.example"]),
    ],
)
async def test_a_fault_answers_and_nobody_is_invited(
    spelled: str, status: int, retry_after: str | None, body: list[str] | None
) -> None:
    client = Client(spelled)
    reply = await client.invite()
    assert (reply.status, reply.headers.get("retry-after")) == (status, retry_after)
    assert reply.json == body if body else reply.message
    assert [(row["posts"], row["accepted"], row["answer"]) for row in await client.rows()] == [
        (1, 0, str(status))
    ]
    assert (await client.stats())["by_status"] == {str(status): 1}


async def test_wrong_data_are_told_whatever_fault_is_on() -> None:
    client = Client("503x1")
    assert (await client.invite(recipientEmail="no")).status == 400
    assert [(await client.invite()).status for _ in range(2)] == [503, 201]


async def test_a_counted_fault_is_spent() -> None:
    client = Client("503x2", "429x1")
    assert [(await client.invite()).status for _ in range(4)] == [503, 503, 429, 201]
    assert client.app.faults.on == {}


async def test_a_rate_is_chance() -> None:
    client = Client("500:0.3")
    client.clock.chance = 0.29
    assert (await client.invite()).status == 500
    client.clock.chance = 0.3
    assert (await client.invite()).status == 201


async def test_a_fault_for_one_key() -> None:
    client = Client(f"401@{KEY}")
    assert (await client.invite()).status == 401
    assert (await client.invite(key="otherkey1")).status == 201


async def test_products_are_asked_for_until_they_come() -> None:
    client = Client("202-first")
    assert [(await client.invite()).status for _ in range(2)] == [202, 202]
    assert (await client.invite(**PRODUCTS)).status == 201
    assert (await client.invite(referenceId="2", products=[], productSkus=[])).status == 201
    newest, oldest = await client.rows()
    assert (oldest["posts"], oldest["accepted"], oldest["products"]) == (3, 1, PRODUCTS["products"])
    assert (newest["accepted"], newest["products"]) == (1, [])


async def test_a_batch_without_products_is_asked_for_them() -> None:
    client = Client("202-first")
    path = f"/api/{KEY}/batchinvitations"
    batch = {"invitations": [INVITATION], "type": "WITHOUT_PRODUCT_DATA"}
    assert (await client.send_json("POST", path, batch)).status == 202
    batch = {"invitations": [{**INVITATION, **PRODUCTS}], "type": "WITH_PRODUCT_DATA"}
    assert (await client.send_json("POST", path, batch)).status == 201
    assert [(row["posts"], row["accepted"]) for row in await client.rows()] == [(2, 1)]


async def test_a_blocked_plugin_can_still_read_its_configuration() -> None:
    client = Client("251", "202-first")
    assert (await client.send("POST", f"/api/{KEY}/trustboxconfig")).status == 200
    client = Client("401")
    assert (await client.send("POST", f"/api/{KEY}/trustboxconfig")).status == 401


async def test_slow_goes_with_any_other_fault() -> None:
    client = Client("slowx1=0.05", "503x1")
    before = time.monotonic()
    assert (await client.invite()).status == 503
    assert time.monotonic() - before >= 0.05


async def test_a_reset_without_the_server_is_an_error() -> None:
    with pytest.raises(ConnectionResetError):
        await Client("reset").invite()


def test_adding_one_replaces_its_like() -> None:
    faults = Faults([parse("slow=1"), parse("429")], FixedClock())
    faults.add(parse("slow=5"))
    faults.add(parse("429@demokey12"))
    assert [str(fault) for fault in faults.on.values()] == ["429=1", "slow=5", "429@demokey12=1"]
