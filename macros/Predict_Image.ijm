// Finds dislocation loops in the current image and saves ROIs, measurements and pictures in a folder.
//
// In ImageJ with TEMJ: open a micrograph and run this macro; it asks for the folder.
// Without a window:    temj imagej --headless --macro Predict_Image.ijm "/data/a.tif|/data/results"

files = split(getArgument(), "|");
if (files.length == 2) {
    open(files[0]);
    output = files[1];
} else {
    output = getDirectory("Folder for the results");
}
before = nResults;
run("TEMJ Predict...", "model=loops threshold=auto ellipses output=[" + output + "]");
print(getTitle() + ": " + (nResults - before) + " objects, results in " + output);
