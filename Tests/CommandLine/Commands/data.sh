#!/usr/bin/env bash
# Sets of images: what data list and data check say of sets that are whole, damaged or not there.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"

cd "$work" || exit 1
unset UNDERSTUDY_DATASETS
cat >sets.py <<'PYTHON'
"""Writes small sets: sets.py LAYOUT FOLDER, for LAYOUT in idx, gzip, cifar, arrays."""
import gzip, struct, sys
from pathlib import Path

layout, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(exist_ok=True, parents=True)


def array(name, kind, shape, data):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({''.join(f'{n}, ' for n in shape)}), }}\n".encode()
    (folder / name).write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + data)


def pixels(count):
    return bytes(i * 37 % 256 for i in range(count))


if layout in ("idx", "gzip"):
    def write(name, shape, data):
        content = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data
        (folder / f"{name}.gz" if layout == "gzip" else folder / name).write_bytes(gzip.compress(content) if layout == "gzip" else content)
    write("train-images-idx3-ubyte", (6, 5, 4), pixels(120))
    write("train-labels-idx1-ubyte", (6,), bytes([0, 1, 2, 0, 1, 2]))
    write("t10k-images-idx3-ubyte", (3, 5, 4), pixels(60))
    write("t10k-labels-idx1-ubyte", (3,), bytes([2, 1, 0]))
elif layout == "cifar":
    for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
        (folder / name).write_bytes(b"".join(bytes([label]) + pixels(3072) for label in range(10)))
else:
    array("train-images.npy", "<f4", (4, 3, 2, 2), struct.pack("<48f", *(i / 8 for i in range(48))))
    array("train-labels.npy", "<i8", (4,), struct.pack("<4q", 0, 1, 1, 0))
    array("test-images.npy", "<f4", (2, 3, 2, 2), struct.pack("<24f", *(i / 8 for i in range(24))))
    array("test-labels.npy", "<i8", (2,), struct.pack("<2q", 1, 0))
PYTHON
for layout in idx gzip cifar arrays; do check "writing $layout" python3 sets.py $layout $layout; done

echo "Whole sets"
ends "IDX files" 0 "idx: IDX files in idx, images of 1 x 5 x 4" "3 classes" -- "$UNDERSTUDY" data check idx
cp ends.log idx.log
ends "gzipped" 0 "gzip: IDX files in gzip" -- "$UNDERSTUDY" data check gzip
check "they are the same" cmp <(tail -n +2 idx.log) <(tail -n +2 ends.log)
ends "CIFAR-10" 0 "images of 3 x 32 x 32" "10 classes" -- "$UNDERSTUDY" data check cifar
printf '%s\n' airplane automobile bird cat deer dog frog horse ship truck >cifar/batches.meta.txt
ends "with the names of its classes" 0 "9 truck" -- "$UNDERSTUDY" data check cifar
ends "arrays" 0 "arrays: NumPy arrays in arrays, images of 3 x 2 x 2" "2 classes" -- "$UNDERSTUDY" data check arrays
ends "several" 0 "idx: IDX" "arrays: NumPy" -- "$UNDERSTUDY" data check idx arrays
"$UNDERSTUDY" data check idx cifar arrays --json >check.json
check "JSON has the sets' numbers" python3 - <<'PYTHON'
import json, statistics
idx, cifar, arrays = json.load(open("check.json"))
assert (idx["channels"], idx["rows"], idx["columns"], idx["classCount"]) == (1, 5, 4, 3), idx
training, evaluation = idx["parts"]
assert (training["name"], training["imageCount"], training["imagesPerClass"]) == ("training", 6, [2, 2, 2]), training
assert (evaluation["name"], evaluation["imageCount"], evaluation["imagesPerClass"]) == ("evaluation", 3, [1, 1, 1]), evaluation
pixels = [i * 37 % 256 / 255 for i in range(120)]
assert abs(training["channelMeans"][0] - statistics.fmean(pixels)) < 1e-12, training
assert abs(training["channelDeviations"][0] - statistics.pstdev(pixels)) < 1e-12, training
assert cifar["classNames"][9] == "truck" and cifar["parts"][0]["imageCount"] == 50, cifar
assert "classNames" not in arrays and len(arrays["parts"][0]["channelMeans"]) == 3, arrays
values = [i / 8 for i in range(48)]
for channel in range(3):
    mine = [v for i, v in enumerate(values) if i // 4 % 3 == channel]
    assert abs(arrays["parts"][0]["channelMeans"][channel] - statistics.fmean(mine)) < 1e-12, arrays
    assert abs(arrays["parts"][0]["channelDeviations"][channel] - statistics.pstdev(mine)) < 1e-12, arrays
PYTHON
ln -s idx link
ends "a set may be a link" 0 "3 classes" -- "$UNDERSTUDY" data check link

echo "By name"
ends "a list" 0 "fashion-mnist" "cifar10: is not on this machine" "download the binary version from https://www.cs.toronto.edu" -- \
  "$UNDERSTUDY" data list
mkdir -p sets
cp -r cifar sets/cifar-10-batches-bin
cp -r gzip sets/mnist
ends "in UNDERSTUDY_DATASETS" 0 "cifar10: CIFAR-10, binary version in sets/cifar-10-batches-bin" "mnist: IDX files in sets/mnist" -- \
  env UNDERSTUDY_DATASETS=sets "$UNDERSTUDY" data check cifar10 mnist
UNDERSTUDY_DATASETS=sets "$UNDERSTUDY" data list --json >list.json
check "the list as JSON" python3 - <<'PYTHON'
import json
sets = {entry["name"]: entry for entry in json.load(open("list.json"))}
assert set(sets) == {"fashion-mnist", "cifar10", "mnist"}, sets
assert sets["cifar10"]["folder"] == "sets/cifar-10-batches-bin" and sets["cifar10"]["images"]["trainingCount"] == 50, sets
assert sets["mnist"]["images"]["classCount"] == 3 and "problem" not in sets["mnist"], sets
PYTHON
mkdir -p damaged/mnist
ends "a damaged set in the list" 0 "mnist: has no set of images" -- env UNDERSTUDY_DATASETS=damaged "$UNDERSTUDY" data list
mkdir -p cifar10
ends "in the working directory" 2 "cifar10: has no set of images" "cs.toronto.edu" -- "$UNDERSTUDY" data check cifar10
rmdir cifar10
ends "a set that is not there" 2 "cifar10: is not on this machine" "download the binary version from https://www.cs.toronto.edu" -- \
  "$UNDERSTUDY" data check cifar10

# bad WHAT LAYOUT COMMAND TEXT...: a set is refused after the command was run in its folder.
bad() {
  local what=$1 layout=$2 command=$3
  shift 3
  rm -rf bad
  cp -r "$layout" bad
  (cd bad && eval "$command") || fail "$what" "cannot be made"
  ends "$what" 2 "error: bad" "$@" -- "$UNDERSTUDY" data check bad
}

echo "Folders"
ends "no folder" 2 "nowhere: no such folder" "fashion-mnist, cifar10, mnist" -- "$UNDERSTUDY" data check nowhere
ends "a file" 2 "sets.py: is a file; give the folder" -- "$UNDERSTUDY" data check sets.py
ends "no set given" 64 "Usage" -- "$UNDERSTUDY" data check
ends "one of two" 2 "idx: IDX files" "nowhere: no such folder" -- "$UNDERSTUDY" data check nowhere idx
bad "an empty folder" idx 'rm *' "has no set of images" "data_batch_1.bin"
bad "a missing file" idx 'rm t10k-labels-idx1-ubyte' "t10k-labels-idx1-ubyte is missing"
bad "two missing files" cifar 'rm data_batch_2.bin test_batch.bin' "data_batch_2.bin, test_batch.bin are missing"
bad "files of two sets" idx 'cp ../arrays/* .' "several sets" "give each a folder"
bad "CIFAR-10 for Python" cifar 'for f in *.bin; do mv $f ${f%.bin}; done' "Python version" "get its binary version"

echo "Files"
bad "a truncated file" cifar 'truncate -s -1 data_batch_3.bin' bad/data_batch_3.bin "truncated" "anew"
bad "a wrong label" cifar 'printf "\012" | dd of=test_batch.bin bs=1 seek=3073 conv=notrunc status=none' bad/test_batch.bin "label 10 of image 1"
bad "an empty file" cifar ': >data_batch_1.bin' bad/data_batch_1.bin "is empty"
bad "wrong names of classes" cifar 'echo horse >>batches.meta.txt' bad/batches.meta.txt "11 names"
bad "truncated images" idx 'truncate -s -1 train-images-idx3-ubyte' bad/train-images-idx3-ubyte "truncated" "anew"
bad "images with more bytes" idx 'echo >>train-images-idx3-ubyte' bad/train-images-idx3-ubyte "more bytes than the 136"
bad "a wrong magic number" idx 'printf "\001" | dd of=train-images-idx3-ubyte bs=1 conv=notrunc status=none' \
  bad/train-images-idx3-ubyte "no IDX file"
bad "images for labels" idx 'cp t10k-images-idx3-ubyte t10k-labels-idx1-ubyte' bad/t10k-labels-idx1-ubyte "changed places"
bad "fewer labels than images" idx 'cp t10k-labels-idx1-ubyte train-labels-idx1-ubyte' "6 images" "3 labels"
bad "parts of two sizes" idx \
  'printf "\0\0\010\003\0\0\0\003\0\0\0\004\0\0\0\005" | dd of=t10k-images-idx3-ubyte bs=1 conv=notrunc status=none' \
  "1 x 5 x 4" "1 x 4 x 5" "one size"
bad "a huge count" idx 'printf "\0\0\010\003\377\377\377\377" | dd of=train-images-idx3-ubyte bs=1 conv=notrunc status=none' \
  bad/train-images-idx3-ubyte "truncated or damaged"
bad "a truncated gzip file" gzip 'truncate -s -1 train-images-idx3-ubyte.gz' bad/train-images-idx3-ubyte.gz "truncated" "anew"
bad "a wrong checksum" gzip \
  'printf "\125\252" | dd of=train-images-idx3-ubyte.gz bs=1 seek=$(($(wc -c <train-images-idx3-ubyte.gz) - 8)) conv=notrunc status=none' \
  bad/train-images-idx3-ubyte.gz "checksum"
bad "a web page" gzip 'echo "<html>" >t10k-images-idx3-ubyte.gz' bad/t10k-images-idx3-ubyte.gz "no IDX file"
bad "a directory for a file" idx 'rm train-labels-idx1-ubyte && mkdir train-labels-idx1-ubyte' bad/train-labels-idx1-ubyte "is a directory"
bad "a pipe for a file" idx 'rm train-labels-idx1-ubyte && mkfifo train-labels-idx1-ubyte' bad/train-labels-idx1-ubyte "not a regular file"
bad "truncated arrays" arrays 'truncate -s -1 train-images.npy' bad/train-images.npy "truncated"
bad "labels for images" arrays 'cp train-labels.npy train-images.npy' bad/train-images.npy "not pixels"
bad "not a number" arrays \
  'printf "\0\0\300\177" | dd of=test-images.npy bs=1 seek=$(($(wc -c <test-images.npy) - 4)) conv=notrunc status=none' \
  bad/test-images.npy "holds nan at element [1, 2, 1, 1]"

finish
