"""`python -m crmshell` is the `crm` command."""

from __future__ import annotations

import sys

from crmshell.app import main

if __name__ == "__main__":
    sys.exit(main())
