"""A client that inserts numbers into MariaDB until it is stopped, and keeps a log of what was acknowledged.

    mariadb_writer.py HOST LOG

A line `NUMBER SECONDS all` in the log for each commit that the server acknowledged.
"""

from __future__ import annotations

import subprocess
import sys
import time

PATIENCE = 2.0


def main() -> None:
    host, path = sys.argv[1:]
    number = int(time.monotonic() * 100) % 1_000_000_000
    client = ["mariadb", "-h", host, "-u", "writer", "-pwriter", "--connect-timeout=1", "kept"]
    with open(path, "a", buffering=1) as log:
        while True:
            number += 1
            try:
                done = subprocess.run(
                    [*client, "-e", f"insert into numbers values ({number})"],
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
