"""``python -m neuroselect`` is the command ``neuroselect``."""

import sys

from neuroselect.cli import main

sys.exit(main())
