"""Writes fixtures/gradients/*.json: small cases with PyTorch's forward values and gradients.

    python scripts/make_gradient_vectors.py --out fixtures/gradients

Every case is {"op", "attributes", "inputs", "constants", "gradOutput", "output", "gradients"}; tensors are
{"shape", "data"}, row-major. Operators, attributes, and the constants that follow the inputs (with a "type")
are ONNX's of opset 24. `gradients` holds d sum(output * gradOutput) / d input, one per input in order, null
for an input that takes no gradient. Of an operator with several outputs, whose number is "outputs", `output`
is all of them as one vector, one after the other. Computed in float64, rounded to 6 significant digits.
DreamLoss and DistillLoss are whole networks, described at `network_cases`.
"""

import argparse
import json
from pathlib import Path

import gradient_cases_more as more
import torch
import torch.nn.functional as F
from gradient_case import GENERATOR, case, distinct, integers, joined, normal


def conv_cases():
    grid = [
        # channels, size, outputs, kernel, pads (top, left, bottom, right), strides, dilations, groups, bias
        (2, (5, 6), 3, (3, 3), (0, 0, 0, 0), (1, 1), (1, 1), 1, False),
        (2, (5, 6), 3, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 1, True),
        (2, (6, 6), 3, (3, 3), (1, 1, 1, 1), (2, 2), (1, 1), 1, False),
        (2, (7, 5), 2, (3, 3), (1, 1, 1, 1), (2, 2), (1, 1), 1, True),
        (3, (6, 6), 2, (1, 1), (0, 0, 0, 0), (2, 2), (1, 1), 1, False),
        (3, (4, 4), 2, (1, 1), (0, 0, 0, 0), (1, 1), (1, 1), 1, True),
        (2, (6, 6), 2, (3, 3), (0, 0, 1, 1), (2, 2), (1, 1), 1, False),
        (2, (6, 5), 2, (2, 3), (0, 1, 1, 1), (1, 2), (1, 1), 1, False),
        (3, (5, 5), 3, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 3, False),
        (3, (6, 6), 3, (3, 3), (1, 1, 1, 1), (2, 2), (1, 1), 3, True),
        (2, (5, 5), 4, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 2, False),
        (4, (5, 5), 6, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 2, True),
        (2, (7, 7), 2, (3, 3), (2, 2, 2, 2), (1, 1), (2, 2), 1, False),
        (2, (8, 8), 2, (5, 5), (2, 2, 2, 2), (2, 2), (1, 1), 1, False),
        (4, (5, 6), 4, (3, 2), (1, 0, 2, 1), (1, 1), (2, 1), 2, True),
        (2, (7, 6), 4, (3, 3), (2, 1, 1, 2), (2, 1), (2, 2), 2, False),
        (2, (6, 7), 2, (2, 3), (0, 2, 1, 0), (1, 2), (1, 2), 1, True),
        (3, (7, 7), 2, (2, 2), (0, 0, 0, 0), (3, 3), (1, 1), 1, False),
    ]
    for channels, size, outputs, kernel, pads, strides, dilations, groups, bias in grid:
        top, left, bottom, right = pads

        def conv(x, w, b=None):
            return F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, strides, 0, dilations, groups)

        attributes = {
            "kernel_shape": kernel,
            "pads": pads,
            "strides": strides,
            "dilations": dilations,
            "group": groups,
        }
        inputs = [normal(2, channels, *size), normal(outputs, channels // groups, *kernel)]
        yield case("Conv", attributes, conv, *inputs, *([normal(outputs)] if bias else []))


def batch_norm_cases():
    """Inputs in ONNX's order: x, scale, bias, mean, variance; training mode leaves the last two unused."""
    for shape, epsilon in (((3, 2, 4, 3), 1e-5), ((4, 3, 2, 2), 1e-3), ((6, 3), 1e-5)):
        parameters = [normal(shape[1]), normal(shape[1]), normal(shape[1]), normal(shape[1]).abs() + 0.5]
        for training in (0, 1):

            def norm(x, scale, bias, mean, variance):
                running = (None, None) if training else (mean, variance)
                return F.batch_norm(x, *running, scale, bias, bool(training), eps=epsilon)

            attributes = {"epsilon": epsilon, "training_mode": training}
            yield case("BatchNormalization", attributes, norm, normal(*shape), *parameters, constant=(3, 4))


def pool_cases():
    for size, kernel, pad, stride, ceil in (
        ((6, 6), 2, 0, 2, 0),
        ((7, 6), 3, 1, 2, 0),
        ((5, 5), 3, 1, 1, 0),
        ((7, 7), 2, 0, 2, 1),
    ):
        attributes = {
            "kernel_shape": [kernel] * 2,
            "pads": [pad] * 4,
            "strides": [stride] * 2,
            "ceil_mode": ceil,
        }
        yield case(
            "MaxPool",
            attributes,
            lambda x: F.max_pool2d(x, kernel, stride, pad, 1, bool(ceil)),
            distinct(1, 2, *size),
        )
        for count in (0, 1):
            yield case(
                "AveragePool",
                attributes | {"count_include_pad": count},
                lambda x: F.avg_pool2d(x, kernel, stride, pad, bool(ceil), bool(count)),
                normal(1, 2, *size),
            )
    attributes = {"kernel_shape": [3, 2], "pads": [1, 0, 0, 1], "strides": [2, 1]}

    def padded(x, value):
        return F.pad(x, (0, 1, 1, 0), value=value)

    yield case(
        "MaxPool",
        attributes,
        lambda x: F.max_pool2d(padded(x, -torch.inf), (3, 2), (2, 1)),
        distinct(1, 2, 6, 5),
    )
    yield case(
        "AveragePool",
        attributes | {"count_include_pad": 1},
        lambda x: F.avg_pool2d(padded(x, 0.0), (3, 2), (2, 1)),
        normal(1, 2, 6, 5),
    )
    yield case("GlobalMaxPool", {}, lambda x: F.adaptive_max_pool2d(x, 1), distinct(2, 3, 4, 3))
    yield case("GlobalAveragePool", {}, lambda x: F.adaptive_avg_pool2d(x, 1), normal(2, 3, 4, 5))


def unary_cases():
    """Kinks and thresholds lie at multiples of 1/16, which `distinct` avoids."""
    x = distinct(2, 2, 3, 2)
    for op, function in {
        "Abs": torch.abs,
        "Ceil": torch.ceil,
        "Erf": torch.erf,
        "Exp": torch.exp,
        "Floor": torch.floor,
        "Neg": torch.neg,
        "Relu": F.relu,
        "Round": torch.round,
        "Sigmoid": torch.sigmoid,
        "Sign": torch.sign,
        "Softplus": F.softplus,
        "Tanh": torch.tanh,
    }.items():
        yield case(op, {}, function, 2 * x)
    for op, function in {"Log": torch.log, "Reciprocal": torch.reciprocal, "Sqrt": torch.sqrt}.items():
        yield case(op, {}, function, x.abs() + 0.25)
    yield case("HardSwish", {}, F.hardswish, 8 * x)
    for alpha in (1.0, 1.75):
        yield case("Elu", {"alpha": alpha}, lambda x: F.elu(x, alpha), 2 * x)
    yield case("LeakyRelu", {"alpha": 0.1}, lambda x: F.leaky_relu(x, 0.1), x)
    hard = {"alpha": 0.5, "beta": 0.25}
    yield case("HardSigmoid", hard, lambda x: (0.5 * x + 0.25).clamp(0, 1), 4 * x)
    for approximate in ("none", "tanh"):
        attributes = {"approximate": approximate}
        yield case("Gelu", attributes, lambda x: F.gelu(x, approximate=approximate), 2 * x)
    for low, high, scale in ((-0.5, 0.5, 1), (0.0, 6.0, 16)):
        limits = [torch.tensor(low), torch.tensor(high)]
        yield case("Clip", {}, lambda x: x.clamp(low, high), scale * x, constants=limits)
    for op, attributes in {"Identity": {}, "Dropout": {}, "Cast": {"to": 1}}.items():
        yield case(op, attributes, torch.clone, x)
    yield case("CastLike", {}, lambda x, like: x.clone(), x, normal(1), constant=(1,))


def binary_cases():
    for op, function in {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul}.items():
        yield case(op, {}, function, normal(2, 3, 2, 2), normal(3, 1, 1))
    yield case("Div", {}, torch.div, normal(2, 1, 3), normal(2, 1).abs() + 0.5)
    x = distinct(2, 3, 2, 2)
    yield case("PRelu", {}, lambda x, slope: torch.where(x > 0, x, slope * x), x, normal(3, 1, 1))
    yield case("Pow", {}, torch.pow, normal(2, 1, 3).abs() + 0.5, normal(2, 1))
    for power in (2.0, 3.0):
        yield case("Pow", {}, torch.pow, normal(2, 3), torch.tensor(power), constant=(1,))
    yield case("Pow", {}, torch.pow, normal(2, 3).abs() + 0.5, torch.tensor(0.5), constant=(1,))
    values = [distinct(2, 3, 2), distinct(3, 1) + 1 / 64, distinct(2) - 1 / 64]
    for op, function in {"Max": torch.maximum, "Min": torch.minimum, "Sum": torch.add}.items():
        yield case(op, {}, lambda x, y, z: function(function(x, y), z), *values)
    condition = (distinct(3, 1) > 0).double()
    yield case(
        "Where",
        {},
        lambda condition, x, y: torch.where(condition > 0, x, y),
        *(condition, normal(2, 3, 2), normal(2)),
        constant=(0,),
    )


def linear_cases():
    for trans_b, bias in ((1, True), (0, True), (1, False)):
        weight = normal(4, 5) if trans_b else normal(5, 4)

        def gemm(x, w, b=None):
            return F.linear(x, w if trans_b else w.t(), b)

        yield case("Gemm", {"transB": trans_b}, gemm, normal(3, 5), weight, *([normal(4)] if bias else []))
    attributes = {"transA": 1, "alpha": 0.5, "beta": -2.0}
    yield case(
        "Gemm",
        attributes,
        lambda x, w, b: 0.5 * x.t() @ w - 2 * b,
        *(normal(5, 3), normal(5, 4), normal(3, 1)),
    )
    for left, right in (((3, 5), (5, 4)), ((2, 1, 3, 2), (3, 2, 4)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,))):
        yield case("MatMul", {}, torch.matmul, normal(*left), normal(*right))
    for op, function in {"Softmax": F.softmax, "LogSoftmax": F.log_softmax}.items():
        for axis in (1, -1):
            yield case(op, {"axis": axis}, lambda x: function(x, axis), normal(2, 3, 4))


def reduction_cases():
    def pairwise(x, axes, keepdim):
        for axis in sorted(axes, reverse=True):
            x = x.prod(axis, keepdim)
        return x

    tied = torch.tensor([[1.0, 3, 3], [2, -1, -1], [0, 0, 0]], dtype=torch.float64)
    zeros = torch.tensor([[2.0, 0, 3], [0, -1, 0], [0.5, 4, -2]], dtype=torch.float64)
    for op, function in {
        "ReduceMean": torch.mean,
        "ReduceSum": torch.sum,
        "ReduceMax": torch.amax,
        "ReduceMin": torch.amin,
        "ReduceProd": pairwise,
    }.items():
        for axes, keep in (((2, 3), 0), ((1,), 1)):
            call = {"keepdims": keep}, lambda x: function(x, axes, keepdim=bool(keep))
            yield case(op, *call, distinct(2, 3, 2, 3) * 2, constants=[integers(*axes)])
        for x in (tied, zeros):
            yield case(op, {"keepdims": 0}, lambda x: function(x, (1,), False), x, constants=[integers(1)])


def movement_cases():
    cut = [integers(0, 0), integers(6, 5), integers(2, 3), integers(2, 2)]
    yield case("Slice", {}, lambda x: x[:, :, ::2, ::2], normal(2, 2, 6, 5), constants=cut)
    backward = [integers(-1), integers(-9), integers(1), integers(-2)]
    yield case("Slice", {}, lambda x: x.flip(1)[:, ::2], normal(2, 5), constants=backward)
    pads = integers(0, 1, 0, 0, 0, 2, 0, 0)
    yield case("Pad", {}, lambda x: F.pad(x, (0, 0, 0, 0, 1, 2)), normal(2, 2, 3, 3), constants=[pads])
    pads = integers(0, 0, 2, 1, 0, 0, 1, 2)
    for mode, name in {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}.items():
        attributes = {"mode": mode}
        image = normal(1, 2, 3, 3)
        yield case("Pad", attributes, lambda x: F.pad(x, (1, 2, 2, 1), name), image, constants=[pads])
    yield case("Concat", {"axis": 1}, lambda *xs: torch.cat(xs, 1), normal(2, 1, 3), normal(2, 2, 3))
    yield case(
        "Split",
        {"axis": 1},
        lambda x: joined(x.split([1, 3], 1)),
        normal(2, 4, 2),
        constants=[integers(1, 3)],
        outputs=2,
    )
    yield case("Expand", {}, lambda x: x.expand(2, 3, 4), normal(3, 1), constants=[integers(2, 1, 4)])
    wide = integers(2, 2, 1, 2, 3)
    yield case("Expand", {}, lambda x: x.expand(*wide), normal(1, 2, 1, 2, 1), constants=[wide])
    yield case("Tile", {}, lambda x: x.repeat(2, 1, 3), normal(2, 3, 2), constants=[integers(2, 1, 3)])
    times = integers(1, 2, 1, 3, 2)
    yield case("Tile", {}, lambda x: x.repeat(*times), normal(1, 2, 1, 2, 1), constants=[times])
    yield case("Flatten", {"axis": 2}, lambda x: x.reshape(4, 6), normal(2, 2, 3, 2))
    yield case("Reshape", {}, lambda x: x.reshape(3, 2, 2), normal(3, 4), constants=[integers(0, 2, -1)])
    yield case("Squeeze", {}, lambda x: x.squeeze(1), normal(2, 1, 3, 1), constants=[integers(1)])
    yield case("Unsqueeze", {}, lambda x: x[None, :, :, None], normal(2, 3), constants=[integers(0, -1)])
    yield case("Transpose", {"perm": [2, 0, 1]}, lambda x: x.permute(2, 0, 1), normal(2, 3, 2))
    entries = integers(2, 0, -1, 2).reshape(2, 2)
    yield case("Gather", {"axis": 1}, lambda x: x[:, entries], normal(2, 3, 2), constants=[entries])


def tiny_network(x, conv1, scale, bias, mean, variance, conv2, linear, offset, training):
    """(logits, the norm's input) of conv 3x3, batch norm, relu, conv 3x3 stride 2, relu, mean, linear."""
    before = F.conv2d(x, conv1, padding=1)
    running = (None, None) if training else (mean, variance)
    y = F.relu(F.batch_norm(before, *running, scale, bias, training))
    y = F.relu(F.conv2d(y, conv2, stride=2, padding=1)).mean((2, 3))
    return F.linear(y, linear, offset), before


def network_cases():
    """Losses of a whole tiny network: of a dream (to the images) and of distillation (to the weights).

    Inputs: images, conv1 [4,3,3,3], scale, bias, mean, variance [4], conv2 [5,4,3,3], linear [3,5], offset
    [3], and for the distillation loss the teacher's logits [2,3]. Labels of the dream loss: [2, 0]; its
    terms are cross-entropy (mean over the batch) + 0.5 * the mean over channels of KL(N(mean, variance +
    epsilon) || N(running mean, running variance + epsilon)), population variance of the norm's input. Distillation: T^2 * KL(teacher || student) with T
    = 3, mean over the batch, batch norm in training mode."""
    parameters = [normal(4, 3, 3, 3) / 2, normal(4), normal(4), normal(4), normal(4).abs() + 0.5]
    parameters += [normal(5, 4, 3, 3) / 2, normal(3, 5), normal(3)]
    labels, temperature = torch.tensor([2, 0]), 3.0

    def dream(x, *p):
        logits, before = tiny_network(x, *p, training=False)
        mean, variance = before.mean((0, 2, 3)), before.var((0, 2, 3), correction=0)
        gaussian = lambda m, v: torch.distributions.Normal(m, (v + 1e-5).sqrt())
        distance = torch.distributions.kl_divergence(gaussian(mean, variance), gaussian(p[3], p[4]))
        return F.cross_entropy(logits, labels) + 0.5 * distance.mean()

    def distill(x, *p):
        logits, _ = tiny_network(x, *p[:-1], training=True)
        student, teacher = (F.log_softmax(value / temperature, 1) for value in (logits, p[-1]))
        return temperature**2 * F.kl_div(student, teacher, reduction="batchmean", log_target=True)

    x = normal(2, 3, 6, 6)
    yield case(
        "DreamLoss",
        {"labels": [2, 0], "bnWeight": 0.5, "epsilon": 1e-5},
        dream,
        x,
        *parameters,
        constant=range(1, 9),
    )
    attributes = {"temperature": temperature, "epsilon": 1e-5}
    yield case("DistillLoss", attributes, distill, x, *parameters, 2 * normal(2, 3), constant=(0, 4, 5, 9))


FILES = {
    "conv": [conv_cases],
    "batch-normalization": [batch_norm_cases],
    "pool": [pool_cases],
    "elementwise": [unary_cases, binary_cases],
    "linear": [linear_cases],
    "reduction": [reduction_cases, more.reduction_cases],
    "movement": [movement_cases],
    "activation": [more.activation_cases],
    "normalization": [more.normalization_cases],
    "spatial": [more.spatial_conv_cases, more.transposed_cases, more.spatial_pool_cases],
    "resampling": [more.resize_cases, more.block_cases],
    "network": [network_cases],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("fixtures/gradients"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, makers in FILES.items():
        GENERATOR.manual_seed(7)
        cases = [c for make in makers for c in make()]
        lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
        (args.out / f"{name}.json").write_text('{"opset":24,"cases":[\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
