"""What all gradient vectors (make_gradient_vectors.py) are made with: seeded values, and one case."""

import torch

GENERATOR = torch.Generator()


def normal(*shape):
    """Standard normal values on a grid of 1/16, so that they survive rounding exactly."""
    return (torch.randn(shape, generator=GENERATOR, dtype=torch.float64) * 16).round() / 16


def distinct(*shape):
    """All values differ by at least 1/16, so that no maximum and no threshold is ever tied."""
    count = torch.Size(shape).numel()
    return ((torch.randperm(count, generator=GENERATOR) - count // 2).double() / 16 + 1 / 32).reshape(shape)


def encode(tensor):
    if tensor is None:
        return None
    data = [float(f"{value:.6g}") for value in tensor.detach().flatten().tolist()]
    return {"shape": list(tensor.shape), "data": [int(v) if v == int(v) else v for v in data]}


def encode_constant(tensor):
    return {"type": "float" if tensor.is_floating_point() else "int64"} | encode(tensor)


def joined(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors])


def integers(*values):
    return torch.tensor(values, dtype=torch.int64)


def case(op, attributes, function, *inputs, constant=(), constants=(), outputs=1, opset=None):
    """One case of `function`; `constant`: positions without gradient; `constants` follow the inputs."""
    inputs = [x.clone().requires_grad_(i not in constant) for i, x in enumerate(inputs)]
    output = function(*inputs)
    upstream = normal(*output.shape) if output.dim() else torch.ones((), dtype=torch.float64)
    wanted = [x for x in inputs if x.requires_grad]
    found = iter(torch.autograd.grad(output, wanted, upstream))
    return {
        "op": op,
        "attributes": attributes,
        "inputs": [encode(x) for x in inputs],
        "constants": [encode_constant(x) for x in constants],
        "gradOutput": encode(upstream),
        "output": encode(output),
        "gradients": [encode(next(found)) if x.requires_grad else None for x in inputs],
    } | ({"outputs": outputs} if outputs > 1 else {}) | ({"opset": opset} if opset else {})
