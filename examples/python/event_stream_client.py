#!/usr/bin/env python3
"""Follows the events of an ADIC node, and resumes where it was.

Prints one event a line, and a line "gap ..." where the node has dropped some.
It needs aiohttp (Debian: python3-aiohttp).
"""

import argparse
import asyncio
import json
import random
import sys

import aiohttp

# The node pings a WebSocket every 30 s and an SSE stream every 15 s: a link that
# was quiet for longer than this is dead.
SILENCE = 75


class Follower:
    def __init__(self, node_url: str, events: str):
        self.node_url = node_url.rstrip("/")
        self.params = {"events": events, "ids": "true"}
        self.attempts = 0  # in vain, since something last came

    def take(self, cursor, event):
        print(json.dumps(event, separators=(",", ":")), flush=True)
        if cursor:  # only after the event is dealt with
            self.params["since"] = cursor

    def gap(self, lagged):
        print("gap", json.dumps(lagged["dropped"]), flush=True)

    async def websocket(self, session):
        url = self.node_url + "/v1/ws/events"
        async with session.ws_connect(url, params=self.params, heartbeat=SILENCE / 2, max_msg_size=0) as ws:
            async for message in ws:
                if message.type != aiohttp.WSMsgType.TEXT:
                    break
                self.attempts = 0
                told = json.loads(message.data)
                if told["type"] == "Event":
                    self.take(told.get("id"), told["event"])
                elif told["type"] == "Lagged":
                    self.gap(told)

    async def sse(self, session):
        url = self.node_url + "/v1/sse/events"
        timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE)
        async with session.get(url, params=self.params, timeout=timeout) as response:
            response.raise_for_status()
            fields, pending = {}, b""
            async for chunk in response.content.iter_any():
                self.attempts = 0
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    key, _, value = line.decode().partition(":")
                    if line and key:
                        fields[key] = value.removeprefix(" ")
                    elif not line and "data" in fields:
                        data = json.loads(fields["data"])
                        if fields.get("event") == "Lagged":
                            self.gap(data)
                        else:
                            self.take(fields.get("id"), data)
                    if not line:
                        fields = {}

    async def run(self):
        transports = [self.websocket, self.sse]
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    await transports[0](session)
                except aiohttp.WSServerHandshakeError as e:
                    print(f"no WebSocket ({e.status}), trying SSE", file=sys.stderr)
                    transports.reverse()
                except aiohttp.ClientResponseError as e:
                    print(f"no SSE ({e.status}), trying WebSocket", file=sys.stderr)
                    transports.reverse()
                except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as e:
                    print(f"disconnected: {e!r}", file=sys.stderr)
                # From 1 s to 60 s, and at random, lest all clients come at once.
                await asyncio.sleep(min(60, 2**min(self.attempts, 6)) * random.uniform(0.5, 1))
                self.attempts += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--node-url", default="http://127.0.0.1:9121", help="where the node is")
    parser.add_argument("--events", default="all", help="names and aliases, separated by commas")
    arguments = parser.parse_args()
    try:
        asyncio.run(Follower(arguments.node_url, arguments.events).run())
    except KeyboardInterrupt:
        pass
