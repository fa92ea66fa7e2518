# Make a repository as an engine's vendor lays it out, of packages with nothing in them, and print the key that signs it.
set -eu
apt-get update -qq; apt-get install -qq -y --no-install-recommends gnupg >/dev/null 2>&1
mkdir -p /srv/repo/pool; cd /srv/repo
package() {
    mkdir -p "/tmp/$1/DEBIAN"
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: lab <lab@example.com>\nDescription: lab\n' \
        "$1" "$2" >"/tmp/$1/DEBIAN/control"
    dpkg-deb -b "/tmp/$1" "pool/$1_$3_all.deb" >/dev/null
}
for version in 28.4.0 28.5.1; do
    for name in docker-ce docker-ce-cli; do package $name "5:$version-1~debian" $version; done
done
for name in containerd.io docker-buildx-plugin docker-compose-plugin; do package $name 1.0-1 1.0; done
index=dists/$(. /etc/os-release; echo $VERSION_CODENAME); mkdir -p $index/stable/binary-amd64
for file in pool/*.deb; do
    dpkg-deb -f $file
    printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' $file $(stat -c %s $file) $(sha256sum $file | cut -d' ' -f1)
done >$index/stable/binary-amd64/Packages
cd $index
{
    printf 'Suite: lab\nCodename: %s\nComponents: stable\nArchitectures: amd64\nDate: %s\nSHA256:\n' \
        $(basename $index) "$(date -Ru)"
    printf ' %s %s %s\n' $(sha256sum stable/binary-amd64/Packages | cut -d' ' -f1) \
        $(stat -c %s stable/binary-amd64/Packages) stable/binary-amd64/Packages
} >Release
export GNUPGHOME=/root/gpg; mkdir -m 700 $GNUPGHOME
gpg --batch --quiet --passphrase '' --quick-gen-key lab@example.com ed25519 sign never
gpg --batch --quiet --clearsign -o InRelease Release
gpg --batch --quiet --armor --export lab@example.com
