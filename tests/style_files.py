"""Files in which others publish PGGAN, StyleGAN and their company, made of the state of ours."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

State = Mapping[str, Tensor]
Tensors = dict[str, Tensor]


def side(index: int) -> int:
    return 4 << index // 2


def hwio(weight: Tensor) -> Tensor:
    """(out, in, k, k) as TensorFlow has it."""
    return weight.permute(2, 3, 1, 0)


def turned(weight: Tensor) -> Tensor:
    """What a layer stores that doubles and filters in one step."""
    return weight.flip(2, 3)


def truly(index: int, fused_from: float) -> bool:
    return index % 2 == 0 and side(index) >= fused_from


def karras(index: int, first: str) -> str:
    name = "Conv" if index == 1 else "Conv1" if index % 2 else first
    return f"{side(index)}x{side(index)}/{name}"


def counted(state: State, ending: str) -> int:
    return sum(name.endswith(ending) for name in state)


def first_filter(state: State) -> Tensor:
    """The first layer of a PGGAN as a convolution that sees one pixel in 16 places."""
    weight = state["first.dense.weight"]
    return weight.view(-1, 4, 4, weight.shape[1]).permute(0, 3, 1, 2).flip(2, 3)


def karras_pggan(state: State, fused_from: float = math.inf) -> Tensors:
    file = {
        "lod": torch.zeros((), dtype=state["first.bias"].dtype),
        "4x4/Dense/weight": state["first.dense.weight"].T,
        "4x4/Dense/bias": state["first.bias"],
    }
    convs = counted(state, "bias") * 2 // 3
    for index in range(1, convs):
        fused = truly(index, fused_from)
        name = karras(index, "Conv0_up" if fused else "Conv0")
        weight = state[f"convs.{index - 1}.weight"]
        file[f"{name}/weight"] = turned(weight).permute(2, 3, 0, 1) if fused else hwio(weight)
        file[f"{name}/bias"] = state[f"convs.{index - 1}.bias"]
    for scale in range(convs // 2):
        name = f"ToRGB_lod{convs // 2 - 1 - scale}"
        file[f"{name}/weight"] = hwio(state[f"outputs.{scale}.weight"])
        file[f"{name}/bias"] = state[f"outputs.{scale}.bias"]
    return file


def mganprior_pggan(state: State, fused_from: float = math.inf) -> Tensors:
    file = {
        "lod": torch.zeros((), dtype=state["first.bias"].dtype),
        "layer0.conv.weight": first_filter(state),
        "layer0.wscale.bias": state["first.bias"],
    }
    for index in range(1, counted(state, "bias") * 2 // 3):
        weight = state[f"convs.{index - 1}.weight"]
        if truly(index, fused_from):
            file[f"layer{index}.weight"] = hwio(turned(weight))
        else:
            file[f"layer{index}.conv.weight"] = weight
        file[f"layer{index}.wscale.bias"] = state[f"convs.{index - 1}.bias"]
    for scale in range(counted(state, "bias") // 3):
        file[f"output{scale}.conv.weight"] = state[f"outputs.{scale}.weight"]
        file[f"output{scale}.wscale.bias"] = state[f"outputs.{scale}.bias"]
    return file


def genforce_pggan(state: State, fused_from: float = math.inf) -> Tensors:
    file = {}
    for name, tensor in mganprior_pggan(state).items():
        file[name.replace(".conv.", ".").replace(".wscale.", ".")] = tensor
    for index in range(2, counted(state, "bias") * 2 // 3):
        if truly(index, fused_from):
            weight = state[f"convs.{index - 1}.weight"]
            file[f"layer{index}.weight"] = turned(weight).transpose(0, 1)
    return file


def karras_stylegan(state: State, fused_from: float = 128) -> Tensors:
    file = {"dlatent_avg": state["w_avg"][0], "G_synthesis/lod": torch.zeros(())}
    for index in range(counted(state, ".noise")):
        ours = f"synthesis.{index}."
        name = f"G_synthesis/{karras(index, 'Conv0_up') if index else '4x4/Const'}"
        if index:
            weight = state[f"{ours}conv.weight"]
            weight = turned(weight) if truly(index, fused_from) else weight
            file[f"{name}/weight"] = hwio(weight)
        else:
            file[f"{name}/const"] = state["const"]
        file[f"{name}/bias"] = state[f"{ours}conv.bias"]
        file[f"{name}/Noise/weight"] = state[f"{ours}noise_strength"]
        file[f"{name}/StyleMod/weight"] = state[f"{ours}style.weight"].T
        file[f"{name}/StyleMod/bias"] = state[f"{ours}style.bias"]
        file[f"G_synthesis/noise{index}"] = state[f"{ours}noise"]
    scales = counted(state, ".noise") // 2
    for scale in range(scales):
        name = f"G_synthesis/ToRGB_lod{scales - 1 - scale}"
        file[f"{name}/weight"] = hwio(state[f"outputs.{scale}.weight"])
        file[f"{name}/bias"] = state[f"outputs.{scale}.bias"]
    for name, tensor in state.items():
        if name.startswith("mapping."):
            _, number, part = name.split(".")
            file[f"G_mapping/Dense{number}/{part}"] = tensor.T if part == "weight" else tensor
    if "labels" in state:
        file["G_mapping/LabelConcat/weight"] = state["labels"]
    return file


def mganprior_stylegan(state: State, fused_from: float = 128) -> Tensors:
    rows = counted(state, ".noise")
    file = {"truncation.w_avg": state["w_avg"][0], "synthesis.lod": torch.zeros(())}
    file["truncation.truncation"] = torch.where(torch.arange(rows) < 2, 0.5, 1.0).view(1, -1, 1)
    for index in range(rows):
        ours, name = f"synthesis.{index}.", f"synthesis.layer{index}."
        if index:
            weight = state[f"{ours}conv.weight"]
            if truly(index, fused_from):
                file[f"{name}weight"] = hwio(turned(weight))
            else:
                file[f"{name}conv.weight"] = weight
        else:
            file[f"{name}const"] = state["const"]
        if index and index % 2 == 0:
            taps = torch.tensor([0.25, 0.5, 0.25])
            file[f"{name}blur.kernel"] = torch.outer(taps, taps).expand(len(weight), 1, 3, 3)
        epilogue = f"{name}epilogue."
        file[f"{epilogue}bias"] = state[f"{ours}conv.bias"]
        file[f"{epilogue}apply_noise.weight"] = state[f"{ours}noise_strength"]
        file[f"{epilogue}apply_noise.noise"] = state[f"{ours}noise"]
        file[f"{epilogue}style_mod.dense.fc.weight"] = state[f"{ours}style.weight"]
        file[f"{epilogue}style_mod.dense.wscale.bias"] = state[f"{ours}style.bias"]
    for scale in range(rows // 2):
        file[f"synthesis.output{scale}.conv.weight"] = state[f"outputs.{scale}.weight"]
        file[f"synthesis.output{scale}.bias"] = state[f"outputs.{scale}.bias"]
    for name, tensor in state.items():
        if name.startswith("mapping."):
            _, number, part = name.split(".")
            part = "fc.weight" if part == "weight" else "wscale.bias"
            file[f"mapping.dense{number}.{part}"] = tensor
    if "labels" in state:
        file["mapping.label_weight"] = state["labels"]
    return file


def interfacegan_stylegan(state: State, fused_from: float = 128) -> Tensors:
    file = mganprior_stylegan(state, fused_from)
    renamed = {".fc.": ".linear.", "layer0.const": "layer0.first_layer"}
    for old, new in renamed.items():
        file = {name.replace(old, new): tensor for name, tensor in file.items()}
    return file


def genforce_stylegan(state: State, fused_from: float = 128) -> Tensors:
    """As it is now: what doubles in one step has the axes of what does not."""
    shorter = {".epilogue.style_mod.dense": ".style", ".epilogue": "", ".conv.": "."}
    shorter |= {".fc.": ".", ".wscale.": "."}
    file = {}
    for name, tensor in mganprior_stylegan(state, math.inf).items():
        for old, new in shorter.items():
            name = name.replace(old, new)
        file[name] = tensor
    for index in range(2, counted(state, ".noise"), 2):
        if truly(index, fused_from):
            file[f"synthesis.layer{index}.weight"] = turned(state[f"synthesis.{index}.conv.weight"])
    file["truncation.w_avg"] = state["w_avg"].flatten()
    return {name: t for name, t in file.items() if name != "truncation.truncation"}


def older_genforce_stylegan(state: State, fused_from: float = 128) -> Tensors:
    """As it was once: what doubles in one step has its axes in another order."""
    file = genforce_stylegan(state, fused_from)
    for index in range(2, counted(state, ".noise"), 2):
        if truly(index, fused_from):
            name = f"synthesis.layer{index}.weight"
            file[name] = file[name].transpose(0, 1)
    return file


def karras_discriminator(state: State, down: str = "Conv1_down") -> Tensors:
    blocks = counted(state, "down.bias")
    file = {"lod": torch.zeros(())}

    def put(name: str, ours: str) -> None:
        file[f"{name}/weight"] = hwio(state[f"{ours}.weight"])
        file[f"{name}/bias"] = state[f"{ours}.bias"]

    put("FromRGB_lod0", "from_image")
    for number in range(1, blocks + 1):  # of growing, no longer used
        file[f"FromRGB_lod{number}/weight"] = torch.zeros(1, 1, 3, 2)
        file[f"FromRGB_lod{number}/bias"] = torch.zeros(2)
    for index in range(blocks):
        size = 4 << (blocks - index)
        put(f"{size}x{size}/Conv0", f"blocks.{index}.conv")
        put(f"{size}x{size}/{down}", f"blocks.{index}.down")
    put("4x4/Conv", "conv")
    for name, ours in (("Dense0", "dense"), ("Dense1", "out")):
        file[f"4x4/{name}/weight"] = state[f"{ours}.weight"].T
        file[f"4x4/{name}/bias"] = state[f"{ours}.bias"]
    return file


def _norm(file: Tensors, name: str, names: Mapping[str, str], state: State, ours: str) -> None:
    for part, theirs in names.items():
        if f"{ours}.{part}" in state:
            file[f"{name}{theirs}"] = state[f"{ours}.{part}"]


def pytorch_encoder(state: State) -> Tensors:
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = {part: part for part in parts}
    blocks = counted(state, "steps.1.conv.bias")
    file = {"block0.conv.weight": state["first.conv.weight"]}
    _norm(file, "block0.bn.bn.", names, state, "first.norm")
    for number in range(1, blocks + 1):
        steps = {"shortcut": "", "steps.0": "1", "steps.1": "2"}
        for step, ending in steps.items():
            ours = f"blocks.{number - 1}.{step}"
            if f"{ours}.conv.weight" not in state:
                continue
            file[f"block{number}.conv{ending}.weight"] = state[f"{ours}.conv.weight"]
            if ending:
                file[f"block{number}.wscale{ending}.bias"] = state[f"{ours}.conv.bias"]
            _norm(file, f"block{number}.bn{ending}.bn.", names, state, f"{ours}.norm")
    file[f"block{blocks + 1}.fc.weight"] = state["last.weight"]
    _norm(file, f"block{blocks + 1}.bn.bn.", names, state, "norm")
    return file


def tensorflow_encoder(state: State) -> Tensors:
    names = {"weight": "gamma", "bias": "beta"}
    names |= {"running_mean": "moving_mean", "running_var": "moving_variance"}
    file = {"Latent_out/weight": state["last.weight"].T, "Latent_out/bias": state["last.bias"]}
    _norm(file, "Latent_out/batch_norm/", names, state, "norm")
    places = {"FromImg": "first"}
    for number in range(counted(state, "steps.1.conv.bias")):
        for theirs, ours in {
            "Shortcut": "shortcut",
            "Conva": "steps.0",
            "Convb": "steps.1",
        }.items():
            places[f"E_block_{number}/{theirs}"] = f"blocks.{number}.{ours}"
    for name, ours in places.items():
        if f"{ours}.conv.weight" in state:
            file[f"{name}/weight"] = hwio(state[f"{ours}.conv.weight"])
            _norm(file, f"{name}/batch_norm/", names, state, f"{ours}.norm")
        if f"{ours}.conv.bias" in state:
            file[f"{name}/bias"] = state[f"{ours}.conv.bias"]
    return file
