"""Small whole files of many kinds: TIFFs with all codecs, stacks and makers' tags, PNGs and JPEGs."""

import io
import struct

import cv2
import imagecodecs
import numpy as np
import roifile
import tifffile

RNG = np.random.default_rng(11)
GREY = cv2.GaussianBlur(RNG.integers(0, 256, (48, 64), np.uint8), (0, 0), 2)
STACK = np.stack([np.roll(GREY, 5 * k) for k in range(6)])
RGB = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])
ROIS = [roifile.ImagejRoi.frompoints([[k, 1], [k + 5, 2], [k, 9.0]], name=f"r\u00f6i {k}").tobytes() for k in range(4)]

FEI_TEXT = (
    "[User]\r\nDate=03/25/2021\r\nTime=02:11:12 PM\r\nUser=supervisor\r\n[System]\r\nType=DualBeam\r\n"
    "SystemType=Helios NanoLab\r\n[Beam]\r\nHV=5000\r\nBeam=EBeam\r\nScan=EScan\r\n[EBeam]\r\nHFW=6.4e-006\r\n"
    "WD=0.0041\r\n[Scan]\r\nPixelWidth=1.25e-009\r\nPixelHeight=1.5e-009\r\nDwelltime=3e-006\r\nFrameTime=12.5\r\n"
    "[Stage]\r\nStageT=0.9076\r\n[Detectors]\r\nName=TLD\r\nMode=SE\r\n[Image]\r\nResolutionX=64\r\nResolutionY=48\r\n"
)
FEI_XML = (
    '<?xml version="1.0"?><Metadata xmlns="urn:x">'
    "<Instrument><InstrumentModel>Talos F200X</InstrumentModel></Instrument>"
    "<Optics><AccelerationVoltage>200000</AccelerationVoltage><Defocus>-1.2e-07</Defocus>"
    "<NominalMagnification>98000</NominalMagnification></Optics>"
    "<Acquisition><AcquisitionDatetime>2022-05-06T07:08:09.123</AcquisitionDatetime></Acquisition>"
    '<BinaryResult><Detector>BM-Ceta</Detector><PixelSize><X unit="m">1.5e-10</X><Y unit="m">1.5e-10</Y></PixelSize>'
    "</BinaryResult></Metadata>"
)
ZEISS_TEXT = (
    "0\r\n0\r\n1\r\n7.5e-009\r\n0\r\nAP_MAG\r\nMag = 10.00 K X\r\nAP_ACTUALKV\r\nEHT = 15.00 kV\r\n"
    "DP_DETECTOR_CHANNEL\r\nSignal A = InLens\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 558.2 pm\r\n"
    "AP_DATE\r\nDate :25 Mar 2021\r\n"
    "AP_TIME\r\nTime :14:11:12\r\nAP_STAGE_AT_T\r\nStage at T = 36.0 \u00b0\r\n"
)


def tiff(array: np.ndarray, **options: object) -> bytes:
    """The bytes of a TIFF by tifffile."""
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def bytes_tag(code: int, text: str, encoding: str = "latin-1") -> tuple:
    """An extra tag of type BYTE."""
    data = text.encode(encoding)
    return (code, 1, len(data), data, True)


def text_tag(code: int, text: str) -> tuple:
    """An extra tag of type ASCII."""
    return (code, 2, len(text) + 1, text, True)


def olympus(array: np.ndarray) -> bytes:
    """A TIFF with Olympus's tag 33560: 0.75 x 0.8 nm/px, magnification 50,000, camera Morada, 2021-03-25 11:12."""
    head = struct.pack("<4s6xhhhhh6x32sH", b"SIS0", 12, 11, 25, 2, 121, b"image", 1)
    general = struct.pack("<10xhdd8xd2x34s32s", -9, 0.75, 0.8, 50000.0, b"Morada", b"picture")
    block = head + struct.pack("<hhI", 1, 1, 0) + general
    data = bytearray(tiff(array, extratags=[(33560, 1, len(block), block, True)], metadata=None))
    place = data.index(head) + len(head)
    data[place + 4 : place + 8] = (place + 8).to_bytes(4, "little")
    return bytes(data)


def tvips(mode: int) -> list[tuple]:
    """TVIPS's TemData, laid out by tifffile's own table, as an extra tag."""
    first = np.zeros((), np.dtype(tifffile.TIFF.TVIPS_HEADER_V1))
    second = np.zeros((), np.dtype(tifffile.TIFF.TVIPS_HEADER_V2))
    first["Version"], second["Magic"], second["TemMode"] = 2, 0xAAAAAAAA, mode
    second["PixelSizeX"], second["PixelSizeY"] = 0.5, 0.625
    second["TemHighTension"], second["TemMagnification"], second["ExposureTime"] = 120_000, 50_000, 400
    second["TemStagePosition"], second["BinningX"] = (0, 0, 0, 12.5, -3), 2
    second["CameraType"] = np.void("F416".encode("utf-16-le").ljust(160, b"\0"))
    data = first.tobytes() + second.tobytes()
    return [(37706, 1, len(data), data, True)]


def gatan(unit: str, size: float = 0.25) -> list[tuple]:
    """Gatan's extra tags with a pixel twice as high as wide."""
    return [
        text_tag(65003, unit), text_tag(65004, unit), (65006, 12, 1, 0.0, True),
        (65009, 12, 1, size, True), (65010, 12, 1, size * 2, True),
    ]  # fmt: skip


def metamorph(planes: np.ndarray) -> bytes:
    """An STK: the count of the tag UIC2 is the number of planes, though it has six numbers for each of them."""
    count = len(planes)
    tags = [(33629, 5, 3 * count, (1, 2) * 3 * count, True), (33628, 4, 4, (0, 1, 1, 1), True)]
    data = bytearray(tiff(planes[0], metadata=None, extratags=tags))
    at = data.index(struct.pack("<HHI", 33629, 5, 3 * count))
    data[at + 4 : at + 8] = struct.pack("<I", count)
    return bytes(data) + planes[1:].tobytes()


def sparse() -> bytes:
    """Two of twelve tiles were never written: their byte count is 0."""
    file = io.BytesIO(tiff(GREY, tile=(16, 16), compression="zlib", metadata=None))
    with tifffile.TiffFile(file) as tif:
        tag = tif.pages[0].tags["TileByteCounts"]
        counts, at, form = list(tag.value), tag.valueoffset, {3: "H", 4: "I"}[tag.dtype]
    counts[4] = counts[11] = 0
    data = bytearray(file.getvalue())
    data[at : at + struct.calcsize(form) * len(counts)] = struct.pack(f"<{len(counts)}{form}", *counts)
    return bytes(data)


def thumbnail() -> bytes:
    """Three pages, of which the second is a thumbnail and says so."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as tif:
        for image, mark in ((GREY, 0), (GREY[::2, ::2], 1), (GREY[::-1], 0)):
            tif.write(image, metadata=None, contiguous=False, compression="zlib", subfiletype=mark)
    return file.getvalue()


def tiff_files() -> dict[str, bytes]:
    """Name → bytes of whole TIFFs."""
    two = np.stack([GREY, GREY[::-1]])
    table = np.tile(np.arange(256, dtype=np.uint16)[::-1] * 256, (3, 1))
    pages = {"photometric": "minisblack", "metadata": None}
    files = {
        "none": tiff(GREY),
        "tiled_none": tiff(GREY.astype(np.uint16) * 99, tile=(16, 16)),
        "planar": tiff(np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate", compression="zlib"),
        "bits": tiff(GREY > 100),
        "packed": tiff(GREY.astype(np.uint16) * 16, bitspersample=12),
        "big_tiled": tiff(two, bigtiff=True, tile=(32, 32), compression="zstd", **pages),
        "float": tiff(GREY.astype(np.float32), compression="zlib", predictor=3, rowsperstrip=8),
        "ome": tiff(STACK.reshape(2, 3, 48, 64), ome=True, photometric="minisblack", compression="zlib",
                    metadata={"axes": "TZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "nm", "TimeIncrement": 0.2}),
        "imagej": tiff(STACK, imagej=True, resolution=(2, 2), metadata={"axes": "TYX", "unit": "nm", "finterval": 0.1,
                       "Labels": [str(k) for k in range(6)], "Info": "some text\nmore"}),
        "imagej_zip": tiff(STACK, imagej=True, compression="zlib", metadata={"axes": "ZYX"}),
        "sparse": sparse(),
        "thumbnail": thumbnail(),
        "palette": tiff(GREY, photometric="palette", colormap=table),
        "metamorph": metamorph(STACK),
        "olympus": olympus(GREY),
        "tvips": tiff(GREY, extratags=tvips(1), metadata=None),
        "gatan": tiff(GREY, extratags=gatan("nm"), metadata=None),
        "overlay": tiff(GREY, imagej=True, metadata={"ROI": ROIS[0], "Overlays": ROIS[1:]}),
        "fei": tiff(GREY, extratags=[bytes_tag(34682, FEI_TEXT)], metadata=None),
        "fei_xml": tiff(GREY, extratags=[bytes_tag(34682, " "), text_tag(34683, FEI_XML)], metadata=None),
        "zeiss": tiff(GREY, extratags=[bytes_tag(34118, ZEISS_TEXT)], metadata=None),
    }  # fmt: skip
    for codec in ("zlib", "lzw", "packbits", "jpeg", "zstd", "jpeg2000", "lzma"):
        image = RGB if codec == "jpeg" else GREY
        files[codec] = tiff(image, compression=codec, rowsperstrip=16)
        files[f"{codec}_pages"] = tiff(two, compression=codec, tile=(32, 32), **pages)
    files["cv2_lzw_rgb"] = cv2.imencode(".tif", RGB, [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes()
    return files


def picture_files() -> dict[str, bytes]:
    """Name with extension → bytes of whole PNGs and JPEGs."""
    return {
        "grey.png": cv2.imencode(".png", GREY)[1].tobytes(),
        "grey16.png": cv2.imencode(".png", GREY.astype(np.uint16) * 250)[1].tobytes(),
        "rgb.png": imagecodecs.png_encode(RGB),
        "rgba.png": imagecodecs.png_encode(np.dstack([RGB, GREY])),
        "grey.jpg": cv2.imencode(".jpg", GREY)[1].tobytes(),
        "rgb.jpg": cv2.imencode(".jpg", RGB)[1].tobytes(),
        "progressive.jpg": cv2.imencode(".jpg", RGB, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes(),
        "restarts.jpg": cv2.imencode(".jpg", RGB, [cv2.IMWRITE_JPEG_RST_INTERVAL, 4])[1].tobytes(),
    }
