#!/usr/bin/env bash
# Makes a release of the commit that is checked out:
#
#   scripts/release.sh v1.2.3 DIR
#
# DIR, which must be empty or not there yet, gets
#
#   exgrant-v1.2.3-linux-amd64.tar.gz      program, licenses, completions, man page: also
#                                          linux-arm64, darwin-amd64, darwin-arm64
#   exgrant-v1.2.3-windows-amd64.zip       the same for Windows: also windows-arm64
#   exgrant_1.2.3-1_amd64.deb, exgrant-1.2.3-1.x86_64.rpm     also for arm64
#   exgrant-v1.2.3.html                    the web page that writes scripts, its licenses in it
#   exgrant-exchange-1.2.3.tar.gz          the Ansible collection exgrant.exchange
#   exgrant-v1.2.3-linux-amd64.cdx.json    what is in it (CycloneDX): one for each archive, and for the page
#   SHA256SUMS                             of all the above
#   signatures/                            a place for signatures, and how to make them
#
# The bytes depend on the commit, the version, the version of Go and the kind of machine
# (for the lists of contents alone, which name the tool that made them), so that
# anybody can make them again and compare. It needs Go, git and the Go module proxy.
#
# Programs for Windows are signed before they are packed where EXGRANT_AUTHENTICODE
# names a program that signs the file of its argument in place.
set -euo pipefail
cd "$(dirname "$0")/.."

nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

stop() { echo "release.sh: $*" >&2; exit 1; }

[ $# = 2 ] || { echo 'usage: scripts/release.sh VERSION DIR' >&2; exit 2; }
version=$1
[[ $version =~ ^v[01]\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?$ ]] ||
    { echo "release.sh: $version is no version: one is v1.2.3 or v1.2.3-rc.1" >&2; exit 2; }
mkdir -p "$2"
out=$(cd "$2" && pwd)
[ -z "$(ls -A "$out")" ] || stop "$out is not empty"
commit=$(git rev-parse --verify --quiet HEAD) || stop 'a release is made of a commit, and this is no checkout of one'
[ -z "$(git status --porcelain)" ] || echo "release.sh: changes that are not committed are not in it" >&2
tagged=$(git rev-parse --verify --quiet "refs/tags/$version^{commit}" || echo "$commit")
[ "$tagged" = "$commit" ] || stop "$version is another commit: $tagged"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only what is committed, with the version as its only tag: the go command takes the
# version from there.
source=$work/source
git clone -q --no-checkout --no-tags . "$source"
git -C "$source" checkout -q --detach "$commit"
git -C "$source" tag "$version"
cd "$source"

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH TZ=UTC0 LC_ALL=C
unset GOOS GOARCH GOFLAGS GOEXPERIMENT GOWORK GODEBUG
export CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOWORK=off
umask 022

# build FILE [GOOS GOARCH] builds the program, as it is released.
build() {
    GOOS=${2-} GOARCH=${3-} go build -trimpath -buildvcs=true -ldflags='-s -w' -o "$1" ./cmd/exgrant
}

GOBIN=$work/tools go install -trimpath "$nfpm"
GOBIN=$work/tools go install -trimpath "$cyclonedx"
release=$work/tools/release
go build -o "$release" ./internal/release
build "$work/exgrant"
"$work/exgrant" version | grep -qF " $version (release) " || stop "the program says: $("$work/exgrant" version)"

# What every archive holds beside the program.
mkdir -p "$work/beside/completions"
cp LICENSE README.md CHANGELOG.md SECURITY.md THIRD-PARTY-NOTICES.txt "$work/beside"
"$work/exgrant" man > "$work/beside/exgrant.1"
"$work/exgrant" completion bash > "$work/beside/completions/exgrant.bash"
"$work/exgrant" completion zsh > "$work/beside/completions/_exgrant"
"$work/exgrant" completion fish > "$work/beside/completions/exgrant.fish"
"$work/exgrant" completion powershell > "$work/beside/completions/exgrant.ps1"

# complete PROGRAM sees that the notices name every module that is linked into it.
complete() {
    go version -m "$1" | awk '$1 == "dep" { print $2 " " $3 }' | while read -r module; do
        grep -qxF "$module" THIRD-PARTY-NOTICES.txt || stop "THIRD-PARTY-NOTICES.txt does not name $module (go generate ./internal/release)"
    done
}

# contents SYSTEM PROCESSOR PACKAGE FILE lists what is linked into a program.
contents() {
    GOOS=$1 GOARCH=$2 "$work/tools/cyclonedx-gomod" app -json -licenses -std -noserial -notimestamp \
        -main "$3" -output "$4" . 2>"$work/cyclonedx.log" || { cat "$work/cyclonedx.log" >&2; exit 1; }
}

# ---- Programs: an archive and a list of its contents for each system, packages for Linux
"$release" targets > "$work/targets"
while IFS=/ read -r system processor; do
    name=exgrant-$version-$system-$processor
    packed=$work/$name
    cp -R "$work/beside" "$packed"
    program=$packed/exgrant
    [ "$system" != windows ] || program=$program.exe
    build "$program" "$system" "$processor"
    complete "$program"
    if [ "$system" = windows ]; then
        [ -z "${EXGRANT_AUTHENTICODE-}" ] || "$EXGRANT_AUTHENTICODE" "$program"
        "$release" archive "$out/$name.zip" "$packed"
    else
        "$release" archive "$out/$name.tar.gz" "$packed"
    fi
    if [ "$system" = linux ]; then
        gzip -9n "$packed/exgrant.1"
        for packager in deb rpm; do
            (cd "$packed" && ARCH=$processor VERSION=$version \
                "$work/tools/nfpm" package --config "$source/scripts/nfpm.yaml" --packager "$packager" --target "$out" >&2)
        done
    fi
    contents "$system" "$processor" ./cmd/exgrant "$out/$name.cdx.json"
done < "$work/targets"

# ---- The page, and a list of its contents
go run ./cmd/exgrant-page -o "$out/exgrant-$version.html" 2>"$work/page.log" || { cat "$work/page.log" >&2; exit 1; }
contents js wasm ./cmd/exgrant-page/wasm "$out/exgrant-$version.html.cdx.json"

# ---- The Ansible collection, with the version of the program
"$release" collection "$out" "$version" ansible

# ---- What else is no program is added here: write it into $out, under a name that begins
# with exgrant and has the version in it. SHA256SUMS and the signatures cover it then.

# ---- Sums
(cd "$out" && sha256sum -- exgrant* > SHA256SUMS)

# ---- Signatures: a place for them, and how they are made
mkdir "$out/signatures"
cp scripts/signatures.md "$out/signatures/README.md"

echo "release $version of $commit, by $(go env GOVERSION):"
(cd "$out" && cat SHA256SUMS)
