#!/bin/sh
# Prints the name of a clang-format of the version that the style is written for;
# fails where there is none, since other versions lay out some lines otherwise.
set -u

version=14
for name in "${VENV:-build/venv}/bin/clang-format" "clang-format-$version" clang-format; do
    if command -v "$name" > /dev/null && "$name" --version | grep -q "version $version\."; then
        # With its whole path: it may be called from elsewhere.
        case $name in
        /* | clang-format*) echo "$name" ;;
        *) echo "$PWD/$name" ;;
        esac
        exit 0
    fi
done
exit 1
