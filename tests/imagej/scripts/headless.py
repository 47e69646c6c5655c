"""The commands in the embedded ImageJ without windows: macros, errors, what is shown, what stays as it was."""

import common

from temj import imagej as tij
from temj.imagej.host import host
from temj.imagej.java import J

common.with_fake_commands()
ij = tij.start(headless=True)
facts = {"version": str(ij.IJ.getVersion()), "bridge": host().bridge}
RUN = 'newImage("m.tif", "8-bit", 600, 600, 1); run("TEMJ Predict...", "{}"); return ""+nResults+" "+Overlay.size;'


def macro(text, argument=""):
    return common.attempt(lambda: tij.run_macro(text, argument))


def results():
    live = J.ResultsTable.getResultsTable()
    return {
        "headings": [str(h) for h in live.getHeadings()],
        "rows": [str(live.getRowAsString(k)) for k in range(live.size())],
    }


# a user's own overlay and rows stay
image = ij.IJ.createImage("x.tif", "16-bit ramp", 600, 600, 1)
own = J.Roi(1, 2, 3, 4)
image.setOverlay(J.Overlay(own))
J.Roi.setGroupName(1, "grains")
ij.IJ.run("Set Measurements...", "area shape redirect=None decimal=4")
live = J.ResultsTable.getResultsTable()
live.incrementCounter()
live.addValue("Mine", 7.0)
ij.IJ.run(image, "TEMJ Predict...", "model=loops threshold=0.4 ellipses output=[/a b/c]")
facts["call"] = common.calls[-1]
facts["overlay"] = [common.roi_facts(roi) for roi in image.getOverlay().toArray()]
facts["groups"] = str(J.Roi.getGroupNames())
facts["results"] = results()
facts["selection"] = image.getRoi() is None

J.Analyzer.getResultsTable().reset()
facts["many"] = macro(RUN.format("model=many"))
facts["many in manager"] = macro(RUN.format("model=many manager=yes"))
J.Analyzer.getResultsTable().reset()
facts["manager no"] = macro(RUN.format("manager=no"))
facts["none"] = macro(RUN.format("model=none"))
facts["batch"] = macro(
    'setBatchMode(true); newImage("a.tif", "8-bit", 64, 64, 1); newImage("b.tif", "8-bit", 64, 64, 1);'
    'a = getTitle(); run("TEMJ Predict...", "model=z"); run("TEMJ Measure...", "diameter=major");'
    'setBatchMode(false); return a+" "+nResults;'
)
facts["batch call"] = common.calls[-1]
facts["variable"] = macro(
    'newImage("m", "8-bit", 64, 64, 1); t = 0.25; f = "/a/b c";'
    'run("TEMJ Predict...", "threshold=&t output=&f"); return "ok";'
)
facts["variable call"] = common.calls[-1]
facts["no options"] = macro('newImage("m", "8-bit", 64, 64, 1); run("TEMJ Predict..."); return "ok";')
facts["no options call"] = common.calls[-1]
facts["others"] = macro(
    'newImage("m", "8-bit", 64, 64, 1); run("Invert"); run("Gaussian Blur...", "sigma=2"); return ""+getValue("Mean");'
)

failures = {
    "unknown key": "modle=z",
    "bracket": "model=[z",
    "defect": "model=boom",
    "disk": "model=disk",
    "java memory": "model=java-memory",
}
for name, options in failures.items():
    facts[name] = macro(
        'newImage("m", "8-bit", 64, 64, 1); makeRectangle(1, 2, 3, 4);'
        f'run("TEMJ Predict...", "{options}"); print("AFTER {name}"); return "survived";'
    )
facts["after errors"] = {"alive": macro('return "alive";'), "rows": J.ResultsTable.getResultsTable().size()}
ij.IJ.run(image, "Remove Overlay", "")
image.setRoi(1, 2, 3, 4)
facts["run raises"] = common.attempt(lambda: ij.IJ.run(image, "TEMJ Predict...", "model=boom"))
facts["run says why"] = common.attempt(lambda: ij.run(image, "TEMJ Predict...", "modle=x"))
facts["run of a defect"] = common.attempt(lambda: ij.run(image, "TEMJ Predict...", "model=boom"))
facts["untouched"] = {"overlay": image.getOverlay() is None, "selection": str(image.getRoi().getBounds())}
facts["no image"] = macro('while (nImages > 0) close(); run("TEMJ Predict...", "model=z"); return "survived";')
facts["no rois"] = macro('newImage("m", "8-bit", 64, 64, 1); run("TEMJ Measure...", ""); return "survived";')

# selections, stacks and hyperstacks
facts["selection measured"] = macro(
    'newImage("m", "8-bit", 64, 64, 1); makeOval(5, 5, 20, 20); n = nResults;'
    'run("TEMJ Measure...", ""); return ""+(nResults-n);'
)
stack = ij.IJ.createImage("s.tif", "8-bit ramp", 64, 64, 5)
stack.setSlice(4)
stack.getStack().setSliceLabel("four", 4)
ij.IJ.run(stack, "TEMJ Predict...", "model=z")
facts["stack"] = [common.roi_facts(roi)["position"] for roi in stack.getOverlay().toArray()]
facts["stack call"] = common.calls[-1]
stack.setSlice(2)
facts["other slice"] = common.attempt(lambda: ij.IJ.run(stack, "TEMJ Measure...", ""))
facts["other slice error"] = host().last_error.message
hyper = ij.IJ.createHyperStack("h.tif", 64, 64, 2, 3, 4, 8)
hyper.setPosition(2, 3, 4)
ij.IJ.run(hyper, "TEMJ Predict...", "model=z")
facts["hyperstack"] = [common.roi_facts(roi)["position"] for roi in hyper.getOverlay().toArray()]

# macros that end by themselves, or fail
for name, text in {
    "exit": "x = 1;\nexit;\ny = 2;",
    "exit()": "exit();",
    "exit with words": 'exit("enough");',
    "undefined": "foo bar(;",
    "unknown command": 'run("Gaussian Blurr...", "sigma=2");',
    "argument": "return getArgument();",
}.items():
    facts[name] = macro(text, "an argument")
ij.IJ.run(image, "Gaussian Blur...", "sigma=2")  # leaves threads behind: the process must end all the same
common.tell(facts)
