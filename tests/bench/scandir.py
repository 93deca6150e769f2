# SPDX-License-Identifier: BSD-3-Clause
"""scandir.py TREE GID: what a Python program that walks TREE would ask.

Group, setgid bit and mode of folders and files, second links of files, links
that lead out of the tree; prints what is wrong, as the find of tests/bench/tree.
"""

import os
import stat
import sys

BLOBS = ("../../blobs/", "../../../blobs/")


def is_wrong(entry, gid):
    if entry.is_symlink():
        return not os.readlink(entry.path).startswith(BLOBS)
    info = entry.stat(follow_symlinks=False)
    if info.st_gid != gid:
        return True
    if stat.S_ISDIR(info.st_mode):
        return info.st_mode & 0o2072 != 0o2070
    return (info.st_mode & 0o6062 != 0o060 and info.st_mode & 0o7777 != 0o440
            or info.st_nlink > 1)


def main(tree, gid):
    folders = [tree]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if is_wrong(entry, gid):
                    print(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)


main(sys.argv[1], int(sys.argv[2]))
