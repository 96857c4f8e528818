"""Builds a PyTorch module from an ONNX classifier (ResNet, VGG, MobileNetV2; either exporter).

    network = OnnxModule("teacher.onnx", batch=64)
    logits = network(images)

The graph is walked once with an example of the given batch size. Whatever does not depend on the input's
values (weights, Shape/Gather/Concat chains) is computed there by onnx's reference evaluator; the rest
becomes a flat list of calls to the functions a hand-written module would use, with the weights as leaf
tensors. Dropout counts as inference."""

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator
from torch import nn

from torch_operators import BUILDERS, Activation, Node


def reachable(graph):
    """The nodes the first output depends on, in order."""
    needed, kept = {graph.output[0].name}, []
    for proto in reversed(graph.node):
        if needed.intersection(proto.output):
            needed.update(proto.input)
            kept.append(proto)
    return kept[::-1]


class OnnxModule(nn.Module):
    """`leaves` holds float tensors by initializer name; `batch_norms` the BatchNorm layers in graph order.

    With `keep_features` each of them keeps its output too, as `output`."""

    def __init__(self, path, batch, keep_features=False):
        super().__init__()
        self.keep_features = keep_features
        self.model = onnx.load(path)
        self.leaves, self.batch_norms, self.calls = {}, [], []
        self.batch_statistics = False
        graph = self.model.graph
        self.stored = {i.name for i in graph.initializer}
        constants = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
        (source,) = [i for i in graph.input if i.name not in constants]
        shape = [batch] + [d.dim_value for d in source.type.tensor_type.shape.dim][1:]
        self.input_name, self.output_name = source.name, graph.output[0].name
        self.input_shape = tuple(shape)
        values = {source.name: torch.zeros(shape)}
        with torch.no_grad():
            for proto in reachable(graph):
                self._build(proto, constants, values)
        self._use_in_place_activations()
        del self.model  # the leaves hold all that is needed

    def _build(self, proto, constants, values):
        dynamic = [name for name in proto.input if name in values]
        if proto.op_type == "Shape" and dynamic:
            limits = {a.name: a.i for a in proto.attribute}
            shape = values[dynamic[0]].shape[limits.get("start", 0) : limits.get("end")]
            constants[proto.output[0]] = np.array(shape, np.int64)
            return
        if proto.op_type == "CastLike" and proto.input[0] in constants:
            dtype = values[proto.input[1]].numpy().dtype if dynamic else constants[proto.input[1]].dtype
            constants[proto.output[0]] = constants[proto.input[0]].astype(dtype)
            return
        if not dynamic:
            constants.update(zip(proto.output, self._evaluate(proto, constants)))
            return
        if proto.op_type not in BUILDERS:
            raise NotImplementedError(f"{proto.op_type} '{proto.name}' is not an operator this script knows")
        function = BUILDERS[proto.op_type](Node(self, proto, [constants.get(name) for name in proto.input]))
        values[proto.output[0]] = function(*(values[name] for name in dynamic))
        self.calls.append([function, dynamic, proto.output[0]])

    def _evaluate(self, proto, constants):
        names = [name for name in dict.fromkeys(proto.input) if name]
        infos = [
            onnx.helper.make_tensor_value_info(
                n, onnx.helper.np_dtype_to_tensor_dtype(constants[n].dtype), None
            )
            for n in names
        ]
        outputs = [onnx.ValueInfoProto(name=name) for name in proto.output]
        graph = onnx.helper.make_graph([proto], "constant", infos, outputs)
        model = onnx.helper.make_model(graph, opset_imports=self.model.opset_import)
        return ReferenceEvaluator(model).run(None, {name: constants[name] for name in names})

    def add_leaf(self, name, value, trainable):
        if name not in self.leaves:
            self.leaves[name] = torch.tensor(value).requires_grad_(trainable)
        return self.leaves[name]

    def _use_in_place_activations(self):
        """As in hand-written modules: an activation overwrites an input no one else needs."""
        makers = {output: function for function, _, output in self.calls}
        uses = [name for _, names, _ in self.calls for name in names]
        for call in self.calls:
            function, names, _ = call
            if isinstance(function, Activation) and uses.count(names[0]) == 1:
                function.in_place = getattr(makers.get(names[0]), "overwritable", False)

    def trainable(self):
        return [leaf for leaf in self.leaves.values() if leaf.requires_grad]

    def freeze(self):
        for leaf in self.leaves.values():
            leaf.requires_grad_(False)
        return self

    def to_format(self, memory_format):
        """Keeps the convolution weights in torch.contiguous_format or torch.channels_last."""
        for leaf in self.leaves.values():
            if leaf.dim() == 4:
                leaf.data = leaf.data.contiguous(memory_format=memory_format)
        return self

    def to_device(self, device):
        for leaf in self.leaves.values():
            leaf.data = leaf.data.to(device)
        return self

    def forward(self, x):
        values = {self.input_name: x}
        for function, names, output in self.calls:
            values[output] = function(*[values[name] for name in names])
        return values[self.output_name]
