#!/usr/bin/env bash
# Makes a Debian package of a binary that packaging/dist.sh has built:
#
#   packaging/debian/build.sh DIST ARCH
#
# VERSION and DATE are those of the binary. dpkg-deb is all it needs, and the
# same source gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
dist=$1
arch=$2
: "${VERSION:?}" "${DATE:?}"

# A Debian version begins with a digit, and - would begin a revision. A build
# behind a tag is newer than it (+), one before a release older (~).
version=${VERSION#v}
version=$(sed -E 's/-([0-9]+)-g([0-9a-f]+)/+\1.g\2/; s/-dirty$/+dirty/; s/-/~/g' <<<"$version")
[[ $version =~ ^[0-9] ]] || version=0~$version

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
umask 022
root=$stage/meerkat
at=$(date -u -d "$DATE" +%s)

install -D -m 0755 "$dist/meerkat-linux-$arch" "$root/usr/bin/meerkat"
install -d "$root/etc/meerkat"
sed -e 's|^dataDir=.*|dataDir=/var/lib/meerkat|' conf/zoo.cfg >"$root/etc/meerkat/zoo.cfg"
install -D -m 0644 packaging/debian/default "$root/etc/default/meerkat"
install -D -m 0644 packaging/systemd/meerkat.service "$root/lib/systemd/system/meerkat.service"
# The scripts find their configuration and logs beside their folder.
install -d "$root/usr/share/meerkat/bin"
install -m 0755 bin/*.sh "$root/usr/share/meerkat/bin/"
ln -s /etc/meerkat "$root/usr/share/meerkat/conf"
ln -s /var/log/meerkat "$root/usr/share/meerkat/logs"
install -D -m 0644 packaging/debian/copyright "$root/usr/share/doc/meerkat/copyright"
install -m 0644 README.md "$root/usr/share/doc/meerkat/"
cp -R docs "$root/usr/share/doc/meerkat/docs"
install -d "$root/usr/share/doc/meerkat"
gzip -9nc CHANGELOG.md >"$root/usr/share/doc/meerkat/changelog.gz"

install -d "$root/DEBIAN"
kib=$(find "$root" -type f -printf '%s\n' | awk '{ n += int(($1 + 1023) / 1024) } END { print n }')
sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$kib/" packaging/debian/control >"$root/DEBIAN/control"
install -m 0644 packaging/debian/conffiles "$root/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do
	[ ! -f "packaging/debian/$script" ] || install -m 0755 "packaging/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find etc lib usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -type f -not -perm /0111 -exec chmod 0644 {} +
find "$root" -exec touch -h -d "@$at" {} +

SOURCE_DATE_EPOCH=$at dpkg-deb --root-owner-group -Zxz --build "$root" "$dist/meerkat_${version}_$arch.deb" >/dev/null
echo "$dist/meerkat_${version}_$arch.deb"
