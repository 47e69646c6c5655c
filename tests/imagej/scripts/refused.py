"""What is refused before Java starts, in words; the arguments are those of temj.imagej.start as ``name=value``."""

import sys

import common

from temj import imagej as tij

given = dict(word.split("=", 1) for word in sys.argv[1:])
given["headless"] = given["headless"] == "True"
facts = common.attempt(lambda: str(tij.start(**given)))
facts["attach"] = common.attempt(lambda: tij.attach())
common.tell(facts)
