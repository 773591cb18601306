"""Follows a router over WebSocket with aiohttp, and resumes when the connection is lost.

Prints each message as one line of JSON.
"""

import asyncio
import json
import sys

import aiohttp


async def main(url):
    cursor = {}
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.ws_connect(url, params=cursor) as ws:
                    async for message in ws:
                        print(message.data, flush=True)
                        if "id" in (parsed := json.loads(message.data)):
                            cursor = {"since": parsed["id"]}
            except aiohttp.ClientError:
                pass
            print('{"type":"Closed"}', flush=True)
            await asyncio.sleep(0.2)


asyncio.run(main(sys.argv[1]))
