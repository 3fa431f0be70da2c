#!/bin/sh
# deb.sh BUILD OUT: a Debian package of what `make install` installs, for the release that this runs on.
# It is made of the tree below BUILD/deb, with dpkg-deb; dpkg-shlibdeps finds the libraries' packages.
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
strip "$root/usr/bin/spanmap" "$root/usr/libexec/spanmap-draw"

# dpkg-shlibdeps wants a source package around it.
mkdir -p "$root.work/debian" "$root/DEBIAN"
printf 'Source: spanmap\n\nPackage: spanmap\nArchitecture: any\n' > "$root.work/debian/control"
binaries=$(realpath "$root/usr/bin/spanmap" "$root/usr/libexec/spanmap-draw")
# shellcheck disable=SC2086 # a list of paths without blanks
depends=$(cd "$root.work" && dpkg-shlibdeps -O $binaries 2> /dev/null | sed -n 's/^shlibs:Depends=//p')
rm -rf "$root.work"

cat > "$root/DEBIAN/control" << CONTROL
Package: spanmap
Version: $version
Architecture: $architecture
Maintainer: spanmap <spanmap@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Recommends: fonts-dejavu-core
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
