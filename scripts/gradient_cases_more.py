"""Gradient vectors of normalisations, of windows over other than two axes, of resampling, and of rarer operators."""

import torch
import torch.nn.functional as F
from gradient_case import case, distinct, integers, normal


def activation_cases():
    """Kinks lie at multiples of 1/16, which `distinct` avoids."""
    x = distinct(2, 2, 3, 2)
    for op, attributes, function in (
        ("Selu", {}, F.selu),
        ("Celu", {"alpha": 0.75}, lambda x: F.celu(x, 0.75)),
        ("Mish", {}, F.mish),
        ("Softsign", {}, F.softsign),
        ("Swish", {"alpha": 1.5}, lambda x: x * torch.sigmoid(1.5 * x)),
        ("ThresholdedRelu", {"alpha": 0.25}, lambda x: F.threshold(x, 0.25, 0.0)),
        ("Shrink", {"lambd": 0.25, "bias": 0.25}, lambda x: F.softshrink(x, 0.25)),
    ):
        yield case(op, attributes, function, 2 * x)
    yield case("Mean", {}, lambda a, b: (a + b) / 2, normal(2, 3, 2), normal(3, 1))
    image = normal(2, 5, 2, 3)
    attributes = {"size": 3, "alpha": 0.5, "beta": 0.75, "bias": 2.0}
    yield case("LRN", attributes, lambda x: F.local_response_norm(x, 3, 0.5, 0.75, 2.0), image)


def normalization_cases():
    x = normal(2, 4, 3, 2)
    for axis in (1, 3):
        shape = x.shape[axis:]
        yield case(
            "LayerNormalization",
            {"axis": axis, "epsilon": 0.01},
            lambda x, w, b: F.layer_norm(x, shape, w, b, 0.01),
            *(x, normal(*shape), normal(*shape)),
        )
        yield case(
            "RMSNormalization",
            {"axis": axis, "epsilon": 0.01},
            lambda x, w: F.rms_norm(x, shape, w, 0.01),
            *(x, normal(*shape)),
        )
    yield case(
        "InstanceNormalization",
        {"epsilon": 0.01},
        lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=0.01),
        *(x, normal(4), normal(4)),
    )
    yield case(
        "GroupNormalization",
        {"epsilon": 0.01, "num_groups": 2},
        lambda x, w, b: F.group_norm(x, 2, w, b, 0.01),
        *(x, normal(4), normal(4)),
    )
    yield case(
        "MeanVarianceNormalization",
        {"axes": [0, 2]},
        lambda x: (x - x.mean((0, 2), True)) / x.std((0, 2), correction=0, keepdim=True),
        x,
    )
    for p in (1, 2):
        attributes = {"axis": 1, "p": p}
        yield case("LpNormalization", attributes, lambda x: F.normalize(x, p, 1), distinct(2, 4, 3))


def spatial_conv_cases():
    for convolve, size, kernel, groups in (
        (F.conv1d, (9,), (3,), 1),
        (F.conv1d, (9,), (3,), 2),
        (F.conv3d, (5, 6, 5), (2, 3, 2), 1),
        (F.conv3d, (5, 6, 5), (2, 3, 2), 2),
    ):
        rank = len(size)
        attributes = {"pads": [1] * (2 * rank), "strides": [2] * rank, "dilations": [2] * rank, "group": groups}
        yield case(
            "Conv",
            attributes,
            lambda x, w, b: convolve(x, w, b, 2, 1, 2, groups),
            *(normal(2, 2, *size), normal(2, 2 // groups, *kernel), normal(2)),
        )


def transposed_cases():
    for convolve, size, kernel, groups, stride, dilation in (
        (F.conv_transpose1d, (5,), (3,), 1, 2, 1),
        (F.conv_transpose2d, (3, 4), (3, 2), 1, 2, 1),
        (F.conv_transpose2d, (3, 4), (3, 3), 2, 1, 2),
        (F.conv_transpose3d, (2, 3, 2), (2, 3, 2), 1, 2, 2),
    ):
        rank = len(size)
        more = stride - 1
        attributes = {
            "pads": [1] * (2 * rank),
            "strides": [stride] * rank,
            "dilations": [dilation] * rank,
            "output_padding": [more] * rank,
            "group": groups,
        }
        yield case(
            "ConvTranspose",
            attributes,
            lambda x, w, b: convolve(x, w, b, stride, 1, more, groups, dilation),
            *(normal(2, 4, *size), normal(4, 2, *kernel), normal(2 * groups)),
        )


def spatial_pool_cases():
    for maximum, mean, size in (
        (F.max_pool1d, F.avg_pool1d, (9,)),
        (F.max_pool3d, F.avg_pool3d, (5, 4, 6)),
    ):
        rank = len(size)
        attributes = {"kernel_shape": [3] * rank, "strides": [2] * rank, "pads": [1] * (2 * rank)}
        yield case("MaxPool", attributes, lambda x: maximum(x, 3, 2, 1), distinct(1, 2, *size))
        yield case("AveragePool", attributes, lambda x: mean(x, 3, 2, 1, False, False), normal(1, 2, *size))
    dilated = {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [1] * 4, "dilations": [3, 2]}
    yield case("MaxPool", dilated, lambda x: F.max_pool2d(x, (2, 3), (2, 1), 1, (3, 2)), distinct(1, 2, 7, 6))
    attributes = {"kernel_shape": [2, 3], "strides": [2, 1], "p": 2}
    yield case("LpPool", attributes, lambda x: F.lp_pool2d(x, 2.0, (2, 3), (2, 1)), distinct(1, 2, 6, 5))
    yield case("GlobalLpPool", {"p": 3}, lambda x: x.abs().pow(3).sum((2, 3), True).pow(1 / 3), distinct(2, 2, 3, 2))


def resize_cases():
    nothing = torch.zeros(0)
    image = normal(1, 2, 5, 4)
    for attributes, options, size in (
        ({"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, {"mode": "nearest"}, (10, 8)),
        ({"mode": "linear"}, {"mode": "bilinear"}, (7, 9)),
        (
            {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
            {"mode": "bilinear", "align_corners": True},
            (3, 7),
        ),
        ({"mode": "cubic"}, {"mode": "bicubic"}, (8, 3)),
        ({"mode": "linear", "antialias": 1, "exclude_outside": 1}, {"mode": "bilinear", "antialias": True}, (3, 2)),
    ):
        constants = [nothing, nothing, integers(1, 2, *size)]
        yield case("Resize", attributes, lambda x: F.interpolate(x, size, **options), image, constants=constants)
    scales = torch.tensor([1.0, 1.0, 2.0, 3.0])
    nearest = {"mode": "nearest"}
    yield case(
        "Upsample",
        nearest,
        lambda x: F.interpolate(x, scale_factor=(2, 3), mode="nearest"),
        image,
        constants=[scales],
        opset=9,
    )


def block_cases():
    """PyTorch's pixel_shuffle reads channels as CRD does."""
    yield case("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, lambda x: F.pixel_shuffle(x, 2), normal(2, 8, 2, 3))

    def dcr(x):
        n, c, h, w = x.shape
        blocks = x.reshape(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2)
        return blocks.reshape(n, c // 4, 2 * h, 2 * w)

    yield case("DepthToSpace", {"blocksize": 2}, dcr, normal(2, 8, 2, 3))

    def depth(x):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(n, 4 * c, h // 2, w // 2)

    yield case("SpaceToDepth", {"blocksize": 2}, depth, normal(2, 3, 4, 6))
    yield case("CumSum", {}, lambda x: x.cumsum(1), normal(2, 4, 2), constants=[torch.tensor(1)])
    backward = {"reverse": 1, "exclusive": 1}
    yield case(
        "CumSum",
        backward,
        lambda x: x.flip(0).cumsum(0).flip(0) - x,
        normal(4, 2),
        constants=[torch.tensor(0)],
    )


def reduction_cases():
    for op, function in {
        "ReduceL1": lambda x, axes, keep: x.abs().sum(axes, keep),
        "ReduceL2": lambda x, axes, keep: x.square().sum(axes, keep).sqrt(),
        "ReduceLogSum": lambda x, axes, keep: x.abs().sum(axes, keep).log(),
        "ReduceLogSumExp": torch.logsumexp,
        "ReduceSumSquare": lambda x, axes, keep: x.square().sum(axes, keep),
    }.items():
        for axes, keep in (((2, 3), 0), ((1,), 1)):
            x = distinct(2, 3, 2, 3) * 2
            if op == "ReduceLogSum":
                x = x.abs()
            yield case(op, {"keepdims": keep}, lambda x: function(x, axes, bool(keep)), x, constants=[integers(*axes)])
