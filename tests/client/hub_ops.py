#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What one user does with the Hub's client in one session, and how it went.

    python hub_ops.py STEP...

A step is LABEL=VERB[,ARGUMENT...]; each runs in a process of its own, forked
from one that has the client imported, and prints one line

    LABEL <tab> RESULT <tab> REMARK

RESULT is `ok`, `w` (it worked, and the client warned), the number of the
error (13, 1; 13L if it was a lock file), or the name of the exception.  The
verbs:

    file,REPO,PATH         a download, or a hit in the cache
    force,REPO,PATH        the same, and never a hit
    offline,REPO,PATH      from the cache alone
    snapshot,REPO[,PATTERN...]
    absent,REPO,PATH       a file that the repository does not have
    refused,REPO,PATH      a file that the Hub does not give to this user
    partial,REPO,PATH      a download that is killed half-way
    scan                   what `hf cache ls` reads
    remove,REPO            delete the repository from the cache
    load,CLASS,REPO        AutoConfig or AutoTokenizer of transformers
    code,REPO              AutoConfig of a repository with code of its own
    dataset,REPO           load_dataset of datasets
    map,REPO               the same, and map() over it
    move,KIND,REPO         the Hub's `main` moves forward (prints nothing)

REPO is OWNER/NAME, with datasets/ before it for a dataset.
"""

import hashlib
import logging
import os
import shutil
import signal
import sys
import time
import traceback
import urllib.request
from pathlib import Path

os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

from huggingface_hub import constants  # noqa: E402
from huggingface_hub import hf_hub_download, scan_cache_dir  # noqa: E402
from huggingface_hub import snapshot_download  # noqa: E402
from huggingface_hub.utils import EntryNotFoundError  # noqa: E402
from huggingface_hub.utils import GatedRepoError  # noqa: E402
from huggingface_hub.utils import LocalEntryNotFoundError  # noqa: E402

# Said to who has not logged in to the Hub, has no PyTorch, or runs code of a
# repository for the first time.
USUAL = ("unauthenticated requests", "PyTorch was not found",
         "A new version of the following files was downloaded")


class Broken(Exception):
    """The client said that it worked, and it did not."""


class Listener(logging.Handler):
    """Collects what the client warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.heard = []

    def emit(self, record):
        said = record.getMessage()
        if not any(usual in said for usual in USUAL):
            self.heard.append(said.strip().splitlines()[0])


def repository(repo):
    """REPO as arguments of the client."""
    if repo.startswith("datasets/"):
        return {"repo_id": repo.split("/", 1)[1], "repo_type": "dataset"}
    return {"repo_id": repo}


def folder(repo):
    kind = "datasets" if repo.startswith("datasets/") else "models"
    name = repository(repo)["repo_id"].replace("/", "--")
    return Path(constants.HF_HUB_CACHE) / f"{kind}--{name}"


def check_content(path):
    """The content of PATH is what its blob is named after."""
    blob = os.path.basename(os.readlink(path))
    data = Path(path).read_bytes()
    if len(blob) == 64:
        found = hashlib.sha256(data).hexdigest()
    else:
        found = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    if found != blob:
        raise Broken(f"{path} holds something else than {blob}")


def do_file(repo, path, **more):
    check_content(hf_hub_download(**repository(repo), filename=path, **more))


def do_force(repo, path):
    do_file(repo, path, force_download=True)


def do_offline(repo, path):
    do_file(repo, path, local_files_only=True)


def do_snapshot(repo, *patterns):
    top = snapshot_download(**repository(repo),
                            allow_patterns=list(patterns) or None)
    found = [path for path in Path(top).rglob("*") if path.is_symlink()]
    if not found:
        raise Broken(f"{top} is empty")
    for path in found:
        check_content(path)


def do_absent(repo, path):
    try:
        hf_hub_download(**repository(repo), filename=path)
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return
    raise Broken(f"{path} should not exist")


def do_refused(repo, path):
    try:
        hf_hub_download(**repository(repo), filename=path)
    except GatedRepoError:
        return
    raise Broken(f"{path} should be refused")


def control(path):
    request = urllib.request.Request(
        f"{constants.ENDPOINT}/control/{path}", method="POST")
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def do_partial(repo, path):
    control(f"stall/{repo}/{path}")
    child = os.fork()
    if child == 0:
        do_file(repo, path)
        os._exit(0)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        parts = folder(repo).glob("blobs/*.incomplete")
        if any(part.stat().st_size for part in parts):
            break
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    control("release")
    if time.monotonic() >= end:
        raise Broken("no unfinished download was left")


def do_scan():
    scan_cache_dir()


def do_remove(repo):
    shutil.rmtree(folder(repo))


def do_load(name, repo):
    import transformers
    loaded = getattr(transformers, name).from_pretrained(repo)
    if name == "AutoTokenizer" and loaded("share the cache")["input_ids"] != [
            5, 6, 7]:
        raise Broken("the tokenizer counts wrongly")


def do_code(repo):
    import transformers
    loaded = transformers.AutoConfig.from_pretrained(
        repo, trust_remote_code=True)
    if type(loaded).__name__ != "TinyConfig":
        raise Broken(f"{loaded!r} is not of the repository's own class")


def do_dataset(repo):
    import datasets
    loaded = datasets.load_dataset(repo, split="train")
    if len(loaded) != 20 or loaded[3]["text"] != "row 3":
        raise Broken("the dataset is not the one that was stored")
    return loaded


def do_map(repo):
    mapped = do_dataset(repo).map(lambda row: {"length": len(row["text"])})
    if mapped[3]["length"] != 5:
        raise Broken("map() is wrong")


def do_move(kind, repo):
    control(f"move/{kind}/{repo}")


VERBS = {name[3:]: value for name, value in list(globals().items())
         if name.startswith("do_")}


def error_name(error):
    """The errno of the first permission error in ERROR's history."""
    seen = error
    while seen is not None:
        if isinstance(seen, PermissionError):
            lock = str(seen.filename or "").endswith(".lock")
            return f"{seen.errno}{'L' if lock else ''}"
        seen = seen.__cause__ or seen.__context__
    return type(error).__name__


def outcome(verb, arguments, listener):
    try:
        VERBS[verb](*arguments)
    except Exception as error:
        if os.environ.get("HUB_OPS_TRACE"):
            traceback.print_exc()
        lines = str(error).strip().splitlines() or [""]
        return error_name(error), lines[0]
    if listener.heard:
        return "w", "; ".join(dict.fromkeys(listener.heard))
    return "ok", ""


def run(label, verb, arguments):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    listener = Listener()
    for name in ("huggingface_hub", "transformers", "datasets", "filelock"):
        logging.getLogger(name).addHandler(listener)
    result, remark = outcome(verb, arguments, listener)
    if verb != "move" or result != "ok":
        print(label, result, remark, sep="\t", flush=True)
    os._exit(0)


def main():
    for step in sys.argv[1:]:
        label, _, rest = step.partition("=")
        verb, *arguments = rest.split(",")
        run(label, verb, arguments)


if __name__ == "__main__":
    main()
