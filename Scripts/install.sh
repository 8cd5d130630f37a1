#!/usr/bin/env bash
# Installs what Understudy needs and this machine lacks: Debian or Ubuntu packages, and a Python environment in .venv.
#
#   Scripts/install.sh [--tests]     --tests: also what only the tests need
#
# Root is asked for, through sudo, only if a package is missing. With nothing missing it needs neither root nor network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
  echo "install: $*" >&2
  exit 1
}

requirements=(-r Scripts/requirements.txt)
case "${1:-}" in
  --tests) requirements+=(-r Scripts/requirements-tests.txt) ;;
  "") ;;
  *) stop "unknown argument $1; the only one is --tests" ;;
esac

# The first Python that can make a virtual environment; Debian's lacks ensurepip until python3-venv is installed.
usable_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_environment() {
  .venv/bin/python -m pip --version >/dev/null 2>&1
}

# --- system packages ---

command -v swift >/dev/null || stop "no swift in PATH; install the toolchain first: https://www.swift.org/install"

missing=()
if command -v dpkg-query >/dev/null; then
  command -v git >/dev/null || missing+=(git)
  # Through pkg-config the compiler finds OpenBLAS.
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  for package in libsqlite3-dev libopenblas-dev liblapacke-dev libdnnl-dev libboost-dev zlib1g-dev dataset-fashion-mnist; do
    is_installed "$package" || missing+=("$package")
  done
  has_environment || usable_python >/dev/null || missing+=(python3 python3-venv)
else
  echo "install: not Debian or Ubuntu: SQLite's, LAPACKE's and zlib's headers, OpenBLAS, oneDNN 2.6, Boost's headers, pkg-config and Python 3.9 or later with venv have to be there already" >&2
fi
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  by_hand="missing: ${missing[*]}; have an administrator run: apt-get install ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "$by_hand (you are not root, and there is no sudo)"
    sudo -n true 2>/dev/null || [ -t 0 ] || stop "$by_hand (sudo wants a password, and there is no terminal)"
    as_root=(sudo)
  fi
  echo "install: installing ${missing[*]}"
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  install_packages() {
    "${as_root[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null
  }
  # The lists of a fresh machine are empty or old: try with what is there, then with new ones.
  if ! install_packages 2>/dev/null; then
    "${as_root[@]}" update </dev/null || stop "apt-get update failed; is there a network?"
    install_packages || stop "could not install ${missing[*]}"
  fi
fi

# --- Python environment ---

if ! has_environment; then
  python=$(usable_python) || stop "no Python 3.9 or later that can make virtual environments"
  echo "install: making .venv with $python"
  rm -rf .venv
  "$python" -m venv .venv || stop "$python could not make .venv"
fi
# pip leaves alone what is there, and then asks no network.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "${requirements[@]}" ||
  stop "pip could not install what Scripts/requirements*.txt name; is there a network?"
