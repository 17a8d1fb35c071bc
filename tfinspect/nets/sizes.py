"""How large the listed networks are and what they cost, counted once from their graphs.

A test builds the networks and counts again.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What a network has and does.

    Attributes:
      parameters: elements of all its variables, moving averages too, with the classes of its
        published weights (of ImageNet networks without them 1000 or 1001, of CIFAR networks 10).
      flops: floating-point operations for one image of its own size, as `tfinspect.op_costs`
        counts them: a multiply and an add are two.
    """

    parameters: int
    flops: int


SIZES = {
    "inception_resnet_v2": Size(59_244_594, 26_361_593_664),
    "inception_v1": Size(6_633_209, 3_015_810_336),
    "inception_v2": Size(11_199_137, 3_887_717_120),
    "inception_v3": Size(27_182_194, 11_480_757_568),
    "inception_v4": Size(46_074_066, 24_596_890_752),
    "resnet_v1_50": Size(25_610_152, 6_985_208_320),
    "resnet_v1_101": Size(44_654_504, 14_419_886_592),
    "resnet_v1_152": Size(60_344_232, 21_856_973_312),
    "resnet_v1_200": Size(64_849_832, 28_863_951_360),
    "resnet_v2_50": Size(25_615_849, 13_102_642_240),
    "resnet_v2_101": Size(44_677_609, 26_796_105_792),
    "resnet_v2_152": Size(60_382_697, 40_494_005_312),
    "resnet_v2_200": Size(64_896_489, 53_399_714_880),
    "vgg_a": Size(132_863_336, 15_224_301_568),
    "vgg_16": Size(138_357_544, 30_946_650_112),
    "vgg_19": Size(143_667_240, 39_270_246_400),
    "alexnet_v2": Size(50_303_912, 1_473_807_360),
    "overfeat": Size(145_704_424, 5_294_518_272),
    "mobilenet_v1": Size(4_254_889, 1_147_618_304),
    "mobilenet_v1_075": Size(2_602_745, 658_404_096),
    "mobilenet_v1_050": Size(1_343_049, 304_062_976),
    "mobilenet_v1_025": Size(475_801, 84_594_944),
    "mobilenet_v2_140": Size(6_158_505, 1_183_629_888),
    "mobilenet_v2_130": Size(5_432_713, 1_036_798_560),
    "mobilenet_v2": Size(3_540_265, 614_970_048),
    "mobilenet_v2_075": Size(2_664_345, 429_915_472),
    "mobilenet_v2_050": Size(1_988_505, 201_609_184),
    "mobilenet_v2_035": Size(1_692_489, 124_362_448),
    "cifar_resnet20_v1": Size(271_098, 81_503_488),
    "cifar_resnet32_v1": Size(466_426, 138_355_968),
    "cifar_resnet44_v1": Size(661_754, 195_208_448),
    "cifar_resnet56_v1": Size(857_082, 252_060_928),
    "cifar_resnet110_v1": Size(1_736_058, 507_897_088),
    "cifar_resnet20_v2": Size(271_098, 81_503_488),
    "cifar_resnet32_v2": Size(466_426, 138_355_968),
    "cifar_resnet44_v2": Size(661_754, 195_208_448),
    "cifar_resnet56_v2": Size(857_082, 252_060_928),
    "cifar_resnet110_v2": Size(1_736_058, 507_897_088),
    "cifar_resnet29_bottleneck": Size(316_282, 88_986_624),
    "cifar_resnet47_bottleneck": Size(504_442, 143_152_128),
    "cifar_resnet164_bottleneck": Size(1_727_482, 495_227_904),
}
