#!/usr/bin/env bash
# Each command that estimates the memory it needs refuses before it takes any, where little is free, and says how much it needs.
# The system's word on what is free is replaced by a library that stands before the system's (as in allocations.sh).
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
cd "$work" || exit 1

cat >little.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#define OPENING(name) \
  int name(const char *file, int flags, ...) { \
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0; \
    va_end(list); \
    return next(strcmp(file, "/proc/meminfo") ? file : getenv("MEMINFO"), flags, mode); \
  }
OPENING(open)
OPENING(open64)
C
compiler=$(dirname "$(realpath "$(command -v swift)")")/clang
check "another word on what is free" "$compiler" -O2 -shared -fPIC -o little.so little.c -ldl
echo "MemAvailable:         20 kB" >meminfo
little=(env "LD_PRELOAD=$work/little.so" "MEMINFO=$work/meminfo" "$UNDERSTUDY")

python3 "$tests/files.py" deep teacher.safetensors student.safetensors 6 4 3
python3 "$tests/files.py" inputs x.npy 300 6
python3 "$tests/files.py" images pictures 80 60 6
cat >small.yaml <<'YAML'
network: {inputDimension: 10, outputDimension: 4}
teacher: {hiddenNodes: 4}
inputs: {training: {count: 200}, evaluation: {count: 200}}
training: {batchSize: 10, learningRate: 0.05, epochs: 2, stepsPerEpoch: 10}
seeds: 1
record: [{measures: [evaluationLoss], last: true}]
YAML
cat >images.yaml <<'YAML'
teacher: {layers: "conv 4", training: {epochs: 1, learningRate: 0.02, batchSize: 16}}
inputs: {images: pictures, training: {count: 80}, evaluation: {count: 60}}
training: {loss: squaredError, batchSize: 16, learningRate: 0.001, epochs: 1, stepsPerEpoch: 2}
seeds: 1
record: [{measures: [evaluationLoss], last: true}]
YAML
ends "enough for a study" 0 -- "$UNDERSTUDY" run small.yaml --no-report --results done
ends "enough for a study of images" 0 -- "$UNDERSTUDY" run images.yaml --no-report --results seen

refused() {
  local what=$1
  shift
  ends "$what" 2 "of memory" "20.5 kB are free" -- "${little[@]}" "$@"
}
refused "a study" run small.yaml --results none
refused "a study of images" run images.yaml --results none
refused "an audit of files" audit --teacher teacher.safetensors --student student.safetensors --inputs x.npy
refused "an audit of runs" audit done
refused "files of a run" extract done --into none
refused "a smaller network, over arrays" prune student.safetensors --inputs x.npy --keep 4-4 --output none.safetensors
refused "a smaller network, over images" prune seen/weights/*.safetensors --images pictures --keep 2 --output none.safetensors
check "nothing was written" bash -c "! ls none*"

finish
