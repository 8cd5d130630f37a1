#!/usr/bin/env bash
# understudy convert and outputs: what they print and refuse, with the standard library alone. Whether PyTorch and onnxruntime
# answer as the program does, Tests/Reference/exchange.py checks.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
cat >state.py <<'PYTHON'
"""Writes a state dict: state.py PATH NAME=SHAPE..., a shape as 8x3x3x3; a name with ~ has negative numbers."""
import math, sys
sys.path.insert(0, sys.argv[1])
from files import safetensors

tensors = {}
for word in sys.argv[3:]:
    name, shape = word.split("=")
    shape = [int(side) for side in shape.split("x")]
    sign = -1 if name.endswith("~") else 1
    tensors[name.rstrip("~")] = (shape, [sign * (1 + i * 37 % 11) / 8 for i in range(math.prod(shape))])
safetensors(sys.argv[2], tensors)
PYTHON
state() { python3 state.py "$tests" "$@"; }
names() {
  python3 - "$1" <<'PYTHON'
import json, struct, sys
with open(sys.argv[1], "rb") as file:
    header = json.loads(file.read(*struct.unpack("<Q", file.read(8))))
print(*sorted(set(header) - {"__metadata__"}), *sorted(header.get("__metadata__", {}).values()))
PYTHON
}

python3 "$tests/files.py" network dense.safetensors 6 4 3
python3 "$tests/files.py" inputs x.npy 20 6
ends "help" 0 "state_dict" "--names-of" "--image" -- "$UNDERSTUDY" convert --help
ends "help of outputs" 0 "--inputs" "before softmax" -- "$UNDERSTUDY" outputs --help

# Fully connected networks: there and back, by PyTorch's names and by ONNX.
ends "to PyTorch" 0 "nn.Sequential(" "nn.Linear(6, 4)" "nn.ReLU()" "nn.Linear(4, 3)" 'load_file("torch.safetensors")' -- \
  "$UNDERSTUDY" convert dense.safetensors torch.safetensors
equal "its names" "$(names torch.safetensors)" "0.bias 0.weight 2.bias 2.weight 0.0"
ends "and back" 0 "0.weight is layers.0.weight" "2.bias   is layers.1.bias" "a network file of 6-4-3" -- \
  "$UNDERSTUDY" convert torch.safetensors back.safetensors
ends "to ONNX" 0 "operator set 17" "[N, 6]" "[N, 3]" -- "$UNDERSTUDY" convert dense.safetensors dense.onnx
ends "and back from it" 0 "a network file of 6-4-3" -- "$UNDERSTUDY" convert dense.onnx other.safetensors
ends "double precision" 0 -- "$UNDERSTUDY" convert dense.safetensors exact.safetensors --precision float64
ends "of which nothing is lost" 0 -- "$UNDERSTUDY" convert exact.safetensors same.safetensors
for file in dense back other same; do
  ends "outputs of $file" 0 -- "$UNDERSTUDY" outputs $file.safetensors --inputs x.npy --output $file.npy
done
check "are those of the same network" cmp dense.npy same.npy
check "single precision once is once" cmp back.npy other.npy
check "the network is the one that it was, to single precision" python3 - <<'PYTHON'
import struct
def numbers(path):
    data = open(path, "rb").read()[128:]
    return struct.unpack(f"<{len(data) // 8}d", data)
one, other = numbers("dense.npy"), numbers("back.npy")
assert len(one) == 60 and 0 < max(abs(a - b) for a, b in zip(one, other)) < 1e-5 * max(map(abs, one))
PYTHON

# Networks over images.
body=(conv1.weight=4x2x3x3 conv2.weight=5x4x3x3 bn1.running_mean=4 bn1.running_var=4 bn1.weight=4 bn1.bias=4
  bn2.running_mean=5 bn2.running_var=5 bn2.num_batches_tracked=1 fc.weight=3x20 fc.bias=3)
state images.safetensors "${body[@]}"
layers=(--image 2x6x6 --layers "conv 4 padding 1 max 2, conv 5 padding 1 stride 2")
ends "a state dict over images" 0 "conv1.weight     is layers.0.weight" "bn2.running_var  is layers.1.norm.running_var" \
  "images of 2 x 6 x 6: conv 4 padding 1 max 2, conv 5 stride 2 padding 1, 3 outputs" -- \
  "$UNDERSTUDY" convert images.safetensors network.safetensors "${layers[@]}" --normalization afterActivation
ends "to PyTorch" 0 "nn.Conv2d(2, 4, 3, padding=1)" "nn.ReLU()" "nn.BatchNorm2d(5, affine=False)" "nn.MaxPool2d(2)" \
  "nn.Flatten()" "nn.Linear(20, 3)" -- "$UNDERSTUDY" convert network.safetensors torch.safetensors
equal "its modules are counted" "$(names torch.safetensors | cut -d' ' -f1-6)" \
  "0.bias 0.weight 2.bias 2.running_mean 2.running_var 2.weight"
ends "with the names of a file" 0 "the names of images.safetensors" -- \
  "$UNDERSTUDY" convert network.safetensors again.safetensors --names-of images.safetensors --precision float64
equal "these are its names" "$(names again.safetensors | cut -d' ' -f1-6)" \
  "bn1.bias bn1.running_mean bn1.running_var bn1.weight bn2.running_mean bn2.running_var"
ends "read again, without a description" 0 -- "$UNDERSTUDY" convert again.safetensors twice.safetensors
python3 - <<'PYTHON'
import struct
text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (7, 2, 6, 6), }\n"
values = struct.pack("<504f", *((i * 29 % 101) / 50 - 1 for i in range(504)))
open("pictures.npy", "wb").write(b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + values)
PYTHON
for file in network twice; do
  ends "outputs of $file over images" 0 -- "$UNDERSTUDY" outputs $file.safetensors --inputs pictures.npy --output $file.npy
done
check "are the same" cmp network.npy twice.npy

# What is missing or wrong, with the remedy; nothing is written.
ends "no description" 2 images.safetensors "--normalization beforeActivation" -- \
  "$UNDERSTUDY" convert images.safetensors none.safetensors
ends "no image size" 2 "give --image (such as 3x32x32)" -- \
  "$UNDERSTUDY" convert images.safetensors none.safetensors --normalization afterActivation --layers "conv 4, conv 5"
ends "no layers" 2 'give --layers: the shapes say "conv 4, conv 5"' -- \
  "$UNDERSTUDY" convert images.safetensors none.safetensors --normalization afterActivation --image 2x6x6
ends "other layers" 2 '"conv2.weight" has shape [5, 4, 3, 3]' '--layers says "conv 6"' -- "$UNDERSTUDY" convert \
  images.safetensors none.safetensors --normalization afterActivation --image 2x6x6 --layers "conv 4, conv 6"
ends "too few layers" 2 "has 2 hidden layers" "names 1" -- "$UNDERSTUDY" convert \
  images.safetensors none.safetensors --normalization afterActivation --image 2x6x6 --layers "conv 4"
ends "other windows" 2 images.safetensors "20" -- "$UNDERSTUDY" convert \
  images.safetensors none.safetensors --normalization afterActivation --image 2x6x6 --layers "conv 4 padding 1, conv 5"
ends "other images" 2 "do not follow one another" "the lowest with 3" -- "$UNDERSTUDY" convert \
  images.safetensors none.safetensors --normalization afterActivation --image 3x6x6 --layers "conv 4, conv 5"
state broken.safetensors a.weight=4x3 b.weight=2x5
ends "layers that do not fit" 2 "do not follow one another: a [4, 3], b [2, 5]" -- \
  "$UNDERSTUDY" convert broken.safetensors none.safetensors
state norm.safetensors fc1.weight=4x3 fc2.weight=2x4 norm.weight=4 norm.bias=4
ends "another kind of layer" 2 '"norm.weight" of shape [4]' "no part of a Conv2d, Linear" -- \
  "$UNDERSTUDY" convert norm.safetensors none.safetensors
state unknown.safetensors fc1.weight=4x3 fc2.weight=4x4 fc3.weight=2x4 norm.running_mean=4 norm.running_var=4
ends "a normalisation of no layer" 2 'which layer "norm" normalises' -- \
  "$UNDERSTUDY" convert unknown.safetensors none.safetensors --normalization afterActivation
state negative.safetensors 0.weight=4x3 1.running_mean=4 1.running_var~=4 3.weight=2x4
ends "a negative variance" 2 "not negative" -- \
  "$UNDERSTUDY" convert negative.safetensors none.safetensors --normalization afterActivation
ends "names of another depth" 2 broken "do not follow" -- \
  "$UNDERSTUDY" convert dense.safetensors none.safetensors --names-of broken.safetensors
ends "names of another kind" 2 images.safetensors "names of 3 layers, and the network has 2" -- \
  "$UNDERSTUDY" convert dense.safetensors none.safetensors --names-of images.safetensors
state bare.safetensors 0.weight=4x6 2.weight=3x4
ends "names without biases" 2 bare.safetensors "no name for layers.0.bias" -- \
  "$UNDERSTUDY" convert dense.safetensors none.safetensors --names-of bare.safetensors
ends "a file of another kind" 2 x.npy "NumPy array" -- "$UNDERSTUDY" convert x.npy none.safetensors
ends "no such file" 2 "check the path" -- "$UNDERSTUDY" convert nowhere.safetensors none.safetensors
ends "the file that is read" 2 "write to another file" -- "$UNDERSTUDY" convert dense.safetensors dense.safetensors
ends "another slope than the file's" 2 "leave --activation out" -- \
  "$UNDERSTUDY" convert torch.safetensors none.safetensors --activation leakyRelu
head -c 300 dense.onnx >cut.onnx
ends "a truncated ONNX model" 2 cut.onnx "no ONNX model, or damaged" -- "$UNDERSTUDY" convert cut.onnx none.safetensors
ends "no ONNX model" 2 "is a NumPy array" -- bash -c 'cp x.npy x.onnx; "$UNDERSTUDY" convert x.onnx none.safetensors'
sed 's/Relu/Tanh/' dense.onnx >tanh.onnx
ends "an ONNX model of other operators" 2 "the Tanh that gives" "Conv, Gemm" -- \
  "$UNDERSTUDY" convert tanh.onnx none.safetensors
ends "an ONNX model where a network is asked for" 2 "understudy convert" -- \
  "$UNDERSTUDY" audit --teacher dense.onnx --student dense.onnx --inputs x.npy
check "nothing was written" test ! -e none.safetensors
ends "another ending" 64 ".safetensors or .onnx" -- "$UNDERSTUDY" convert dense.safetensors dense.pt
ends "names for ONNX" 64 "leave them out for ONNX" -- \
  "$UNDERSTUDY" convert dense.safetensors none.onnx --names-of torch.safetensors
ends "an image size that is none" 64 "such as 3x32x32" -- "$UNDERSTUDY" convert dense.safetensors n.onnx --image 32
ends "layers that are none" 64 "cannot be read" -- "$UNDERSTUDY" convert dense.safetensors n.onnx --layers "conv"
ends "inputs of another width" 2 pictures.npy "4 dimensions" -- \
  "$UNDERSTUDY" outputs dense.safetensors --inputs pictures.npy --output y.npy
ends "features for images" 2 x.npy "[image, channel, row, column]" -- \
  "$UNDERSTUDY" outputs network.safetensors --inputs x.npy --output y.npy
check "no outputs either" test ! -e y.npy

# What a newcomer may get wrong.
printf 'PK\003\004' >archive.onnx
ends "a file of another kind called ONNX" 2 "archive.onnx" "zip archive" -- "$UNDERSTUDY" convert archive.onnx none.safetensors
cp dense.safetensors dense-copy.onnx
ends "a network file called ONNX" 2 "ends in .safetensors" -- "$UNDERSTUDY" convert dense-copy.onnx none.safetensors
ends "outputs are arrays" 64 "ends in .npy" -- "$UNDERSTUDY" outputs dense.safetensors --inputs x.npy --output none.safetensors
state plain.safetensors 0.weight=4x6 2.weight=3x4
ends "an activation that nothing says" 0 "activation relu: no state dict says it" -- "$UNDERSTUDY" convert plain.safetensors assumed.safetensors
ends "one that is given" 0 -- "$UNDERSTUDY" convert plain.safetensors given.safetensors --activation leakyRelu
if grep -q "activation relu" ends.log; then fail "it is not said of one that is given"; else pass "it is not said of one that is given"; fi
check "nothing was written" test ! -e none.safetensors

finish
