"""ONNX operators as calls of PyTorch functions, for onnx_to_torch.py: one registered builder each."""

import numpy as np
import onnx
import torch
import torch.nn.functional as F

BUILDERS = {}


def operator(*names):
    """Registers a builder: (node) -> function of the node's computed inputs. See Node."""

    def register(build):
        BUILDERS.update(dict.fromkeys(names, build))
        return build

    return register


class Node:
    """One ONNX node while it is being built: attributes, constant inputs, module."""

    def __init__(self, module, proto, constants):
        self.module, self.proto, self.constants = module, proto, constants
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}

    def attribute(self, name, default=None):
        return self.attributes.get(name, default)

    def constant(self, position):
        """The constant at this input as a numpy array, or None where it is omitted."""
        return self.constants[position] if position < len(self.constants) else None

    def integers(self, position, name):
        """A list of integers given as an input in newer opsets, as an attribute in older ones."""
        value = self.constant(position)
        return self.attribute(name) if value is None else [int(v) for v in np.atleast_1d(value)]

    def bias(self, position):
        """As `parameter`, but None for the computed zeros of an exported layer without bias."""
        value = self.constant(position)
        stored = position < len(self.proto.input) and self.proto.input[position] in self.module.stored
        return None if value is None or not (stored or value.any()) else self.parameter(position)

    def parameter(self, position, trainable=True):
        """The constant at this input as a leaf tensor of the module, named after its initializer."""
        value = self.constant(position)
        return None if value is None else self.module.add_leaf(self.proto.input[position], value, trainable)


class Activation:
    """relu and clip: `in_place` once the whole graph is known."""

    def __init__(self, function):
        self.function, self.in_place, self.overwritable = function, False, False

    def __call__(self, x):
        return self.function(x, self.in_place)


def overwritable(function):
    """Marks a function whose gradient does not need its own output."""
    function.overwritable = True
    return function


class BatchNorm:
    """Normalises with running statistics, or the batch's; keeps what the last forward pass saw and gave."""

    def __init__(self, node):
        self.module = node.module
        self.scale, self.offset = node.parameter(1), node.parameter(2)
        self.mean, self.variance = node.parameter(3, False), node.parameter(4, False)
        self.epsilon = node.attribute("epsilon", 1e-5)
        self.momentum = 1 - node.attribute("momentum", 0.9)
        self.input = self.output = None
        # A layer whose output is looked at afterwards may not be overwritten by the activation after it.
        self.overwritable = not node.module.keep_features
        node.module.batch_norms.append(self)

    def __call__(self, x):
        self.input = x
        training = self.module.batch_statistics
        y = F.batch_norm(
            x, self.mean, self.variance, self.scale, self.offset, training, self.momentum, self.epsilon
        )
        if self.module.keep_features:
            self.output = y
        return y


operator("BatchNormalization")(BatchNorm)


def explicit_padding(node, rank):
    """(symmetric pads per axis, F.pad amounts or None): ONNX gives all begins, then all ends."""
    if node.attribute("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise NotImplementedError(f"{node.proto.op_type} '{node.proto.name}': auto_pad is not supported")
    pads = node.attribute("pads", [0] * 2 * rank)
    begins, ends = pads[:rank], pads[rank:]
    if begins == ends:
        return begins, None
    return [0] * rank, [p for pair in reversed(list(zip(begins, ends))) for p in pair]


@operator("Conv")
def conv(node):
    weight, bias = node.parameter(1), node.bias(2)
    rank = weight.dim() - 2
    pads, outer = explicit_padding(node, rank)
    strides, dilations = (node.attribute(name, [1] * rank) for name in ("strides", "dilations"))
    groups = node.attribute("group", 1)

    def call(x):
        x = x if outer is None else F.pad(x, outer)
        return F.conv2d(x, weight, bias, strides, pads, dilations, groups)

    return overwritable(call)


@operator("Relu")
def relu(node):
    return Activation(F.relu)


@operator("Clip")
def clip(node):
    low, high = (node.attribute(name, node.constant(at)) for at, name in ((1, "min"), (2, "max")))
    low, high = (-np.inf if low is None else float(low), np.inf if high is None else float(high))
    return Activation(lambda x, in_place: F.hardtanh(x, low, high, in_place))


@operator("MaxPool")
def max_pool(node):
    kernel = node.attribute("kernel_shape")
    pads, outer = explicit_padding(node, len(kernel))
    strides, ceil = node.attribute("strides", [1] * len(kernel)), bool(node.attribute("ceil_mode", 0))

    def call(x):
        x = x if outer is None else F.pad(x, outer, value=-np.inf)
        return F.max_pool2d(x, kernel, strides, pads, ceil_mode=ceil)

    return call


@operator("AveragePool")
def average_pool(node):
    kernel = node.attribute("kernel_shape")
    pads, outer = explicit_padding(node, len(kernel))
    count = bool(node.attribute("count_include_pad", 0))
    if outer is not None and not count:
        raise NotImplementedError(f"AveragePool '{node.proto.name}': asymmetric pads need count_include_pad")
    strides, ceil = node.attribute("strides", [1] * len(kernel)), bool(node.attribute("ceil_mode", 0))

    def call(x):
        x = x if outer is None else F.pad(x, outer)
        return F.avg_pool2d(x, kernel, strides, pads, ceil, count)

    return overwritable(call)


@operator("GlobalAveragePool")
def global_average_pool(node):
    return lambda x: F.adaptive_avg_pool2d(x, 1)


@operator("ReduceMean")
def reduce_mean(node):
    axes, keep = node.integers(1, "axes"), bool(node.attribute("keepdims", 1))
    return lambda x: x.mean(axes, keep)


@operator("Gemm")
def gemm(node):
    weight, bias = node.parameter(1), node.parameter(2)
    alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
    transposed = bool(node.attribute("transB", 0))
    if node.attribute("transA", 0):
        raise NotImplementedError(f"Gemm '{node.proto.name}': transA is not supported")
    if alpha == 1 and beta == 1:
        return lambda x: F.linear(x, weight if transposed else weight.t(), bias)

    def call(x):
        y = alpha * F.linear(x, weight if transposed else weight.t())
        return y if bias is None else y + beta * bias

    return call


def binary(function):
    """An operator of two computed inputs, or of one and a constant on either side (a leaf, as a bias is)."""

    def build(node):
        trainable = node.proto.op_type in ("Add", "MatMul")
        left, right = node.parameter(0, trainable), node.parameter(1, trainable)
        if left is not None:
            return lambda y: function(left, y)
        if right is not None:
            return lambda x: function(x, right)
        return overwritable(lambda x, y: function(x, y)) if function is torch.add else function

    return build


for name, function in (
    ("Add", torch.add),
    ("Sub", torch.sub),
    ("Mul", torch.mul),
    ("Div", torch.div),
    ("MatMul", torch.matmul),
):
    operator(name)(binary(function))


@operator("Flatten")
def flatten(node):
    axis = node.attribute("axis", 1)
    return lambda x: x.reshape(int(np.prod(x.shape[:axis])), -1)


@operator("Reshape")
def reshape(node):
    target = [int(d) for d in node.constant(1)]
    return lambda x: x.reshape([x.shape[i] if d == 0 else d for i, d in enumerate(target)])


@operator("Slice")
def strided_slice(node):
    starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
    axes = node.integers(3, "axes") or range(len(starts))
    steps = node.integers(4, "steps") or [1] * len(starts)
    if min(steps) < 1:
        raise NotImplementedError(f"Slice '{node.proto.name}': steps {steps} are not supported")
    cuts = dict(zip(axes, map(slice, starts, ends, steps)))
    return lambda x: x[
        tuple(cuts.get(axis, cuts.get(axis - x.dim(), slice(None))) for axis in range(x.dim()))
    ]


@operator("Pad")
def pad(node):
    if node.attribute("mode", b"constant") != b"constant" or node.constant(3) is not None:
        raise NotImplementedError(f"Pad '{node.proto.name}': only constant mode over all axes is supported")
    pads, value = node.integers(1, "pads"), node.constant(2)
    rank = len(pads) // 2
    amounts = [p for axis in reversed(range(rank)) for p in (pads[axis], pads[axis + rank])]
    fill = float(node.attribute("value", 0.0) if value is None else value)
    return lambda x: F.pad(x, amounts, value=fill)


@operator("Identity", "Dropout", "Cast")
def identity(node):
    return lambda x: x
