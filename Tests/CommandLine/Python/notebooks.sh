#!/usr/bin/env bash
# The notebooks, executed as a user does, with the installed Python package and the program in the PATH.
. "$(dirname "${BASH_SOURCE[0]}")/../support.bash"
. "$(dirname "${BASH_SOURCE[0]}")/package.bash"

check "pip installs the package" install_package "$work/packages"
mkdir "$work/bin"
ln -s "$(realpath "$UNDERSTUDY")" "$work/bin/understudy"
export UNDERSTUDY_PYTHON=${UNDERSTUDY_PYTHON:-$python}
for notebook in "$repository"/Python/notebooks/*.ipynb; do
  check "$(basename "$notebook")" env PATH="$work/bin:$PATH" IPYTHONDIR="$work/ipython" JUPYTER_RUNTIME_DIR="$work/jupyter" \
    "$python" "$repository/Python/notebooks/execute.py" "$notebook"
done
finish
