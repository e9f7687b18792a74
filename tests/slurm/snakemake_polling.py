"""Snakemake, but its SLURM executor looks at its jobs at least every two seconds: for tests.

The plugin (2.8) adds ten seconds to the span after every look at which no job had ended, and has no option for it.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

SECONDS = 2


async def sleep(self):
    for _ in range(SECONDS * 5):
        if not self.wait:  # shutting down
            return
        await asyncio.sleep(0.2)


RemoteExecutor.sleep = sleep

if __name__ == "__main__":
    sys.exit(main())
