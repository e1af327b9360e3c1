#!/bin/sh
# Prints the first Python 3.11, 3.12 or 3.13 among its arguments and the usual names, or says what to install.

for candidate in "$@" python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        command -v "$candidate"
        exit 0
    fi
    seen="$seen $candidate ($("$candidate" --version 2>&1 | head -n 1))"
done
cat >&2 <<MESSAGE
Arrears needs Python 3.11, 3.12 or 3.13. Looked at:$seen
Install one, then run the same command again:
  Debian, Ubuntu   sudo apt-get install python3 python3-venv     (older releases have none: use pyenv or uv)
  Fedora           sudo dnf install python3.13
  macOS            brew install python@3.13
Where it is not on PATH, name it: make demo PYTHON=/path/to/python3
MESSAGE
exit 1
