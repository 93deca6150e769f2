# SPDX-License-Identifier: BSD-3-Clause
"""What the tests' own Hub holds: repositories made up from their names.

Every model and dataset exists under the owner "acme"; its files follow from
its name and its generation, so two servers agree on every byte and a test
gets a fresh repository by naming it.  Moving `main` forward raises the
generation.  The owner "gated" asks for alice's token, "absent" has nothing,
and "tiny" holds the model and the datasets that transformers and datasets
can load.
"""

import csv
import hashlib
import io
import json
import threading

# http_get() of the older clients hands on the body in blocks of 10 MiB: only
# a file beyond that leaves bytes behind when its download is killed.
BIG_SIZE = 12 << 20
LFS_SIZE = 200_000
TOKENS = {"hf_aliceAAAAAAAAAAAAAAAAAAAAAAAAAAAA": "alice",
          "hf_bobBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB": "bob"}
GATE_OPENS_FOR = {"alice"}


class File:
    """One file of one commit: its bytes and the names the Hub gives them."""

    def __init__(self, data, kind="git"):
        self.data = data
        self.kind = kind
        self.size = len(data)
        git = b"blob %d\0" % len(data)
        self.blob_id = hashlib.sha1(git + data).hexdigest()
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.xet = hashlib.sha256(b"xet" + data).hexdigest()
        self.etag = self.blob_id if kind == "git" else self.sha256


def noise(seed, size):
    """SIZE bytes that follow from SEED."""
    block = hashlib.shake_256(seed.encode()).digest(min(size, 4096))
    return (block * (size // len(block) + 1))[:size]


def text(*lines):
    return File(("\n".join(lines) + "\n").encode())


def as_json(value):
    return File(json.dumps(value, indent=2).encode())


def generic(name, generation):
    """The files of acme/NAME: small ones, LFS ones, and one in two repos."""
    files = {
        ".gitattributes": text("*.bin filter=lfs diff=lfs merge=lfs -text"),
        "README.md": text(f"# {name}"),
        "config.json": as_json({"name": name, "generation": generation}),
        "extra.txt": text(f"extra of {name}"),
        "nested/deep/notes.txt": text(f"notes of {name}"),
        "plain.bin": File(noise(f"plain {name}", LFS_SIZE), "lfs"),
        "model.bin": File(noise(f"model {name} {generation}", LFS_SIZE),
                          "xet"),
        "late.bin": File(noise(f"late {name}", LFS_SIZE), "xet"),
        "common.bin": File(noise("common", LFS_SIZE), "xet"),
        "big.bin": File(noise(f"big {name}", BIG_SIZE), "lfs"),
    }
    for step in range(1, generation + 1):
        files[f"new-{step}.json"] = as_json({"name": name, "since": step})
    return files


def tiny_model(_name, _generation):
    """What AutoConfig and AutoTokenizer ask for: a Bert of eight words."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "share", "the",
             "cache"]
    special = [{"id": i, "content": word, "single_word": False,
                "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for i, word in enumerate(words[:5])]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "unk_token": "[UNK]",
                  "vocab": {word: i for i, word in enumerate(words)}},
    }
    return {
        "config.json": as_json({
            "model_type": "bert", "architectures": ["BertModel"],
            "vocab_size": len(words), "hidden_size": 8,
            "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 16, "max_position_embeddings": 32}),
        "tokenizer.json": as_json(tokenizer),
        "tokenizer_config.json": as_json({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": "[UNK]", "pad_token": "[PAD]",
            "cls_token": "[CLS]", "sep_token": "[SEP]",
            "mask_token": "[MASK]"}),
    }


def tiny_code(_name, _generation):
    """A model whose configuration is code of its own."""
    return {
        "config.json": as_json({
            "model_type": "tiny-code", "auto_map": {
                "AutoConfig": "configuration_tiny.TinyConfig"}}),
        "configuration_tiny.py": text(
            "from transformers import PretrainedConfig", "", "",
            "class TinyConfig(PretrainedConfig):",
            '    model_type = "tiny-code"'),
    }


def card():
    return text("---", "license: cc0-1.0", "---", "# tiny")


def tiny_csv(_name, _generation):
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["text", "label"])
    rows.writerows([f"row {i}", i % 2] for i in range(20))
    return {"README.md": card(),
            "data/train.csv": File(out.getvalue().encode())}


def tiny_jsonl(_name, _generation):
    rows = [json.dumps({"text": f"row {i}", "label": i % 2})
            for i in range(20)]
    return {"README.md": card(), "data/train.jsonl": text(*rows)}


MAKERS = {"tiny/model": tiny_model, "tiny/code": tiny_code,
          "tiny/csv": tiny_csv, "tiny/jsonl": tiny_jsonl}
OWNERS = {"acme", "gated", "tiny"}


class Content:
    """All repositories, and the generation that `main` of each is at."""

    def __init__(self):
        self._lock = threading.Lock()
        self._generation = {}
        self._made = {}
        self._by_commit = {}
        self._payloads = {}

    def exists(self, name):
        owner = name.split("/")[0]
        return owner in OWNERS and (owner != "tiny" or name in MAKERS)

    def move_main(self, kind, name):
        """Move `main` forward by one commit, and return its new name."""
        with self._lock:
            key = (kind, name)
            self._generation[key] = self._generation.get(key, 0) + 1
        return self.commit(kind, name, "main")

    def commit(self, kind, name, revision):
        """The commit that REVISION names, or None."""
        if revision in ("main", "refs/heads/main"):
            generation = self._generation.get((kind, name), 0)
            return self._make(kind, name, generation)
        if self._by_commit.get(revision, (None,))[0] == (kind, name):
            return revision
        return None

    def files(self, commit):
        return self._by_commit[commit][1]

    def payload(self, key):
        """The LFS or Xet file of that sha256 or Xet hash, or None."""
        return self._payloads.get(key)

    def _make(self, kind, name, generation):
        sha = hashlib.sha1(f"{kind}/{name}@{generation}".encode()).hexdigest()
        with self._lock:
            if sha in self._by_commit:
                return sha
            files = MAKERS.get(name, generic)(name, generation)
            self._by_commit[sha] = ((kind, name), files)
            for file in files.values():
                if file.kind != "git":
                    self._payloads[file.sha256] = file
                    self._payloads[file.xet] = file
        return sha
