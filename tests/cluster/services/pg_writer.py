"""A client that inserts numbers into PostgreSQL until it is stopped, and keeps a log of what was acknowledged.

    pg_writer.py HOST PORT LOG

Each insert is a transaction of its own, on a connection of its own: a server that went away costs one time-out.
A line `NUMBER SECONDS all` in the log for each commit that the server acknowledged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

PATIENCE = 2.0


def main() -> None:
    host, port, path = sys.argv[1:]
    number = int(time.monotonic() * 100) % 1_000_000_000
    psql = ["psql", "-X", "-q", "-t", "-h", host, "-p", port, "-U", "postgres", "-d", "postgres"]
    environment = {**os.environ, "PGCONNECT_TIMEOUT": "1"}
    with open(path, "a", buffering=1) as log:
        while True:
            number += 1
            statement = f"insert into numbers values ({number})"
            try:
                done = subprocess.run(
                    [*psql, "-c", statement],
                    env=environment,
                    timeout=PATIENCE,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                continue
            if done.returncode == 0:
                log.write(f"{number} {time.monotonic():.3f} all\n")
            else:
                time.sleep(0.05)


if __name__ == "__main__":
    main()
