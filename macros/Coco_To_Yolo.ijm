// Reads the annotations of the current image from a COCO file as ROIs, and writes them as YOLO text files.
//
// In ImageJ with TEMJ: open a micrograph and run this macro; it asks for the COCO file and for the folder.
// Without a window:    temj imagej --headless --macro Coco_To_Yolo.ijm "/data/a.tif|/data/instances.json|/data/yolo"
//
// Run it for each image of a set: the labels are added to the folder, and classes keep their numbers.

files = split(getArgument(), "|");
if (files.length == 3) {
    open(files[0]);
    coco = files[1];
    yolo = files[2];
} else {
    coco = File.openDialog("COCO file");
    yolo = getDirectory("Folder for the YOLO files");
}
run("TEMJ Import Annotations...", "source=[" + coco + "] overlay");
run("TEMJ Export Annotations...", "output=[" + yolo + "] format=yolo append");
print(getTitle() + ": " + Overlay.size + " objects in " + yolo);
