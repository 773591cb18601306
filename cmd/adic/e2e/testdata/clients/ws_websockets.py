"""Follows a router over WebSocket with websockets, and resumes when the connection is lost.

Prints each message as one line of JSON.
"""

import asyncio
import json
import sys

import websockets


async def main(url):
    cursor = ""
    while True:
        try:
            async with websockets.connect(url + cursor) as ws:
                async for message in ws:
                    print(message, flush=True)
                    if "id" in (parsed := json.loads(message)):
                        cursor = "&since=" + parsed["id"]
        except (OSError, websockets.WebSocketException):
            pass
        print('{"type":"Closed"}', flush=True)
        await asyncio.sleep(0.2)


asyncio.run(main(sys.argv[1]))
