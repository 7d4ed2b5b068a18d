"""`plaudit send`: events to a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from plaudit.installation import Place

from plaudit.cli.options import DATA, Data, Events
from plaudit.cli.output import json_line, run, say


def send(
    file: Events,
    url: Annotated[str, typer.Option(envvar="PLAUDIT_URL", help="The server.")] = "http://127.0.0.1:8710",
    write_key: Annotated[
        str | None,
        typer.Option(
            envvar="PLAUDIT_WRITE_KEY",
            help="The source's write key; left out: taken from the installation.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Which of the installation's sources.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    data: Data = DATA,
) -> None:
    """Send events to a server."""
    from plaudit.cli.inputs import events

    batch = events(file)
    refused = post(url, write_key or installed_key(data, source), batch)
    if json:
        json_line({"sent": len(batch), "accepted": len(batch) - len(refused), "rejected": refused})
    else:
        say(f"{len(batch) - len(refused)} of {len(batch)} events accepted by {url}")
        for each in refused:
            say(f"  event {each['index'] + 1}: {each['code']}: {each['message']}")
    if refused:
        raise typer.Exit(1)


def installed_key(data: Place, name: str | None) -> str:
    """The write key of an installation's source. Raises `PlauditError`: there is none, or more than one."""
    from plaudit.errors import PlauditError
    from plaudit.installation import open_store

    async def read() -> Any:
        store = open_store(data)
        try:
            return (await store.configuration()).sources
        finally:
            await store.close()

    sources = {source.name: source.write_key for source in run(read)}
    names = ", ".join(sources) or "none: apply a configuration first"
    if name is None and len(sources) != 1:
        raise PlauditError(f"which source? Name it with --source, or give its --write-key; there is {names}")
    if name is not None and name not in sources:
        raise PlauditError(f"no source is called {name!r}; there is {names}")
    return str(sources[name] if name is not None else next(iter(sources.values())))


def post(url: str, write_key: str, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Post events in batches; those that were refused, with their places in `batch`. Raises `PlauditError`."""
    import msgspec
    from pyreqwest.client import SyncClientBuilder
    from pyreqwest.exceptions import PyreqwestError
    from rich.progress import track

    from plaudit.errors import PlauditError, UsageError
    from plaudit.spec.wire import BATCH_BYTES

    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url must look like http://127.0.0.1:8710, not {url!r}")
    refused: list[dict[str, Any]] = []
    chunks = list(_chunks([msgspec.json.encode(event) for event in batch], BATCH_BYTES - 1024, 500))
    with SyncClientBuilder().no_proxy().build() as client:
        for first, chunk in track(chunks, "sending", disable=len(chunks) < 5, transient=True):
            body = b'{"batch":[' + b",".join(chunk) + b"]}"
            request = client.post(f"{url.rstrip('/')}/v1/batch").basic_auth(write_key, "").body_bytes(body)
            try:
                response = request.header("content-type", "application/json").build().send()
                answer = msgspec.json.decode(bytes(response.bytes()), type=dict)
            except PyreqwestError:
                raise PlauditError(f"cannot reach {url}: is 'plaudit serve' running there?") from None
            except msgspec.DecodeError:
                raise PlauditError(f"{url} does not answer as Plaudit does: is it another server?") from None
            if response.status != 200 and "rejected" not in answer:
                raise PlauditError(f"{url} answers {response.status}: {answer.get('message', answer)}")
            refused += [{**each, "index": each["index"] + first} for each in answer.get("rejected", [])]
    return refused


def _chunks(events: list[bytes], size: int, count: int) -> Any:
    """(place of the first, events) with at most `size` bytes and `count` events each."""
    first, chunk, used = 0, list[bytes](), 0
    for place, event in enumerate(events):
        if chunk and (used + len(event) + 1 > size or len(chunk) == count):
            yield first, chunk
            first, chunk, used = place, [], 0
        chunk.append(event)
        used += len(event) + 1
    if chunk:
        yield first, chunk
