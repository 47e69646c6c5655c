// Measures every ROI of the current image: those in the ROI Manager, else in the Overlay, else the selection.
//
// In ImageJ with TEMJ: open a micrograph, draw or open ROIs, run this macro; rows are added to Results.
// Without a window:    temj imagej --headless --macro Measure_Rois.ijm "/data/a.tif|/data/measured.csv"
// (a TIFF that ImageJ saved brings its Overlay along)

files = split(getArgument(), "|");
options = "diameter=auto";
if (files.length == 2) {
    open(files[0]);
    options = options + " output=[" + files[1] + "]";
}
before = nResults;
run("TEMJ Measure...", options);
for (row = before; row < nResults; row++)
    print(getResultString("Class", row) + ": diameter " + d2s(getResult("Diameter", row), 2));
