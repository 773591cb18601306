"""Follows a router over SSE with aiohttp, and resumes when the connection is lost.

Prints one line of JSON for the opened stream and for each event.
"""

import asyncio
import json
import sys

import aiohttp


def emit(message):
    print(json.dumps(message), flush=True)


async def follow(session, url, last_id):
    """Reads one stream until it ends, and returns the id of its last event."""
    headers = {"Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    async with session.get(url, headers=headers) as response:
        response.raise_for_status()
        emit({"type": "Open"})
        fields = {}
        try:
            async for line in response.content:
                line = line.decode().rstrip("\n")
                if line.startswith(":"):
                    continue
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if fields.get("event") == "Lagged":
                    emit(json.loads(fields["data"]))
                elif "data" in fields:
                    last_id = fields["id"]
                    emit({"type": "Event", "id": last_id, "event": json.loads(fields["data"])})
                fields = {}
        except aiohttp.ClientError:
            pass  # the connection was lost; what is whole was emitted
    return last_id


async def main(url):
    last_id = ""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            try:
                last_id = await follow(session, url, last_id)
            except aiohttp.ClientConnectionError:
                pass
            emit({"type": "Closed"})
            await asyncio.sleep(0.2)


asyncio.run(main(sys.argv[1]))
