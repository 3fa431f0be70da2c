#!/bin/sh
# deb.sh BUILD OUT: two Debian packages of what `make install` installs, for the release that this runs
# on: spanmap, and libspanmap-dev for programs that have it inside. Each is made of the tree below BUILD/deb, with dpkg-deb; dpkg-shlibdeps finds the libraries' packages.
set -eu

build=$1
out=$2
root=$build/deb
version=$("$build/spanmap" version | sed -n 's/^spanmap //p')
architecture=$(dpkg --print-architecture)

rm -rf "$root"
make -s install-files BUILD="$build" DESTDIR="$root" PREFIX=/usr SYSTEMD_UNIT_DIR=/lib/systemd/system
find "$root" -name '*.md' -exec gzip -9n {} +
install -D -m 644 deploy/systemd/spanmap.yaml "$root/etc/spanmap/spanmap.yaml"
install -D -m 644 LICENSE "$root/usr/share/doc/spanmap/copyright"
rm -f "$root/usr/share/doc/spanmap/LICENSE"
module=$root/usr/libexec/spanmap-grpc.so
strip "$root/usr/bin/spanmap" "$root/usr/libexec/spanmap-draw"
[ ! -e "$module" ] || strip --strip-unneeded "$module"

# dpkg-shlibdeps wants a source package around it.
depends_of() {
    binaries=$(realpath "$@")
    mkdir -p "$root.work/debian"
    printf 'Source: spanmap\n\nPackage: spanmap\nArchitecture: any\n' > "$root.work/debian/control"
    # shellcheck disable=SC2086 # a list of paths without blanks
    (cd "$root.work" && dpkg-shlibdeps -O $binaries 2> /dev/null | sed -n 's/^shlibs:Depends=//p')
    rm -rf "$root.work"
}

mkdir -p "$root/DEBIAN"
depends=$(depends_of "$root/usr/bin/spanmap" "$root/usr/libexec/spanmap-draw")
# What leaves by gRPC is asked for by few, so that its library is no more than recommended.
recommends=fonts-dejavu-core
if [ -e "$module" ]; then
    grpc=$(depends_of "$module" | tr ',' '\n' | grep grpc | tr -d '\n')
    recommends="$recommends, ${grpc# }"
fi

cat > "$root/DEBIAN/control" << CONTROL
Package: spanmap
Version: $version
Architecture: $architecture
Maintainer: spanmap <spanmap@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Recommends: $recommends
Section: net
Priority: optional
Description: service map from OpenTelemetry traces
 spanmap takes OpenTelemetry spans in, derives from them which service calls
 which, measures rate, errors and duration of every call, and hands out maps
 and metrics: a live page, SVG, DOT, JSON, and metrics for Prometheus.
CONTROL
echo /etc/spanmap/spanmap.yaml > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/postinst" << 'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart spanmap.service
fi
SCRIPT
cat > "$root/DEBIAN/prerm" << 'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now spanmap.service
fi
SCRIPT
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
find "$root" -type d -exec chmod 755 {} +
mkdir -p "$out"
dpkg-deb --root-owner-group --build "$root" "$out/spanmap_${version}_$architecture.deb"
rm -rf "$root"

# The library, shared and static. One package, since nothing else in the archive would share the first.
libraries=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
make -s install-library BUILD="$build" DESTDIR="$root" PREFIX=/usr LIBDIR="$libraries"
find "$root$libraries" -type f -name 'lib*' -exec strip --strip-unneeded {} +
mkdir -p "$root/DEBIAN"
requires=$(depends_of "$root$libraries"/libspanmap.so.*.*)
cat > "$root/DEBIAN/control" << CONTROL
Package: libspanmap-dev
Version: $version
Architecture: $architecture
Maintainer: spanmap <spanmap@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $requires
Suggests: spanmap, libprotobuf-c-dev, libjansson-dev, libpcre2-dev, libdeflate-dev, zlib1g-dev, libzstd-dev, libyaml-dev
Section: libdevel
Priority: optional
Description: service map from OpenTelemetry traces, inside another program
 The library and header of spanmap: OpenTelemetry requests in, maps and metrics
 out, without a socket. Linking it statically needs the suggested packages.
CONTROL
install -D -m 644 LICENSE "$root/usr/share/doc/libspanmap-dev/copyright"
install -D -m 644 docs/LIBRARY.md "$root/usr/share/doc/libspanmap-dev/LIBRARY.md"
find "$root" -type d -exec chmod 755 {} +
dpkg-deb --root-owner-group --build "$root" "$out/libspanmap-dev_${version}_$architecture.deb"
rm -rf "$root"
