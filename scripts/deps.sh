#!/bin/sh
# Writes, as make variables, what the compiler and pkg-config say about this
# machine. Stops with one clear line where a library that spanmap needs is missing.
set -eu

required='libuv libnghttp2 libprotobuf-c jansson libcurl snappy libpcre2-8 libdeflate zlib libzstd yaml-0.1 libxxhash libssl libcrypto'

die() {
    echo "spanmap: $1" >&2
    exit 1
}

command -v pkg-config > /dev/null || die 'pkg-config is missing (Debian: pkg-config)'

for name in $required libcrypt; do
    pkg-config --exists "$name" || die "pkg-config does not find $name; scripts/setup.sh build installs it"
done

if command -v protoc-c > /dev/null; then
    echo 'PROTOC_C := protoc-c'
elif command -v protoc > /dev/null && command -v protoc-gen-c > /dev/null; then
    echo 'PROTOC_C := protoc'
else
    die 'protoc-c is missing (Debian: protobuf-c-compiler)'
fi

# shellcheck disable=SC2086 # a list of words on purpose
cflags=$(pkg-config --cflags $required)
# shellcheck disable=SC2086
libs=$(pkg-config --libs $required)

# Debian 12 ships llhttp as C sources to compile, later releases as a library.
if pkg-config --exists libllhttp; then
    cflags="$cflags $(pkg-config --cflags libllhttp)"
    libs="$libs $(pkg-config --libs libllhttp)"
elif [ -f /usr/share/llhttp/llhttp.c ]; then
    cflags="$cflags -isystem /usr/share/include/llhttp"
    echo 'LLHTTP_DIR := /usr/share/llhttp'
    echo 'LLHTTP_SOURCES := api.c http.c llhttp.c'
else
    die 'llhttp is missing (Debian 12: node-llhttp, later: libllhttp-dev)'
fi

echo "DEP_CFLAGS := $cflags"
# A sanitizer's runtime has a crypt_r of its own that calls the library's, which the linker would
# then find to be needed by nobody.
crypt=$(pkg-config --libs libcrypt)
echo "DEP_LIBS := $libs -Wl,--no-as-needed $crypt -Wl,--as-needed -lm"

if pkg-config --exists libgvc libcgraph; then
    echo "GVC_CFLAGS := $(pkg-config --cflags libgvc libcgraph)"
    echo "GVC_LIBS := $(pkg-config --libs libgvc libcgraph)"
fi

if pkg-config --exists grpc gpr; then
    echo "GRPC_CFLAGS := $(pkg-config --cflags grpc)"
    echo "GRPC_LIBS := $(pkg-config --libs grpc gpr)"
fi

# It comes with what the tests need, which may be installed after this was written.
echo "CMOCKA_LIBS := $(pkg-config --libs cmocka 2> /dev/null || echo -lcmocka)"

# Options that only some compilers and machines know.
hardening=
for option in -fstack-clash-protection -fcf-protection; do
    if echo 'int main(void) { return 0; }' |
        ${CC:-cc} -Werror "$option" -x c -c -o /dev/null - 2> /dev/null; then
        hardening="$hardening $option"
    fi
done
echo "DEP_HARDENING :=$hardening"
