"""``python -m temj`` is ``temj``."""

import sys

from temj.cli import main

sys.exit(main())
