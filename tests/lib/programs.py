"""programs: finds a program that a test runs beside spanmap.

Is:     PATH, then the tests' own Python environment: scripts/setup.sh unpacks there what would
        start a service of its own where it is installed.
"""

import os
import shutil
import sys


def find(name):
    """The path of the program, or None."""
    return shutil.which(name) or shutil.which(name, path=os.path.dirname(sys.executable))
