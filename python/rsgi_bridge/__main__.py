"""`python -m rsgi_bridge`: the command `rsgi` where no script is installed."""

from __future__ import annotations

from rsgi_bridge.cli import main

if __name__ == "__main__":
    main()
