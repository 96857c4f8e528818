"""What onnx.checker and onnxruntime say of ONNX files, as one JSON list: python check_files.py FILE..."""

import json
import sys

import numpy as np
import onnx
import onnxruntime as ort


def check(path):
    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def run(path):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        for value in session.get_inputs():
            shape = [size if isinstance(size, int) else 2 for size in value.shape]
            dtype = {"tensor(float)": np.float32, "tensor(float16)": np.float16}[value.type]
            for output in session.run(None, {value.name: np.ones(shape, dtype)}):
                if not np.isfinite(output).all():
                    return "an output is not finite"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    print(json.dumps([{"path": p, "checker": check(p), "onnxruntime": run(p)} for p in sys.argv[1:]]))
