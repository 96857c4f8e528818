"""Tiny members of the families of image classifiers: few blocks, a handful of channels, the real modules of torchvision.

MobileNet V1 (https://arxiv.org/abs/1704.04861) and the MLP are not in torchvision and are written here.
"""

from contextlib import contextmanager, ExitStack
from unittest.mock import patch

import torch
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConvConfig
from torchvision.models.googlenet import Inception
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
from torchvision.models.regnet import BlockParams, RegNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers

CLASSES = 5


@contextmanager
def channels_divided_by(divisor, least=2):
    """Builds whatever is built inside with a fraction of its channels; image channels and CLASSES stay.

    Where channels are concatenated or split, `divisor` must divide them all.
    """

    def scale(channels):
        return channels if channels <= CLASSES else max(least, channels // divisor)

    conv, norm, linear = nn.Conv2d.__init__, nn.BatchNorm2d.__init__, nn.Linear.__init__

    def conv_init(self, inputs, outputs, *args, **kwargs):
        if kwargs.get("groups", 1) > 1:
            kwargs["groups"] = max(2, kwargs["groups"] // divisor)
        conv(self, scale(inputs), scale(outputs), *args, **kwargs)

    def norm_init(self, channels, *args, **kwargs):
        norm(self, scale(channels), *args, **kwargs)

    def linear_init(self, inputs, outputs, *args, **kwargs):
        linear(self, scale(inputs), scale(outputs), *args, **kwargs)

    with ExitStack() as stack:
        for layer, init in ((nn.Conv2d, conv_init), (nn.BatchNorm2d, norm_init), (nn.Linear, linear_init)):
            stack.enter_context(patch.object(layer, "__init__", init))
        yield


def resnet(block, layers, divisor=64, **options):
    with channels_divided_by(divisor):
        return ResNet(block, layers, num_classes=CLASSES, **options)


def vgg(batch_norm):
    model = VGG(make_layers([4, "M", 8, "M"], batch_norm), num_classes=CLASSES, init_weights=False)
    model.avgpool = nn.AdaptiveAvgPool2d(2)
    model.classifier = nn.Sequential(nn.Linear(32, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, CLASSES))
    return model


def conv_norm_relu(inputs, outputs, kernel, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def mobilenet_v1():
    separable = lambda i, o, s: conv_norm_relu(i, i, 3, s, groups=i) + conv_norm_relu(i, o, 1)
    return nn.Sequential(
        *conv_norm_relu(3, 4, 3, 2),
        *separable(4, 8, 1),
        *separable(8, 8, 2),
        nn.AvgPool2d(8),
        nn.Flatten(),
        nn.Linear(8, CLASSES),
    )


def mobilenet_v2():
    with channels_divided_by(16):
        return models.MobileNetV2(CLASSES, inverted_residual_setting=[[1, 32, 1, 1], [4, 64, 2, 2], [4, 64, 1, 1]])


def mobilenet_v3():
    block = lambda *settings: InvertedResidualConfig(*settings, dilation=1, width_mult=1.0)
    blocks = [block(16, 3, 16, 16, True, "RE", 2), block(16, 3, 32, 16, False, "RE", 1), block(16, 5, 32, 32, True, "HS", 2)]
    with channels_divided_by(4):
        return MobileNetV3(blocks, last_channel=64, num_classes=CLASSES)


def mnasnet():
    with channels_divided_by(64):
        model = models.MNASNet(1.0, num_classes=CLASSES)
    for stack in model.layers[8:14]:
        del stack[1:]
    return model


def googlenet():
    with channels_divided_by(32, least=1):
        model = models.GoogLeNet(num_classes=CLASSES, aux_logits=False, init_weights=False)
        model.inception4a = Inception(480, 192, 96, 192, 32, 64, 64)
        model.inception5b = Inception(512, 384, 192, 384, 64, 128, 128)
    for name in ("inception4b", "inception4c", "inception4d", "inception4e", "inception5a"):
        setattr(model, name, nn.Identity())
    return model


def inception_v3():
    with channels_divided_by(32, least=1):
        model = models.Inception3(num_classes=CLASSES, aux_logits=False, init_weights=False)
    for name in ("Mixed_5d", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7c"):
        setattr(model, name, nn.Identity())
    return model


def squeezenet():
    with channels_divided_by(16):
        return models.SqueezeNet("1_1", num_classes=CLASSES)


def shufflenet_v2():
    return models.ShuffleNetV2([2, 1, 1], [4, 8, 8, 16, 16], num_classes=CLASSES)


def regnet(se_ratio):
    blocks = BlockParams([1, 2], [4, 8], [2, 4], [1.0, 1.0], [2, 2], se_ratio)
    return RegNet(blocks, num_classes=CLASSES, stem_width=4)


def efficientnet_v1():
    blocks = [MBConvConfig(1, 3, 1, 8, 8, 1, 1, 1), MBConvConfig(2, 5, 2, 8, 16, 2, 1, 1)]
    with channels_divided_by(2):
        return EfficientNet(blocks, dropout=0.2, num_classes=CLASSES, last_channel=16)


def efficientnet_v2():
    blocks = [
        FusedMBConvConfig(1, 3, 1, 8, 8, 1),
        FusedMBConvConfig(2, 3, 2, 8, 8, 1),
        MBConvConfig(2, 3, 2, 8, 16, 2, 1, 1),
    ]
    with channels_divided_by(2):
        return EfficientNet(blocks, dropout=0.2, num_classes=CLASSES, last_channel=16)


def densenet():
    return models.DenseNet(growth_rate=2, block_config=(2, 2), num_init_features=4, bn_size=2, num_classes=CLASSES)


def convnext():
    return ConvNeXt([CNBlockConfig(6, 12, 1), CNBlockConfig(12, None, 1)], num_classes=CLASSES)


def mlp():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(48, 16, bias=False),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(16, 12),
        nn.BatchNorm1d(12),
        nn.Tanh(),
        nn.Linear(12, CLASSES),
    )


# Family: how to build it, and the height and width of its images.
FAMILIES = {
    "resnet": (lambda: resnet(BasicBlock, [2, 1, 1, 1]), 32),
    "resnext": (lambda: resnet(Bottleneck, [1, 1, 1, 1], divisor=128, groups=32, width_per_group=4), 32),
    "wide-resnet": (lambda: resnet(Bottleneck, [1, 1, 1, 1], divisor=128, width_per_group=128), 32),
    "vgg": (lambda: vgg(False), 16),
    "vgg-bn": (lambda: vgg(True), 16),
    "mobilenet-v1": (mobilenet_v1, 32),
    "mobilenet-v2": (mobilenet_v2, 32),
    "mobilenet-v3": (mobilenet_v3, 32),
    "mnasnet": (mnasnet, 64),
    "efficientnet-v1": (efficientnet_v1, 32),
    "efficientnet-v2": (efficientnet_v2, 32),
    "densenet": (densenet, 32),
    "shufflenet-v2": (shufflenet_v2, 64),
    "regnet-x": (lambda: regnet(None), 32),
    "regnet-y": (lambda: regnet(0.5), 32),
    "squeezenet": (squeezenet, 48),
    "googlenet": (googlenet, 64),
    "inception-v3": (inception_v3, 96),
    "mlp": (mlp, 4),
    "convnext": (convnext, 32),
}


def create_model(family):
    """The family's tiny model in inference mode and one example batch, the same at every call.

    Of few channels chance may leave none that ReLU lets pass: the first seed is taken with which PyTorch finds a gradient
    for every parameter.
    """
    for seed in range(100):
        model, images = randomise(family, seed)
        model(images).square().mean().backward()
        if all(parameter.grad.abs().max() > 1e-7 for parameter in model.parameters()):
            model.zero_grad()
            return model, images
    raise RuntimeError(f"{family}: no seed gives every parameter a gradient")


def randomise(family, seed):
    """The family's model with random weights and running statistics.

    Weights are He-normal and offsets mostly positive, so that signals neither explode nor die; statistics are those of
    noise, changed a little.
    """
    torch.manual_seed(seed)
    build, size = FAMILIES[family]
    model = build()
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, 0.3, 0.1)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(module.weight, 1, 0.1)
            nn.init.normal_(module.bias, 0.4, 0.2)
            module.momentum = None
    for name, parameter in model.named_parameters():
        if name.endswith("layer_scale"):
            nn.init.normal_(parameter, 0.5, 0.1)
    with torch.no_grad():
        model.train()(torch.randn(16, 3, size, size))
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.momentum = 0.1
                module.running_mean += 0.2 * torch.randn_like(module.running_mean)
                module.running_var *= 0.8 + 0.4 * torch.rand_like(module.running_var)
    return model.eval(), torch.randn(2, 3, size, size)
