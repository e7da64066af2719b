"""`python -m crmshell.pcs`: the same as the command `pcs`."""

from __future__ import annotations

import sys

from crmshell.pcs.app import main

sys.exit(main())
