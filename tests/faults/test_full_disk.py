"""A whole Plaudit on a disk that fills up, fails, and gets better: 503 with Retry-After, and nothing lost.

Not as tests/collect/test_full_disk.py, which limits one file: here the disk itself says no, to log and ledger alike.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from plaudit.app import Options, Plaudit
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.sandbox.server import Server
from support import ORDER, WRITE_KEY, Reply, config, http, track, until

from . import told
from .vfs import Disk, Fault


async def post(plaudit: Plaudit, number: int) -> Reply:
    """As an SDK sends an order."""
    body = track({**ORDER, "order_id": str(number)}, messageId=f"m{number}")
    return await asyncio.to_thread(http, plaudit.url + "/v1/track", body, key=WRITE_KEY)


async def status(plaudit: Plaudit) -> int:
    return (await asyncio.to_thread(http, plaudit.url + "/readyz")).status


@pytest.mark.filterwarnings("ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", [Fault.FULL, Fault.MISSING])
async def test_a_disk_that_fails_for_a_while(
    fault: Fault, tmp_path: Path, sandbox: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    replies: Counter[int] = Counter()
    with Disk() as disk:
        plaudit = Plaudit(Options(data=tmp_path / "data", port=0))
        await plaudit.start(parse(config(sandbox.url), destinations()))
        for number in range(60):
            if number % 20 == 10:
                disk.arm(1 + number, fault)
            if number % 20 == 19:
                disk.mend()
            reply = await post(plaudit, number)
            while reply.status != 200:  # as SDKs do: the same event once more
                replies[reply.status] += 1
                assert reply.status == 503 and int(reply.headers["retry-after"]) >= 1
                assert reply.body["code"] == "unavailable" and reply.body["message"]
                if replies[503] % 5 == 0:
                    disk.mend()
                reply = await post(plaudit, number)
            replies[200] += 1
        disk.mend()

        async def invited() -> bool:
            rows = await plaudit.store.invitations()
            return len(rows) == 60 and not {row.state for row in rows} & {"queued"}

        await until(invited, 30)

        async def ready() -> bool:
            return await status(plaudit) == 200

        await until(ready)
        await plaudit.stop()
        fired = disk.fired
    stats = sandbox.app.recorder.stats()
    assert stats.twice == 0
    # An outcome that the disk did not take is kept until it does, at the latest by the end of the stop.
    # apsw hands on what SQLite passes over (vfs.py), so a claim may be told to have failed that is on disk: it was
    # not sent, and the next start says so.
    again = Plaudit(Options(data=tmp_path / "data", port=0, roles=frozenset({"deliver"})))
    await again.start()
    left = Counter([row.state for row in await again.store.invitations()])
    await again.stop()
    accepted = left["accepted"]
    assert stats.accepted == accepted
    assert left.total() == 60 == accepted + left["uncertain"]
    told(
        capsys,
        f"a whole Plaudit on a disk that fails ({fault})",
        Counter({f"answers {code}": n for code, n in replies.items()})
        + Counter({"writes that failed": fired, "accepted": accepted, "uncertain": left["uncertain"]}),
    )
    assert replies[503] > 3 and fired > 3
