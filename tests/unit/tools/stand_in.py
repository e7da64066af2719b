"""A small server that speaks the agent's protocol on a socket: what it is sent changes its CIB."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.base.exitcodes import ExitStatus
from engine.cib.document import Cib, empty_cib
from engine.cib.edits import set_transient_attribute, transient_attributes
from engine.cib.patch import apply_patch, patch_from_bytes
from engine.ipc.messages import FrameReader, frames_from_message, socket_path


class Agent:
    """Answers as the agent of node n1 of a cluster of two."""

    def __init__(self, root: Path) -> None:
        self.cib: Cib = empty_cib()
        nodes = self.cib.section("nodes")
        for number in ("1", "2"):
            nodes.append(nodes.makeelement("node", {"id": number, "uname": f"n{number}"}))
        self.asked: list[dict[str, Any]] = []
        self.busy = 0
        self.conflicts = 0
        path = socket_path(str(root))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The requests of a kind, in order."""
        return [each for each in self.asked if each["kind"] == kind]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            for message in _messages(connection):
                self.asked.append(message)
                for frame in frames_from_message(self._answer(message)):
                    connection.sendall(frame)

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        reply = {"id": message["id"], "ok": True}
        kind = message["kind"]
        if kind != "hello" and self.busy:
            self.busy -= 1
            return {**reply, "ok": False, "error": "no DC", "status": int(ExitStatus.TEMPFAIL)}
        if kind == "hello":
            return {**reply, "node": "n1", "quorate": True}
        if kind == "status":
            return {**reply, "members": ["n1"]}
        if kind == "cib":
            return {**reply, "cib": self.cib.to_bytes()}
        if kind == "attribute":
            set_transient_attribute(self.cib, message["node"], message["name"], message["value"])
        elif kind == "attribute-value":
            known = transient_attributes(self.cib, message["node"])
            return {**reply, "value": known.get(message["name"])}
        elif kind == "submit":
            if self.conflicts:
                self.conflicts -= 1
                return {**reply, "ok": False, "error": "conflict", "status": int(ExitStatus.OLD)}
            assert apply_patch(self.cib.root, patch_from_bytes(message["patch"])) == ()
        return reply


def _messages(connection: socket.socket) -> Iterator[dict[str, Any]]:
    reader = FrameReader(1 << 24)
    while data := connection.recv(65536):
        yield from (dict(message) for message in reader.feed(data))
