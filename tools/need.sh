#!/bin/sh
# need.sh GROUP...    see that everything these groups need is here
# need.sh --doctor    say everything about every tool, change nothing
#
# The list is tools/packages.txt.  When something is missing and we may install
# (root, or sudo that asks for no password), it is installed; else one line to
# type is printed, nothing is changed, and the exit status is 1.  NO_INSTALL=1
# forbids installing.  This is a shell script because python may be missing.
set -u
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
list="$(dirname "$0")/packages.txt"

# Which column of the list is ours?  "none": not a system with apt.
distribution() {
    ID='' VERSION_ID='' ID_LIKE=''
    # shellcheck source=/dev/null
    [ -r /etc/os-release ] && . /etc/os-release
    command -v apt-get >/dev/null 2>&1 || { echo none; return; }
    case "$ID $ID_LIKE" in
    ubuntu*|*" ubuntu"*) echo ubuntu-24.04 ;;
    debian*) [ "${VERSION_ID:-13}" -le 12 ] && echo debian-12 || echo debian-13 ;;
    *) echo debian-13 ;;
    esac
}

# Is one of the alternatives A|B here?  Leaves its name in $found.
here() {
    old_ifs=$IFS; IFS='|'
    for found in $1; do
        IFS=$old_ifs
        case $found in
        /*) [ -e "$found" ] && return 0 ;;
        *) command -v "$found" >/dev/null 2>&1 && return 0 ;;
        esac
    done
    IFS=$old_ifs; found=''
    return 1
}

# The package name in column $dist out of the three of a line.
package() {
    [ "$2" = "=" ] && set -- "$1" "$1" "$3"
    [ "$3" = "=" ] && set -- "$1" "$2" "$2"
    case $dist in
    debian-12) echo "$1" ;;
    debian-13) echo "$2" ;;
    *) echo "$3" ;;
    esac
}

# Words of $missing and $names: what the groups "$@" lack.
look() {
    missing='' names=''
    while read -r groups probe _ p12 p13 pub _; do
        case $groups in ''|'#'*) continue ;; esac
        for g in "$@"; do
            case ",$groups," in
            *",$g,"*)
                if ! here "$probe"; then
                    [ -n "$dist" ] || dist=$(distribution)
                    missing="$missing $(package "$p12" "$p13" "$pub")"
                    names="$names ${probe%%|*}"
                fi
                break ;;
            esac
        done
    done < "$list"
}

# apt-get install as root.  The package lists are renewed when there are none,
# or when they are too old to install by.
install_now() {
    echo "installing what is missing:$missing"
    ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 && apt_install && return 0
    $as_root apt-get update -q && apt_install
}

apt_install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}

need() {
    dist=''
    look "$@"
    [ -z "$missing" ] && return 0
    if [ "$dist" = none ]; then
        echo "missing:$names (make doctor tells more); install them with this system's package manager" >&2
        return 1
    fi
    as_root=none
    if [ "$(id -u)" = 0 ]; then as_root=''
    elif sudo -n true 2>/dev/null; then as_root='sudo -n'
    fi
    if [ "$as_root" = none ] || [ -n "${NO_INSTALL:-}" ]; then
        sudo=''; [ "$(id -u)" = 0 ] || sudo='sudo '
        echo "${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends$missing" >&2
        return 1
    fi
    install_now || { echo "installing failed:$missing" >&2; return 1; }
    look "$@"
    [ -z "$missing" ] && return 0
    echo "installed, but still not found:$names" >&2
    return 1
}

# The first thing that looks like a version in what a tool says of itself.
version() {
    case $1 in
    /*python3) ;;
    /*) echo present; return ;;
    esac
    "$1" --version </dev/null 2>&1 | sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9.]*[0-9]\).*/\1/p;' | head -n 1 | grep . && return
    "$1" --version </dev/null 2>&1 | sed -n 's/.*[^0-9.]\([0-9][0-9]*\.[0-9.]*[0-9]\).*/\1/p' | head -n 1 | grep . || echo present
}

at_least() { # VERSION MINIMUM, major and minor
    awk -v a="$1" -v b="$2" 'BEGIN { split(a, x, "."); split(b, y, ".");
        exit !(x[1]+0 > y[1]+0 || (x[1]+0 == y[1]+0 && x[2]+0 >= y[2]+0)) }'
}

doctor() {
    dist=$(distribution)
    printf '%-26s %-10s %-34s %s\n' tool found 'what it is for' 'package (Debian 12 / Debian 13 / Ubuntu 24.04)'
    while read -r groups probe min p12 p13 pub purpose; do
        case $groups in ''|'#'*) continue ;; esac
        [ "$p13" = = ] && p13=$p12
        [ "$pub" = = ] && pub=$p13
        pkgs="$p12 / $p13 / $pub"
        [ "$pkgs" = "$p12 / $p12 / $p12" ] && pkgs=$p12
        if here "$probe"; then
            v=$(version "$found")
            if [ "$min" != - ] && ! at_least "$v" "$min"; then v="$v<$min!"; old="${old:-} $found"; fi
        else
            found=${probe%%|*} v=MISSING
            [ "$groups" = - ] && v=absent
        fi
        case $found in /*) found=$(basename "$found") ;; esac
        case $found in opensbi*) found='opensbi fw_dynamic.bin' ;; uboot.elf) found='u-boot uboot.elf' ;; esac
        printf '%-26s %-10s %-34s %s\n' "$found" "$v" "$purpose" "$pkgs"
    done < "$list"
    echo
    [ -n "${old:-}" ] && echo "too old:$old"
    look build qemu uboot host gdb lint format python
    if [ -z "$missing" ]; then
        echo "nothing is missing"
    elif [ "$dist" = none ]; then
        echo "missing:$names; this system has no apt-get, use its own package manager"
    else
        echo "to install what is missing, type:"
        echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing"
    fi
}

case "${1:-}" in
--doctor) old=''; doctor ;;
--help|-h|'') sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0" ;;
*) need "$@" ;;
esac
