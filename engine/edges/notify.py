"""The service manager is told that the agent is ready, alive and stopping (sd_notify protocol)."""

from __future__ import annotations

import contextlib
import os
import socket


class ServiceManager:
    """Sends to `$NOTIFY_SOCKET`; without one every call does nothing."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")

    def ready(self, text: str) -> None:
        """The agent serves."""
        self._send(f"READY=1\nSTATUS={text}")

    def alive(self) -> None:
        """Feeds the watchdog of the service manager."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """The agent ends of its own will."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)  # a service manager that does not read must not hold us up
            sock.connect(address)
            sock.send(text.encode())
