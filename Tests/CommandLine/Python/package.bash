# Sourced by what uses the Python package: `python`, and a way to install the package for it.
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
python=$(command -v python3)
[ ! -x "$repository/.venv/bin/python" ] || python=$repository/.venv/bin/python

# install_package FOLDER: as `pip install ./Python`, but into a new folder that is added to PYTHONPATH, and with the build
# backend that is there, so that no network is needed.
install_package() {
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --target "$1" \
    "$repository/Python" || return 1
  export PYTHONPATH=$1${PYTHONPATH:+:$PYTHONPATH}
}
