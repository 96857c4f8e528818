"""Exports tiny random-weight classifiers of every family as PyTorch's exporters write them.

  python scripts/make_family_fixtures.py --out fixtures/families            the files that are checked in
  python scripts/make_family_fixtures.py --all DIR [--family NAME ...]      every exporter at every opset

Python 3.11, torch 2.13.0, torchvision for it, onnx 1.23.1, onnxscript 0.7.2. What an exporter refuses is listed and left out.
"""

import argparse
import contextlib
import io
import pathlib
import warnings

import onnx
import torch

from family_models import FAMILIES, create_model

OPSETS = (9, 11, 13, 17, 18)
# The newest each exporter knows; torch._C._onnx and onnxscript say so when asked for more.
NEWEST = {"torchscript": 20, "dynamo-noopt": 26, "dynamo": 26}
EVERYWHERE = ("mlp", "mobilenet-v1")


def export(exporter, model, images, opset, path):
    if exporter == "torchscript":
        options = dict(
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        )
    else:
        options = dict(
            dynamo=True,
            optimize=exporter == "dynamo",
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            external_data=False,
            verbose=False,
        )
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (images,), str(path), opset_version=opset, input_names=["input"], output_names=["logits"], **options
        )
    strip(path)
    return next(o.version for o in onnx.load(path).opset_import if o.domain in ("", "ai.onnx"))


def strip(path):
    """Exporters note stack traces and shapes at every node: most of a small file's bytes, and nothing of the model."""
    model = onnx.load(path)
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        for node in nodes:
            node.ClearField("metadata_props")
            node.ClearField("doc_string")
    for function in model.functions:
        function.ClearField("metadata_props")
        function.ClearField("value_info")
    for message in (*model.graph.input, *model.graph.output, *model.graph.initializer, model.graph):
        message.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    shorten_names(model.graph)
    onnx.save(model, path)


def shorten_names(graph):
    """Numbers for the values between nodes, whose names repeat the whole path of modules; weights keep theirs."""
    kept = {value.name for value in (*graph.input, *graph.output, *graph.initializer)} | {""}
    numbers = {}
    short = lambda name: name if name in kept else numbers.setdefault(name, str(len(numbers)))
    for node in graph.node:
        node.ClearField("name")
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]


def checked_in():
    """(family, exporter, opset): each family from both exporters, the opset varied; some families at all of them."""
    torchscript = (*OPSETS, NEWEST["torchscript"])
    for i, family in enumerate(FAMILIES):
        opsets = torchscript if family in EVERYWHERE else [torchscript[i % len(torchscript)]]
        for opset in opsets:
            yield family, "torchscript", opset
        yield family, "dynamo-noopt", 18 if i % 2 else NEWEST["dynamo-noopt"]
    for family in (*EVERYWHERE, "densenet"):
        yield family, "dynamo", NEWEST["dynamo"]


def everything(families):
    for family in families:
        for exporter, newest in NEWEST.items():
            for opset in (*OPSETS, newest):
                yield family, exporter, opset


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--all", type=pathlib.Path)
    parser.add_argument("--family", nargs="*", default=list(FAMILIES))
    arguments = parser.parse_args()
    folder = arguments.out or arguments.all
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [case for case in checked_in() if case[0] in arguments.family] if arguments.out else everything(arguments.family)
    for family, exporter, opset in wanted:
        path = folder / f"{family}-{exporter}-{opset}.onnx"
        try:
            written = export(exporter, *create_model(family), opset, path)
        except Exception as error:
            path.unlink(missing_ok=True)
            print(f"{path.name}: refused by the exporter: {str(error).splitlines()[0]}")
            continue
        if written != opset:
            path.unlink()
            print(f"{path.name}: the exporter wrote opset {written} instead")
            continue
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
