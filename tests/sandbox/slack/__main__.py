# Copyright (c) 2026 botops.rotation contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.sandbox.slack --fd N --registry FILE`: serve the registry's world on inherited sockets."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from tests.sandbox.slack import app, seed
from tests.sandbox.slack.world import World


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--fd", type=int, required=True, action="append", help="a listening socket; the first is its URL"
    )
    parser.add_argument("--registry", type=Path, required=True, help="the inventory's group_vars/all.yml")
    options = parser.parse_args()
    sockets = [socket.socket(fileno=number) for number in options.fd]
    world = World(app.url_of(sockets[0]))
    seed.fill(world, seed.read(options.registry))
    app.make_server(world).run(sockets=sockets)


if __name__ == "__main__":
    main()
