"""pymerkle, cryptography, rfc8785 and OpenSSL judge a proof file and an export.

Without environment: the frozen log `countersign-v1`. With COUNTERSIGN_EXPORT (a directory that
`countersign export` wrote) and COUNTERSIGN_PROOF (a proof file of that log): those.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass, replace
from pathlib import Path

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pymerkle import InmemoryTree, InvalidProof
from pymerkle.core import _inclusion_path_layout
from pymerkle.proof import InclusionProof

FROZEN = Path(__file__).parents[2] / "ledger/tests/vectors/countersign-v1"
EXPORT = Path(os.environ.get("COUNTERSIGN_EXPORT", FROZEN))
PROOF = Path(os.environ.get("COUNTERSIGN_PROOF", FROZEN / "decision.resolved.tlog-proof"))


class Refused(Exception):
    """What was checked does not hold."""


@dataclass(frozen=True)
class Note:
    """A signed note: text with its last newline, and the signature of each key name."""

    text: bytes
    signatures: dict[str, bytes]

    @classmethod
    def parse(cls, note: str) -> "Note":
        text, _, lines = note.partition("\n\n")
        signatures = {}
        for line in lines.splitlines():
            _, name, signature = line.split(" ")
            signatures[name] = base64.b64decode(signature)
        return cls((text + "\n").encode(), signatures)

    def line(self, number: int) -> str:
        return self.text.decode().split("\n")[number]

    @property
    def size(self) -> int:
        return int(self.line(1))

    @property
    def root(self) -> bytes:
        return base64.b64decode(self.line(2))

    def with_line(self, number: int, line: str) -> "Note":
        lines = self.text.decode().split("\n")
        lines[number] = line
        return replace(self, text="\n".join(lines).encode())


@dataclass(frozen=True)
class Key:
    """The first log key of a trust policy. Only the first two `+` separate."""

    name: str
    id: bytes
    public: bytes

    @classmethod
    def parse(cls, policy: str) -> "Key":
        name, id, key = policy.splitlines()[0].split(" ")[1].split("+", 2)
        return cls(name, bytes.fromhex(id), base64.b64decode(key)[1:])

    def signature(self, note: Note) -> bytes:
        signature = note.signatures.get(self.name, b"")
        if signature[:4] != self.id:
            raise Refused("no signature of this key")
        return signature[4:]


@dataclass(frozen=True)
class Proof:
    """A tlog-proof with the leaf in `extra`."""

    leaf: bytes
    index: int
    path: list[bytes]
    note: Note

    @classmethod
    def parse(cls, text: str) -> "Proof":
        head, _, note = text.partition("\n\n")
        _, extra, index, *path = head.split("\n")
        return cls(
            base64.b64decode(extra.removeprefix("extra ")),
            int(index.removeprefix("index ")),
            [base64.b64decode(hash) for hash in path],
            Note.parse(note),
        )


def leaves() -> list[bytes]:
    """Every leaf of the export's bundles, in order."""
    found = []
    bundles = [path for path in EXPORT.glob("tile/entries/**/*") if path.is_file()]
    for bundle in sorted(bundles, key=place):
        content, at = bundle.read_bytes(), 0
        while at < len(content):
            length = int.from_bytes(content[at : at + 2], "big")
            found.append(content[at + 2 : at + 2 + length])
            at += 2 + length
    return found


def place(path: Path) -> int:
    """Number of a bundle: `x001/234` is 1,234, as is `x001/234.p/17`."""
    number = path.relative_to(EXPORT / "tile/entries").as_posix().split(".p/")[0]
    return int(number.replace("x", "").replace("/", ""))


def notes() -> list[Note]:
    """Every checkpoint of the export."""
    paths = [EXPORT / "checkpoint", *EXPORT.glob("checkpoint.*"), *EXPORT.glob("checkpoints/*")]
    return [Note.parse(path.read_text()) for path in paths if path.is_file()]


def flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def changed_root(note: Note) -> Note:
    return note.with_line(2, base64.b64encode(flip(note.root, 3)).decode())


def changed_signature(note: Note, key: Key) -> Note:
    return replace(note, signatures={key.name: flip(note.signatures[key.name], 20)})


def mutations(key: Key, proof: Proof) -> dict[str, Proof]:
    note = proof.note
    return {
        "a bit of the leaf": replace(proof, leaf=flip(proof.leaf, len(proof.leaf) // 2)),
        "a bit of the path": replace(proof, path=[flip(proof.path[0], 5), *proof.path[1:]]),
        "a missing hash": replace(proof, path=proof.path[1:]),
        "a hash too many": replace(proof, path=[*proof.path, proof.path[0]]),
        "the index below": replace(proof, index=proof.index - 1),
        "an index beyond the size": replace(proof, index=1 << 40),
        "another size": replace(proof, note=note.with_line(1, str(note.size + 1))),
        "a bit of the root": replace(proof, note=changed_root(note)),
        "another origin": replace(proof, note=note.with_line(0, note.line(0) + "0")),
        "a bit of the signature": replace(proof, note=changed_signature(note, key)),
    }


class Foreign(unittest.TestCase):
    """What is judged, read once."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.key = Key.parse((EXPORT / "trust-policy.txt").read_text())
        cls.proof = Proof.parse(PROOF.read_text())


class Python(Foreign):
    """pymerkle for the tree, cryptography for the signature, rfc8785 for the bytes."""

    def accept(self, proof: Proof) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.key.public).verify(self.key.signature(proof.note), proof.note.text)
        except InvalidSignature as error:
            raise Refused("signature") from error
        size, index = proof.note.size, proof.index + 1
        if not 0 < index <= size:
            raise Refused("index")
        base = hashlib.sha256(b"\0" + proof.leaf).digest()
        rule, _ = _inclusion_path_layout(index, size)
        inclusion = InclusionProof(
            algorithm="sha256", security=True, size=size, index=index, rule=rule, path=[base, *proof.path]
        )
        try:
            inclusion.verify(base, proof.note.root, index=index, size=size)
        except (InvalidProof, IndexError, ValueError) as error:
            raise Refused("inclusion") from error

    def test_the_proof_is_accepted(self) -> None:
        self.accept(self.proof)

    def test_every_mutation_is_refused(self) -> None:
        for name, changed in mutations(self.key, self.proof).items():
            with self.subTest(name), self.assertRaises(Refused):
                self.accept(changed)

    def test_the_tree_over_the_leaves_has_every_signed_root(self) -> None:
        tree = InmemoryTree(algorithm="sha256")
        entries = leaves()
        for leaf in entries:
            tree.append_entry(leaf)
        signed = notes()
        self.assertIn(len(entries), [note.size for note in signed])
        largest = max(signed, key=lambda note: note.size)
        for note in signed:
            self.assertEqual(tree.get_root(note.size), note.root)
            consistency = tree.prove_consistency(note.size, largest.size)
            consistency.verify(note.root, largest.root, prior_size=note.size, later_size=largest.size)
            with self.assertRaises(InvalidProof):
                consistency.verify(changed_root(note).root, largest.root)

    def test_one_changed_leaf_changes_the_root(self) -> None:
        tree = InmemoryTree(algorithm="sha256")
        entries = leaves()
        entries[len(entries) // 2] = flip(entries[len(entries) // 2], 30)
        for leaf in entries:
            tree.append_entry(leaf)
        largest = max(notes(), key=lambda note: note.size)
        self.assertNotEqual(tree.get_root(largest.size), largest.root)

    def test_every_leaf_and_statement_is_canonical(self) -> None:
        documents = [*leaves(), *(path.read_bytes() for path in EXPORT.glob("statements/*.json"))]
        for document in documents:
            self.assertEqual(rfc8785.dumps(json.loads(document)), document)


class OpenSSL(Foreign):
    """The command line of the README: pkeyutl over the text of the note."""

    def accepts(self, key: Key, note: Note) -> bool:
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            public = Ed25519PublicKey.from_public_bytes(key.public)
            (place / "key.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            (place / "text").write_bytes(note.text)
            (place / "signature").write_bytes(key.signature(note))
            command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
            command += ["-in", "text", "-sigfile", "signature"]
            return subprocess.run(command, cwd=place, capture_output=True, check=False).returncode == 0

    def test_every_checkpoint_is_accepted(self) -> None:
        for note in [self.proof.note, *notes()]:
            self.assertTrue(self.accepts(self.key, note))

    def test_every_mutation_of_the_note_is_refused(self) -> None:
        note = self.proof.note
        changed = {
            "size": note.with_line(1, str(note.size + 1)),
            "root": changed_root(note),
            "origin": note.with_line(0, note.line(0) + "0"),
            "signature": changed_signature(note, self.key),
            "a further line": replace(note, text=note.text + b"extension\n"),
            "a missing newline": replace(note, text=note.text[:-1]),
        }
        for name, bad in changed.items():
            with self.subTest(name):
                self.assertFalse(self.accepts(self.key, bad))
        other = replace(self.key, public=Ed25519PublicKey.from_public_bytes(bytes([9] * 32)).public_bytes_raw())
        self.assertFalse(self.accepts(other, note))


if __name__ == "__main__":
    run = unittest.main(exit=False, verbosity=2).result
    failed = len(run.failures) + len(run.errors)
    print(f"{run.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
