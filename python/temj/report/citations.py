"""The references that a report can name; only those that its sentences cite are printed, numbered as they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A publication: text, and its DOI or address ("" for none)."""

    text: str
    doi: str = ""
    address: str = ""

    @property
    def link(self) -> str:
        """Where it is."""
        return f"https://doi.org/{self.doi}" if self.doi else self.address

    @property
    def shown(self) -> str:
        """What the link says."""
        return f"doi:{self.doi}" if self.doi else self.address


REFERENCES: dict[str, Reference] = {
    "fiji": Reference(
        "Schindelin, J., Arganda-Carreras, I., Frise, E., et al. Fiji: an open-source platform for biological-image "
        "analysis. Nature Methods 9, 676–682 (2012).",
        "10.1038/nmeth.2019",
    ),
    "imagej": Reference(
        "Schneider, C. A., Rasband, W. S., Eliceiri, K. W. NIH Image to ImageJ: 25 years of image analysis. "
        "Nature Methods 9, 671–675 (2012).",
        "10.1038/nmeth.2089",
    ),
    "pyimagej": Reference(
        "Rueden, C. T., Hiner, M. C., Evans, E. L., et al. PyImageJ: A library for integrating ImageJ and Python. "
        "Nature Methods 19, 1326–1327 (2022).",
        "10.1038/s41592-022-01655-4",
    ),
    "torch": Reference(
        "Paszke, A., Gross, S., Massa, F., et al. PyTorch: An imperative style, high-performance deep learning "
        "library. Advances in Neural Information Processing Systems 32, 8024–8035 (2019)."
    ),
    "smp": Reference(
        "Iakubovskii, P. Segmentation Models Pytorch. GitHub (2019).",
        address="https://github.com/qubvel/segmentation_models.pytorch",
    ),
    "unet": Reference(
        "Ronneberger, O., Fischer, P., Brox, T. U-Net: Convolutional networks for biomedical image segmentation. "
        "MICCAI 2015, LNCS 9351, 234–241 (2015).",
        "10.1007/978-3-319-24574-4_28",
    ),
    "unetplusplus": Reference(
        "Zhou, Z., Rahman Siddiquee, M. M., Tajbakhsh, N., Liang, J. UNet++: A nested U-Net architecture for medical "
        "image segmentation. DLMIA 2018, LNCS 11045, 3–11 (2018).",
        "10.1007/978-3-030-00889-5_1",
    ),
    "manet": Reference(
        "Fan, T., Wang, G., Li, Y., Wang, H. MA-Net: A multi-scale attention network for liver and tumor "
        "segmentation. IEEE Access 8, 179656–179665 (2020).",
        "10.1109/ACCESS.2020.3025372",
    ),
    "segformer": Reference(
        "Xie, E., Wang, W., Yu, Z., Anandkumar, A., Alvarez, J. M., Luo, P. SegFormer: Simple and efficient design for "
        "semantic segmentation with transformers. Advances in Neural Information Processing Systems 34, 12077–12090 "
        "(2021)."
    ),
    "fasterrcnn": Reference(
        "Ren, S., He, K., Girshick, R., Sun, J. Faster R-CNN: Towards real-time object detection with region proposal "
        "networks. Advances in Neural Information Processing Systems 28, 91–99 (2015)."
    ),
    "maskrcnn": Reference(
        "He, K., Gkioxari, G., Dollár, P., Girshick, R. Mask R-CNN. ICCV 2017, 2980–2988 (2017).",
        "10.1109/ICCV.2017.322",
    ),
    "fpn": Reference(
        "Lin, T.-Y., Dollár, P., Girshick, R., He, K., Hariharan, B., Belongie, S. Feature pyramid networks for object "
        "detection. CVPR 2017, 936–944 (2017).",
        "10.1109/CVPR.2017.106",
    ),
    "resnet": Reference(
        "He, K., Zhang, X., Ren, S., Sun, J. Deep residual learning for image recognition. CVPR 2016, 770–778 (2016).",
        "10.1109/CVPR.2016.90",
    ),
    "efficientnet": Reference(
        "Tan, M., Le, Q. V. EfficientNet: Rethinking model scaling for convolutional neural networks. ICML 2019, PMLR "
        "97, 6105–6114 (2019)."
    ),
    "forest": Reference("Breiman, L. Random forests. Machine Learning 45, 5–32 (2001).", "10.1023/A:1010933404324"),
    "gundersen": Reference(
        "Gundersen, H. J. G. Notes on the estimation of the numerical density of arbitrary profiles: the edge effect. "
        "Journal of Microscopy 111, 219–223 (1977).",
        "10.1111/j.1365-2818.1977.tb00062.x",
    ),
    "miles": Reference(
        "Miles, R. E. On the elimination of edge effects in planar sampling. In: Harding, E. F., Kendall, D. G. (eds) "
        "Stochastic Geometry, 228–247. Wiley (1974)."
    ),
    "bootstrap": Reference("Efron, B., Tibshirani, R. J. An Introduction to the Bootstrap. Chapman & Hall (1993)."),
    "bca": Reference(
        "Efron, B. Better bootstrap confidence intervals. Journal of the American Statistical Association 82, 171–185 "
        "(1987).",
        "10.1080/01621459.1987.10478410",
    ),
}


def numbered(keys: Iterable[str]) -> dict[str, int]:
    """Key → number, in the order of the first citation.

    Raises:
        KeyError: a key without a reference.
    """
    order = dict.fromkeys(keys)
    for key in order:
        REFERENCES[key]
    return {key: number for number, key in enumerate(order, start=1)}
