"""A client that writes numbers to Redis until it is stopped, and keeps a log of what was acknowledged.

    redis_writer.py ADDRESS LOG

A line `NUMBER SECONDS REPLICAS` in the log for each write that the server acknowledged: REPLICAS is `all` when every
replica that the server had at that moment had acknowledged it, too.
"""

from __future__ import annotations

import socket
import sys
import time

PORT = 6379
PATIENCE = 0.5


class Connection:
    """A connection to the server behind the address."""

    def __init__(self, address: str) -> None:
        self._socket = socket.create_connection((address, PORT), PATIENCE)
        self._file = self._socket.makefile("rb")

    def ask(self, *words: str) -> str:
        """One command; its answer as text. `OSError` when there is none, or an error."""
        text = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
        self._socket.sendall(text.encode())
        line = self._file.readline().decode().rstrip()
        if not line or line.startswith("-"):
            raise OSError(line or "closed")
        if line.startswith("$"):
            return self._file.read(int(line[1:]) + 2).decode()
        return line[1:]

    def replicas(self) -> int:
        """How many replicas are connected at present."""
        lines = self.ask("INFO", "replication").splitlines()
        if "role:master" not in lines:
            raise OSError("not promoted")
        return int(
            next(line for line in lines if line.startswith("connected_slaves")).split(":")[1]
        )

    def close(self) -> None:
        self._socket.close()


def main() -> None:
    address, path = sys.argv[1:]
    number = 0
    with open(path, "a", buffering=1) as log:
        while True:
            try:
                connection = Connection(address)
                while True:
                    number += 1
                    replicas = connection.replicas()
                    connection.ask("SADD", "numbers", str(number))
                    reached = int(connection.ask("WAIT", str(replicas), "200")) if replicas else 0
                    everywhere = "all" if replicas and reached >= replicas else "some"
                    log.write(f"{number} {time.monotonic():.3f} {everywhere}\n")
                    time.sleep(0.005)
            except (OSError, ValueError):
                time.sleep(0.05)


if __name__ == "__main__":
    main()
