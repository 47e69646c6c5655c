"""Where the ImageJ is that TEMJ starts."""

import os

import common

from temj import imagej as tij
from temj.imagej.java import J

tij.start(headless=True)
jars = str(J.System.getProperty("java.class.path")).split(os.pathsep)
common.tell({"jar": next(jar for jar in jars if jar.endswith("ij-1.54p.jar"))})
