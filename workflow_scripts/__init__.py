"""One command-line program per rule: read files, call the library, write files atomically."""

import sys

from advmri.errors import report_missing_package

# The name of what `python -m workflow_scripts.<program>` looks for; a program imports its packages before it runs.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = report_missing_package
