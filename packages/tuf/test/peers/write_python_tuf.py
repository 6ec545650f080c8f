"""Writes repositories with python-tuf: every kind of key and delegation, a root that was rotated, two layouts of the JSON."""

import base64
import json
import sys
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    MetaFile,
    Metadata,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

EXPIRES = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=2)
PATHS = ["a", "dir/b.txt", "dir/ü \U0001f600.txt", "bins/constructor", "bins/x", "hashed/1"]


def new_signers():
    return [
        CryptoSigner(ed25519.Ed25519PrivateKey.generate()),
        CryptoSigner(ec.generate_private_key(ec.SECP256R1())),
        CryptoSigner(ec.generate_private_key(ec.SECP384R1())),
        CryptoSigner(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        CryptoSigner(rsa.generate_private_key(public_exponent=65537, key_size=3072)),
    ]


def listing(*paths):
    return Targets(expires=EXPIRES, targets={path: TargetFile.from_data(path, path.encode(), ["sha256", "sha512"]) for path in paths})


def delegate(parent, roles, *signers):
    keys = {signer.public_key.keyid: signer.public_key for signer in signers}
    keyids = list(keys)
    made = [DelegatedRole(name, keyids, len(keyids), terminating, **what) for name, terminating, what in roles]
    parent.delegations = Delegations(keys, roles={role.name: role for role in made})


class Repository:
    """What a web server would offer, by path."""

    def __init__(self, compact, consistent, with_hashes):
        self.files = {}
        self.serializer = JSONSerializer(compact=compact)
        self.consistent = consistent
        self.with_hashes = with_hashes

    def write(self, role, signed, *signers):
        metadata = Metadata(signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        data = metadata.to_bytes(self.serializer)
        versioned = role == "root" or (self.consistent and role != "timestamp")
        self.files[f"{signed.version}.{role}.json" if versioned else f"{role}.json"] = data
        return MetaFile.from_data(signed.version, data, ["sha256", "sha512"]) if self.with_hashes else MetaFile(signed.version)


def write(compact, consistent, with_hashes):
    repository = Repository(compact, consistent, with_hashes)
    ed, p256, p384, rsa2048, rsa3072 = new_signers()
    root = Root(expires=EXPIRES, consistent_snapshot=consistent)
    for role, signers in {"root": [ed, p256], "timestamp": [p384], "snapshot": [rsa2048], "targets": [rsa3072, ed]}.items():
        for signer in signers:
            root.add_key(signer.public_key, role)
        root.roles[role].threshold = len(signers)
    repository.write("root", root, ed, p256)
    root.version = 2
    root.revoke_key(p256.public_key.keyid, "root")
    root.add_key(p384.public_key, "root")
    repository.write("root", root, ed, p256, p384)

    team, shared, bins = listing("dir/b.txt"), listing("dir/ü \U0001f600.txt", "hashed/1"), listing()
    content = {"team one": (team, [p256, ed]), "shared": (shared, [ed]), "bins": (bins, [p256, ed])}
    targets = listing("a")
    prefix = sha256(b"hashed/1").hexdigest()[:3]
    delegate(targets, [("team one", False, {"paths": ["dir/*"]}), ("bins", True, {"paths": ["bins/*"]})], p256, ed)
    targets.delegations.roles["hashed"] = DelegatedRole("hashed", [ed.public_key.keyid], 1, True, path_hash_prefixes=[prefix])
    content["hashed"] = (listing("hashed/1"), [ed])
    delegate(team, [("shared", False, {"paths": ["dir/?*"]})], ed)
    succinct = SuccinctRoles([], 1, 5, "bin")
    bins.delegations = Delegations({}, succinct_roles=succinct)
    bins.add_key(rsa2048.public_key)
    for name in succinct.get_roles():
        content[name] = (listing(), [rsa2048])
    for path in ["bins/constructor", "bins/x"]:
        content[succinct.get_role_for_target(path)][0].targets.update(listing(path).targets)

    meta = {f"{name}.json": repository.write(name, signed, *signers) for name, (signed, signers) in content.items()}
    meta["targets.json"] = repository.write("targets", targets, rsa3072, ed)
    snapshot = repository.write("snapshot", Snapshot(expires=EXPIRES, meta=meta), rsa2048)
    repository.write("timestamp", Timestamp(expires=EXPIRES, snapshot_meta=snapshot), p384)
    return {name: base64.b64encode(data).decode() for name, data in repository.files.items()}


print(json.dumps({"paths": PATHS, "repositories": [write(**options) for options in json.load(sys.stdin)]}))
