"""Detection: a network that answers with objects instead of a map; torchvision's R-CNN family on any encoder.

``settings`` what a core is built from · ``detections`` what it answers · ``network`` ``backbone`` ``proposals``
``heads`` the network · ``anchors`` boxes of the training data → anchors · ``targets`` annotation → what it shall
learn · ``reading`` its answer → objects · ``core`` all of it together · ``rotated`` the same with rotated boxes

Faster R-CNN: Ren et al. 2015; feature pyramid: Lin et al. 2017; Mask R-CNN: He et al. 2017.
"""

from temj.cores.detection.core import Boxes, Detector, Masks
from temj.cores.detection.detections import Detections
from temj.cores.detection.settings import DetectionSettings

__all__ = ["Boxes", "DetectionSettings", "Detections", "Detector", "Masks"]
