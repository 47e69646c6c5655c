"""A user's own ImageJ is joined: Java was started by someone else, without our class, so that we listen to commands.

Argument ``headless`` or ``window``.
"""

import os
import shutil
import sys
import time
from pathlib import Path

import common
import jpype
import scyjava

from temj import imagej as tij
from temj.imagej import menu
from temj.imagej.host import host
from temj.imagej.java import J

window = sys.argv[1] == "window"
if not os.path.isdir(os.environ.get("JAVA_HOME") or "/nonexistent") and shutil.which("java"):
    os.environ["JAVA_HOME"] = str(Path(os.path.realpath(shutil.which("java"))).parent.parent)
scyjava.config.set_java_constraints(fetch="never", version="11")
scyjava.config.get_repositories().clear()
scyjava.config.endpoints.append("net.imagej:ij:1.54p")
scyjava.config.add_option("--add-opens=java.base/java.lang=ALL-UNNAMED")
if not window:
    scyjava.config.endpoints.append("net.imagej:ij1-patcher:2.0.0")
    scyjava.config.enable_headless_mode()
scyjava.start_jvm()
if window:
    jpype.JClass("ij.ImageJ")().exitWhenQuitting(False)
else:
    jpype.JClass("net.imagej.patcher.LegacyInjector").preinit()
IJ = jpype.JClass("ij.IJ")
scyjava.when_jvm_stops(lambda: jpype.JClass("ij.util.ThreadUtil").threadPoolExecutor.shutdownNow())

common.with_fake_commands()


class Legacy:
    def isActive(self):  # the name that it has in ImageJ2
        return False


class Gateway:
    legacy = Legacy()


facts = {"inactive": common.attempt(lambda: tij.attach(Gateway()))}
tij.attach()
tij.attach(None)
facts["bridge"] = host().bridge
facts["other java"] = common.attempt(lambda: tij.start(headless=False)) if not window else {}
image = IJ.createImage("x.tif", "8-bit ramp", 64, 64, 1)
IJ.run(image, "TEMJ Predict...", "model=[two words] threshold=0.4")
facts["call"] = common.calls[-1]
facts["overlay"] = image.getOverlay().size()
facts["macro"] = common.attempt(
    lambda: str(
        IJ.runMacro('newImage("m", "8-bit", 64, 64, 1); run("TEMJ Predict...", "model=z"); run("Invert"); return "ok";')
    )
)
facts["macro call"] = common.calls[-1]
facts["python"] = [tij.measure(image, image.getOverlay()).size(), tij.predict(image, model="z", ellipses=True).size()]
facts["overlay after python"] = image.getOverlay().size()
if window:
    image.show()
    items = [
        item
        for entry in menu.items(J.Menus.getImageJMenu("Plugins"))
        if str(entry.getLabel()) == menu.MENU
        for item in menu.items(entry)
    ]
    IJ.run("Record...")
    event = jpype.JClass("java.awt.event.ActionEvent")
    shown = None
    items[0].dispatchEvent(event(items[0], event.ACTION_PERFORMED, items[0].getLabel()))
    end = time.monotonic() + 10
    while shown is None and time.monotonic() < end:
        windows = jpype.JClass("java.awt.Window").getWindows()
        shown = next(
            (w for w in windows if w.isVisible() and str(w.getClass().getName()) == "ij.gui.GenericDialog"), None
        )
        time.sleep(0.05)
    started = time.monotonic()
    other = IJ.createImage("o", "8-bit black", 8, 8, 1)
    IJ.run(other, "Invert", "")
    facts["another command while the dialog is open"] = [other.getProcessor().get(0, 0), time.monotonic() - started < 5]
    button = next(b for b in shown.getButtons() if b is not None and str(b.getLabel()).strip() == "OK")
    before = len(common.calls)
    button.dispatchEvent(event(button, event.ACTION_PERFORMED, button.getLabel()))
    while time.monotonic() < end and "TEMJ" not in str(J.Recorder.getInstance().getText()):
        time.sleep(0.05)
    facts["clicked"] = [len(common.calls) - before, common.calls[-1]["image"]]
    facts["recorded"] = str(J.Recorder.getInstance().getText()).splitlines()
    image.changes = False
else:
    failing = (
        'newImage("m", "8-bit", 64, 64, 1); run("TEMJ Predict...", "model=boom"); print("AFTER"); return "survived";'
    )
    facts["error"] = common.attempt(lambda: str(IJ.runMacro(failing)))
    facts["last error"] = str(host().last_error)
common.tell(facts)
