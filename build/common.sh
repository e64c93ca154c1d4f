# What the scripts in this folder share. Source it after `cd` to the repository's root.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en PYTHONDONTWRITEBYTECODE=1

# If the environment turns the compiler server off, each project of a build starts its own cold compiler.
export UseSharedCompilation=true
script=build/$(basename "$0")

fail() { echo "$script: $*" >&2; exit 1; }

# For a wrong option or value, unlike a failure.
wrong() { echo "$script: $*" >&2; exit 2; }

# The comment at the top of the script is its help.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0; }

step() { printf '\n== %s\n' "$*"; }

# Debian's own python3, if present: Debian's Python packages are for it.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

# The packages of those COMMAND=PACKAGE pairs whose command is missing. A command may also be a file.
missing() { for pair in "$@"; do command -v "${pair%%=*}" >/dev/null || [ -e "${pair%%=*}" ] || echo "${pair#*=}"; done | sort -u; }

# Installs packages with apt-get if this is root or has passwordless sudo, one by one: a package that a distribution does
# not have must not keep the others out. No service is started.
install_packages() {
  local as_root='' package
  [ "$(id -u)" = 0 ] || as_root='sudo -n'
  command -v apt-get >/dev/null && { [ -z "$as_root" ] || sudo -n true 2>/dev/null; } || return 0
  echo "installing $*"
  $as_root apt-get update -qq || true
  for package in "$@"; do
    $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null \
      || echo "could not install $package"
  done
}

# Installs what is missing from COMMAND=PACKAGE pairs, and fails if something still is.
need() {
  local packages
  packages=$(missing "$@")
  [ -n "$packages" ] && install_packages $packages
  packages=$(missing "$@")
  [ -z "$packages" ] || fail "missing:" $packages". Install with: apt-get install" $packages
}

# A background command of a shell ignores INT and QUIT, one of nohup HUP, and their children inherit that.
with_default_signals() { env --default-signal=INT,QUIT,HUP "$@"; }
