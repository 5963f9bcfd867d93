# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches services from outside, in a process of its own: `python -m tests.bench._watch ADDRESS:PORT...`.

A connection to each service is held open: it closes in the instant in which the service's process is gone, which costs
nothing until then. From there on the health page is asked for every 20 ms until it says 200. Prints one line when all
are held, and, when its standard input closes, {"ADDRESS:PORT": [seconds of each outage]} as JSON. A service that is away
by then is waited for; of one that does not come back no outage is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time

EVERY = 0.02
"""Seconds between two looks at a service that is away."""
PATIENCE = 5.0
"""Seconds, at the end, for services that are away."""


class Service:
    def __init__(self, name: str) -> None:
        self.name = name
        host, _colon, port = name.rpartition(":")
        self._where = (host, int(port))
        self.outages: list[float] = []
        self.held = asyncio.Event()
        self.there = asyncio.Event()

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.there.set()
            await self._hold()
            self.there.clear()
            gone = time.monotonic()
            while not await self._healthy():
                await asyncio.sleep(EVERY - (time.monotonic() - gone) % EVERY)
            self.outages.append(time.monotonic() - gone)

    async def _connected(self) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, self._where)
        except BaseException:
            made.close()
            raise
        return made

    async def _hold(self) -> None:
        """Returns when the service's process is gone."""
        try:
            with await self._connected() as made:
                self.held.set()
                await asyncio.get_running_loop().sock_recv(made, 1)
        except OSError:
            self.held.set()

    async def _healthy(self) -> bool:
        loop = asyncio.get_running_loop()
        try:
            with await self._connected() as made:
                await loop.sock_sendall(made, b"GET /healthz HTTP/1.0\r\n\r\n")
                return (await loop.sock_recv(made, 64)).split(b" ")[1:2] == [b"200"]
        except OSError:
            return False


async def main(names: list[str]) -> None:
    services = [Service(name) for name in names]
    tasks = [asyncio.create_task(service.watch()) for service in services]
    await asyncio.gather(*(service.held.wait() for service in services))
    print("held", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(service.there.wait() for service in services))
    for task in tasks:
        task.cancel()
    print(json.dumps({service.name: service.outages for service in services}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
